import type { GroupDetail, GroupLagView, LiveView } from '@timesale/contracts/console-api'
import { GROUPS, VIEW_GROUPS } from '@timesale/contracts/topics'
import {
  clusterAt,
  type AskCluster,
  type BrokerAddress,
  type Cluster,
  type PartitionState,
} from '@timesale/kafka/cluster'
import { readGroupProgress, type GroupProgress } from '@timesale/kafka/group-progress'
import { EndsHistory, KEPT_MS } from './ends-history.ts'
import { lagOf, positionsOf, topicRates, type Look } from './group-lag.ts'
import { RecordTimes, type WantedTime } from './record-times.ts'

export interface KafkaSight {
  /** When logs and groups were where they are told to be: before what else is asked for was there. */
  readonly asOf: string
  readonly topics: NonNullable<LiveView['topics']>['list']
  readonly groups: readonly GroupLagView[]
  readonly brokers: readonly BrokerAddress[]
}

type Point = GroupDetail['history'][number]

const ANSWER_MS = 1_800
const RATE_OVER_MS = 5_500
/** Groups that are none of the shop's. */
const OTHERS_MAX = 50
/** Retention takes records away, and seldom. */
const FIRSTS_EVERY_MS = 10_000
const READERS: Readonly<Record<string, readonly string[]>> = { ...GROUPS, ...VIEW_GROUPS }
const READ_TOPICS = [...new Set(Object.values(READERS).flat())]

/** What topics and groups look like, from looks that somebody takes about once a second. */
export class KafkaWatch {
  readonly #ask: AskCluster
  readonly #ends = new EndsHistory()
  readonly #times = new RecordTimes()
  readonly #histories = new Map<string, Point[]>()
  #looks: readonly Look[] = []
  #firsts: ReadonlyMap<string, number> = new Map()
  #firstsAt = Number.NEGATIVE_INFINITY

  constructor(options: { clientId: string; brokers: readonly string[] }) {
    this.#ask = clusterAt({ ...options, withinMs: ANSWER_MS })
  }

  /** Throws ClusterUnreachable. One at a time. */
  look(): Promise<KafkaSight> {
    return this.#ask(async (cluster) => {
      const progress = await readGroupProgress(cluster, { topics: 'all', whole: READ_TOPICS, groups: chooseGroups() })
      const at = Date.now()
      const partitions = [...progress.state.topics.values()].flatMap((topic) => topic.partitions)
      await this.#lookForFirsts(cluster, partitions)
      const now = lookOf({ at, progress, firsts: this.#firsts })
      this.#ends.note(now.at, now.ends)
      this.#looks = [...this.#looks.filter(({ at }) => at >= now.at - RATE_OVER_MS), now]
      await this.#times.read(cluster, partitions, this.#wantedTimes(now))
      return { asOf: new Date(now.at).toISOString(), ...this.#sight(now), brokers: progress.state.brokers }
    })
  }

  /** Whether there was more than one look of late, so that a rate is one. */
  get isWarm(): boolean {
    return this.#looks.length > 1
  }

  /** Oldest first, ten minutes at most. */
  historyOf(group: string): readonly Point[] {
    return this.#histories.get(group) ?? []
  }

  async #lookForFirsts(cluster: Cluster, partitions: readonly PartitionState[]): Promise<void> {
    if (performance.now() - this.#firstsAt < FIRSTS_EVERY_MS) return
    this.#firsts = numbers(await cluster.offsets(partitions, 'first'))
    this.#firstsAt = performance.now()
  }

  #sight(now: Look): Pick<KafkaSight, 'topics' | 'groups'> {
    const before = this.#looks[0] ?? now
    const writtenAt = (place: string, offset: number): number | undefined =>
      this.#ends.writtenAt(place, offset) ?? this.#times.at(place, offset)
    const groups = groupsOf(now).map((group) => lagOf({ ...group, now, before, writtenAt }))
    this.#note(now.at, groups)
    return { groups, topics: topicRates(now, before) }
  }

  #note(at: number, groups: readonly GroupLagView[]): void {
    const names = new Set(groups.map(({ group }) => group))
    for (const name of this.#histories.keys()) if (!names.has(name)) this.#histories.delete(name)
    const oldest = new Date(at - KEPT_MS).toISOString()
    for (const { group, lagRecords, lagSeconds } of groups) {
      if (lagRecords === null) continue
      const kept = (this.#histories.get(group) ?? []).filter((point) => point.at >= oldest)
      this.#histories.set(group, [...kept, { at: new Date(at).toISOString(), lagRecords, lagSeconds }])
    }
  }

  // Of records that groups have to read next and that came before anybody watched.
  #wantedTimes(now: Look): WantedTime[] {
    return groupsOf(now).flatMap(({ group, topics }) =>
      [...(positionsOf(group, now, topics) ?? [])].flatMap(([place, offset]) => {
        const isBehind = offset < (now.ends.get(place) ?? 0)
        return isBehind && this.#ends.writtenAt(place, offset) === undefined ? [{ place, offset }] : []
      }),
    )
  }
}

function chooseGroups(): (name: string) => boolean {
  let others = 0
  return (name) => Object.hasOwn(READERS, name) || (others += 1) <= OTHERS_MAX
}

/** Those of the shop, and all others that were looked at. */
function groupsOf({ committed }: Look): { group: string; topics: readonly string[] | undefined }[] {
  const others = [...committed.keys()].filter((group) => !Object.hasOwn(READERS, group))
  return [
    ...Object.entries(READERS).map(([group, topics]) => ({ group, topics })),
    ...others.map((group) => ({ group, topics: undefined })),
  ]
}

function lookOf({
  at,
  progress: { ends, committed },
  firsts,
}: Pick<Look, 'at' | 'firsts'> & { readonly progress: GroupProgress }): Look {
  return {
    ...{ at, firsts, ends: numbers(ends) },
    committed: new Map([...committed].map(([group, done]) => [group, done === undefined ? undefined : numbers(done)])),
  }
}

// Nobody lives to see 2^53 records.
function numbers(offsets: ReadonlyMap<string, bigint>): ReadonlyMap<string, number> {
  return new Map([...offsets].map(([place, offset]) => [place, Number(offset)]))
}
