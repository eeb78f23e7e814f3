import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CreateTopic, ProducedRecord, ProduceRecord } from '@timesale/contracts/console-api'
import { Refusal } from '@timesale/contracts/refusals'
import { isPlayground, PLAYGROUND_PREFIX, PLAYGROUND_TOPICS } from '@timesale/contracts/topics'
import { createTopic, deleteTopic } from '@timesale/kafka/cluster-topics'
import { ClusterUnreachable, type Cluster, type TopicState } from '@timesale/kafka/cluster'
import { keyToPartition } from '@timesale/kafka/partition'
import { hasApiId } from '@timesale/kafka/protocol-error'
import { OrderedProducer, SendFailed } from '@timesale/kafka/producer'
import { headerName } from '@timesale/kafka/record-batch'
import type { AskKafka } from './ask-kafka.ts'
import { topicOf } from './describe-topics.ts'
import { invalidField } from './invalid-field.ts'
import { aboutTopic } from './topic-kind.ts'

const LOOK_EVERY_MS = 50

/** Answers when the topic can be used. */
export async function createPlayground(ask: AskKafka, { topic, partitions = 1 }: CreateTopic): Promise<void> {
  if (!isPlayground(topic)) {
    if (aboutTopic(topic, false).kind !== 'other') throw refuseProtected(topic)
    throw invalidField('topic', `must begin with ${PLAYGROUND_PREFIX}, or be one of ${PLAYGROUND_TOPICS.join(', ')}`)
  }
  await ask(async (cluster, { begun }) => {
    const state = await cluster.state([topic])
    if (state.topics.has(topic)) throw existsAlready(topic)
    begun()
    if (!(await createTopic(cluster, state, { topic, partitions }).catch(explainName))) throw existsAlready(topic)
    // The controller says so before the leaders have heard of it.
    await until(cluster, topic, async (found) => {
      const ends = await cluster.offsets(found?.partitions ?? [], 'end')
      return ends.size === partitions
    })
  })
}

/** Answers when it is gone. What is no playground topic is refused whatever is typed. */
export async function deletePlayground(ask: AskKafka, topic: string, confirm: string): Promise<void> {
  if (!isPlayground(topic)) throw refuseProtected(topic)
  if (confirm !== topic) throw invalidField('confirm', `must be the name of the topic: ${topic}`)
  await ask(async (cluster, { begun }) => {
    const state = await cluster.state([topic])
    topicOf(state, topic)
    begun()
    await deleteTopic(cluster, state, topic)
    await until(cluster, topic, (found) => found === undefined)
  })
}

/** One record, which all copies have when this answers. */
export async function produceRecord(
  ask: AskKafka,
  topic: string,
  { key, value, headers = [], partition: asked }: ProduceRecord,
): Promise<ProducedRecord> {
  if (!isPlayground(topic)) throw refuseProtected(topic)
  return await ask(async (cluster, { begun }) => {
    const state = await cluster.state([topic])
    const { partitions } = topicOf(state, topic)
    if (asked !== undefined && asked >= partitions.length)
      throw invalidField('partition', `must be below ${partitions.length}`)
    const partition =
      asked ?? (key === undefined ? randomInt(partitions.length) : keyToPartition(Buffer.from(key)) % partitions.length)
    // It has to be there in any case, while the first of a list may hang.
    const { leader } = partitions[partition] ?? {}
    const brokers = state.brokers.toSorted((one, other) => Number(other.node === leader) - Number(one.node === leader))
    await using producer = new OrderedProducer({
      clientId: 'timesale-gateway-console',
      brokers: brokers.map(({ host, port }) => `${host}:${port}`),
    })
    begun()
    const record = {
      ...{ topic, partition, key: key ?? null, value },
      headers: headers.map((header) => [headerName(header.name), header.value] as const),
    }
    const [placed] = await producer.send([record]).catch(explain)
    if (placed === undefined) throw new Error('A record that was confirmed lies nowhere')
    return { topic, partition: placed.partition, offset: String(placed.offset) }
  })
}

// All that the schema cannot know of a name.
function explainName(error: unknown): never {
  if (hasApiId(error, 'INVALID_TOPIC_EXCEPTION'))
    throw invalidField('topic', 'is no name for a topic, or like that of another but for a dot in the place of a _')
  throw error
}

function explain(error: unknown): never {
  if (hasApiId(error, 'MESSAGE_TOO_LARGE')) throw invalidField('value', 'is larger than this topic takes')
  if (hasApiId(error, 'INVALID_RECORD'))
    throw invalidField('key', 'is missing, or else this topic does not take the record')
  throw error instanceof SendFailed ? new ClusterUnreachable(error.message, { cause: error }) : error
}

async function until(
  cluster: Cluster,
  topic: string,
  isSo: (found: TopicState | undefined) => boolean | Promise<boolean>,
): Promise<void> {
  // Ends with the question's own time at the latest, when the connections are closed.
  while (!(await isSo((await cluster.state([topic])).topics.get(topic)))) await sleep(LOOK_EVERY_MS)
}

function refuseProtected(topic: string): Refusal {
  return new Refusal('topic-protected', { accepted: false, topic }, `${topic} is no playground topic; nothing was done`)
}

function existsAlready(topic: string): Refusal {
  return new Refusal('topic-exists', { accepted: false, topic }, `There is a topic ${topic} already`)
}
