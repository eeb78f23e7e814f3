import type { RecordView } from '@timesale/contracts/console-api'
import { placeOf, type Cluster, type PartitionState } from '@timesale/kafka/cluster'
import type { FetchedRecord } from '@timesale/kafka/fetched-record'
import { hasApiId } from '@timesale/kafka/protocol-error'
import type { AskKafka } from './ask-kafka.ts'
import { topicOf } from './describe-topics.ts'
import { CUT_IN_LISTS_BYTES, recordViews } from './record-view.ts'

export interface Seen {
  /** In the order of their time. */
  readonly records: readonly RecordView[]
  /** Records that came and are not among them. */
  readonly skipped: number
}

/** What came to a partition since the last look, and how many of it, the last ones, are to be shown. */
interface Arrival {
  readonly state: PartitionState
  readonly from: bigint
  readonly end: bigint
  readonly shown: number
}

const RECORDS_MAX = 100
// However much comes: what does not fit in this is skipped or comes with the next look.
const FETCH_BYTES = 1024 * 1024
const FETCH_WAIT_MS = 0
const view = recordViews(CUT_IN_LISTS_BYTES)

/**
 * Shows what comes to a topic, from now on, a look at a time. Where more comes than can be shown only the last of it is read
 * at all, so that a look costs the same however busy the topic is.
 */
export class TopicFollower {
  readonly #ask: AskKafka
  readonly #topic: string
  #positions: Map<number, bigint> | undefined

  constructor(ask: AskKafka, topic: string) {
    this.#ask = ask
    this.#topic = topic
  }

  /** Throws `upstream-unavailable`, after which the next look goes on where this one began, and `topic-not-found`. */
  look(): Promise<Seen> {
    return this.#ask(async (cluster) => {
      const { partitions } = topicOf(await cluster.state([this.#topic]), this.#topic)
      const ends = await cluster.offsets(partitions, 'end')
      const positions = this.#positions ?? new Map(partitions.map((one) => [one.partition, endOf(one, ends) ?? 0n]))
      const arrivals = arrivalsOf(partitions, positions, ends)
      const read = await readAll(cluster, arrivals)
      const records = read.flatMap((one) => one.records).toSorted(inTime)
      const shown = records.slice(-RECORDS_MAX).map(view)
      const skipped = read.reduce((sum, one) => sum + one.skipped, records.length - shown.length)
      this.#positions = new Map([...positions, ...read.map((one) => [one.partition, one.reached] as const)])
      return { records: shown, skipped }
    })
  }
}

/** Shares out what can be shown among partitions by what came to each; whatever came to one has a place. */
export function shareOut(came: readonly number[], max: number): number[] {
  const all = came.reduce((sum, one) => sum + one, 0)
  return came.map((one) => (all <= max ? one : Math.min(one, Math.max(1, Math.floor((one * max) / all)))))
}

function arrivalsOf(
  partitions: readonly PartitionState[],
  positions: ReadonlyMap<number, bigint>,
  ends: ReadonlyMap<string, bigint>,
): Arrival[] {
  const came = partitions.flatMap((state) => {
    const end = endOf(state, ends)
    const from = positions.get(state.partition) ?? 0n
    // Nobody leads it, or nothing came; or it is another log by the same name, which is shown from its beginning.
    if (end === undefined || end === from) return []
    return [{ state, from: end < from ? 0n : from, end }]
  })
  const shares = shareOut(
    came.map(({ from, end }) => Number(end - from)),
    RECORDS_MAX,
  )
  return came.map((one, index) => ({ ...one, shown: shares[index] ?? 0 }))
}

interface Read {
  readonly partition: number
  readonly records: readonly FetchedRecord[]
  /** Where the next look goes on. */
  readonly reached: bigint
  readonly skipped: number
}

async function readAll(cluster: Cluster, arrivals: readonly Arrival[]): Promise<Read[]> {
  const byLeader = [...Map.groupBy(arrivals, ({ state }) => state.leader)]
  return (await Promise.all(byLeader.map(([leader, own]) => readOf(cluster, leader, own)))).flat()
}

async function readOf(cluster: Cluster, leader: number, arrivals: readonly Arrival[]): Promise<Read[]> {
  const positions = arrivals.map(({ state: { topic, partition }, end, shown }) => ({
    ...{ topic, partition, offset: end - BigInt(shown) },
  }))
  try {
    const { records, next } = await cluster.fetch(leader, {
      ...{ maxWaitMs: FETCH_WAIT_MS, maxBytes: FETCH_BYTES, positions },
    })
    return arrivals.map((arrival) => {
      const { partition } = arrival.state
      const own = records.filter((record) => record.partition === partition && record.offset < arrival.end)
      return {
        partition,
        records: own,
        ...progressOf(arrival, own.length, next.find((one) => one.partition === partition)?.offset),
      }
    })
  } catch (error) {
    // Retention was quicker, or the topic was made anew at this moment: it goes on at the end.
    if (!hasApiId(error, 'OFFSET_OUT_OF_RANGE')) throw error
    return arrivals.map((arrival) => ({
      partition: arrival.state.partition,
      records: [],
      ...progressOf({ ...arrival, shown: 0 }, 0, undefined),
    }))
  }
}

// Where all that came was to be shown and not all of it fitted into one answer, the rest comes with the next look.
function progressOf(
  { from, end, shown }: Arrival,
  found: number,
  read: bigint | undefined,
): Pick<Read, 'reached' | 'skipped'> {
  const came = end - from
  if (BigInt(shown) !== came) return { reached: end, skipped: Number(came) - found }
  return { reached: read === undefined ? from : read < end ? read : end, skipped: 0 }
}

function endOf({ topic, partition }: PartitionState, ends: ReadonlyMap<string, bigint>): bigint | undefined {
  return ends.get(placeOf(topic, partition))
}

function inTime(one: FetchedRecord, other: FetchedRecord): number {
  return Number(one.timestamp - other.timestamp) || one.partition - other.partition || Number(one.offset - other.offset)
}
