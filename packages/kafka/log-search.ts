import type { Cluster } from './cluster.ts'
import type { RawRecord } from './decode.ts'
import { hasApiId } from './protocol-error.ts'

/** What is to be looked at of a partition: from `from` up to but not with `to`. */
export interface Stretch {
  readonly topic: string
  readonly partition: number
  readonly leader: number
  readonly from: bigint
  readonly to: bigint
}

export interface LogSearch<Found> {
  readonly stretches: readonly Stretch[]
  /** The newest first, from the ends backwards; or the oldest first, from the beginnings on. */
  readonly order: 'newest' | 'oldest'
  readonly limit: number
  /** What is to be had of a record, or undefined where it is not what is looked for. It must not keep the record. */
  readonly take: (record: RawRecord) => Found | undefined
  /** When to stop, by `performance.now()`. */
  readonly deadline: number
}

export interface SearchResult<Found> {
  readonly found: readonly Found[]
  /** Records looked at. */
  readonly searched: number
  /** False where a bound was met before everything had been looked at that could belong to the answer. */
  readonly complete: boolean
}

/** Reads some records of a stretch from its beginning on, and says up to where. */
export type ReadStretch = (stretch: Stretch) => Promise<{ readonly records: readonly RawRecord[]; readonly to: bigint }>

/** Where a record stands among all of its topic, told by time first. */
type Place = Pick<RawRecord, 'timestamp' | 'partition' | 'offset'>

interface Hit<Found> extends Place {
  readonly found: Found
}

/** A partition that is being looked at: what is left of it, and the last record to which one has come. */
interface Side {
  left: Stretch
  reached: Place | undefined
}

const RECORDS_MAX = 500_000
const BYTES_MAX = 64 * 1024 * 1024
const WINDOW_MIN = 50
const WINDOW_MAX = 5_000
const WINDOW_GROWTH = 4
const AT_ONCE = 8
const FETCH_BYTES = 512 * 1024
const FETCH_WAIT_MS = 100

/**
 * Finds records by looking at them, since Kafka has no index but of offset and time. All partitions are gone through side by
 * side, and one of them is left as soon as it has come beyond the last record that the answer has room for. So the newest of
 * a long log are found without reading it, and the answer is in the order of time all the same.
 */
export async function searchLog<Found>(search: LogSearch<Found>, read: ReadStretch): Promise<SearchResult<Found>> {
  const { stretches, order, limit, take, deadline } = search
  const isNewest = order === 'newest'
  const ahead = isNewest ? (one: Place, other: Place): number => inTime(other, one) : inTime
  const sides = stretches.map((left): Side => ({ left, reached: undefined }))
  let hits: Hit<Found>[] = []
  let searched = 0
  let bytes = 0
  let isCut = false
  const lastHit = (): Place | undefined => hits[limit - 1]
  const isOver = (): boolean => performance.now() >= deadline || searched >= RECORDS_MAX || bytes >= BYTES_MAX

  const look = (record: RawRecord, last: Place | undefined): void => {
    searched += 1
    bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0)
    const { timestamp, partition, offset } = record
    if (last !== undefined && ahead(record, last) > 0) return
    const found = take(record)
    if (found !== undefined) hits.push({ found, timestamp, partition, offset })
  }
  // Whatever a broker gives at once, from where this side stands.
  const goOn = async (side: Side, last: Place | undefined): Promise<void> => {
    const { records, to } = await read(side.left)
    for (const record of records) look(record, last)
    side.reached = placeOf(records.at(-1)) ?? side.reached
    side.left = { ...side.left, from: to }
  }
  // Records can only be read forwards: a window before what was seen, from its beginning to its end.
  const goBack = async (side: Side, last: Place | undefined, size: bigint): Promise<void> => {
    const { left } = side
    const low = left.to - left.from > size ? left.to - size : left.from
    for (let from = low; from < left.to;) {
      if (isOver()) {
        isCut = true
        return
      }
      const { records, to } = await read({ ...left, from })
      for (const record of records) look(record, last)
      if (from === low) side.reached = placeOf(records[0]) ?? side.reached
      from = to
    }
    side.left = { ...left, to: low }
  }

  for (let size = Math.max(limit, WINDOW_MIN); ; size = Math.min(size * WINDOW_GROWTH, WINDOW_MAX)) {
    const due = sides.filter(({ left, reached }) => {
      const last = lastHit()
      return left.from < left.to && (last === undefined || reached === undefined || ahead(reached, last) < 0)
    })
    if (due.length === 0 || isCut || isOver()) {
      return { found: hits.map(({ found }) => found), searched, complete: due.length === 0 && !isCut }
    }
    for (let at = 0; at < due.length && !isOver(); at += AT_ONCE) {
      const last = lastHit()
      const some = due.slice(at, at + AT_ONCE)
      await Promise.all(some.map((side) => (isNewest ? goBack(side, last, BigInt(size)) : goOn(side, last))))
      hits = hits.toSorted(ahead).slice(0, limit)
    }
  }
}

/** Reads from the brokers. */
export function readFrom(cluster: Cluster): ReadStretch {
  return async ({ leader, topic, partition, from, to }) => {
    const positions = [{ topic, partition, offset: from }]
    try {
      const { records, next } = await cluster.fetch(leader, {
        ...{ maxWaitMs: FETCH_WAIT_MS, maxBytes: FETCH_BYTES, positions },
      })
      const reached = next[0]?.offset
      // Where nothing is there any more, nothing is to be waited for either.
      return {
        records: records.filter(({ offset }) => offset < to),
        to: reached === undefined || reached > to ? to : reached,
      }
    } catch (error) {
      // Retention was quicker, or the topic was made anew at this moment.
      if (hasApiId(error, 'OFFSET_OUT_OF_RANGE')) return { records: [], to }
      throw error
    }
  }
}

function placeOf(record: RawRecord | undefined): Place | undefined {
  if (record === undefined) return undefined
  const { timestamp, partition, offset } = record
  return { timestamp, partition, offset }
}

/** Below 0 where the one stands before the other. */
function inTime(one: Place, other: Place): number {
  const apart = one.timestamp - other.timestamp || BigInt(one.partition - other.partition) || one.offset - other.offset
  return apart < 0n ? -1 : apart > 0n ? 1 : 0
}
