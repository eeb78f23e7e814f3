import type { TopicDetail, TopicSummary } from '@timesale/contracts/console-api'
import { Refusal } from '@timesale/contracts/refusals'
import { topicConfigs } from '@timesale/kafka/cluster-topics'
import { placeOf, type Cluster, type ClusterState, type TopicState } from '@timesale/kafka/cluster'
import { aboutTopic } from './topic-kind.ts'

/** Records a second, by topic; one that is not in it was not watched long enough. */
export type TopicRates = ReadonlyMap<string, number>

interface Bounds {
  readonly first: ReadonlyMap<string, bigint>
  readonly end: ReadonlyMap<string, bigint>
}

/** All topics, by name. */
export async function listTopics(cluster: Cluster, rates: TopicRates): Promise<TopicSummary[]> {
  const { topics } = await cluster.state('all')
  const states = [...topics.values()].toSorted((one, other) => one.topic.localeCompare(other.topic))
  const bounds = await readBounds(cluster, states)
  return states.map((state) => summaryOf(state, bounds, rates))
}

export async function describeTopic(
  cluster: Cluster,
  topic: string,
  rates: TopicRates,
): Promise<Omit<TopicDetail, 'asOf'>> {
  const state = await cluster.state([topic])
  const found = topicOf(state, topic)
  const [bounds, configs] = await Promise.all([readBounds(cluster, [found]), topicConfigs(cluster, topic, state)])
  return {
    ...summaryOf(found, bounds, rates),
    partitionList: found.partitions.map(({ partition, leader, replicas, inSync }) => ({
      ...{ partition, leader, replicas: [...replicas], inSync: [...inSync] },
      first: textOf(bounds.first.get(placeOf(topic, partition))),
      end: textOf(bounds.end.get(placeOf(topic, partition))),
    })),
    configs,
  }
}

/** Throws `topic-not-found`. */
export function topicOf({ topics }: ClusterState, topic: string): TopicState {
  const found = topics.get(topic)
  if (found === undefined) throw new Refusal('topic-not-found', { topic }, `There is no topic ${topic}`)
  return found
}

async function readBounds(cluster: Cluster, topics: readonly TopicState[]): Promise<Bounds> {
  const partitions = topics.flatMap((topic) => topic.partitions)
  const [first, end] = await Promise.all([cluster.offsets(partitions, 'first'), cluster.offsets(partitions, 'end')])
  return { first, end }
}

function summaryOf({ topic, isInternal, partitions }: TopicState, bounds: Bounds, rates: TopicRates): TopicSummary {
  const records = partitions.reduce((sum, { partition }) => {
    const place = placeOf(topic, partition)
    return sum + Number((bounds.end.get(place) ?? 0n) - (bounds.first.get(place) ?? 0n))
  }, 0)
  return {
    topic,
    partitions: partitions.length,
    replicas: Math.max(0, ...partitions.map(({ replicas }) => replicas.length)),
    records: Math.max(0, records),
    perSecond: rates.get(topic) ?? null,
    ...aboutTopic(topic, isInternal),
  }
}

function textOf(offset: bigint | undefined): string | null {
  return offset === undefined ? null : String(offset)
}
