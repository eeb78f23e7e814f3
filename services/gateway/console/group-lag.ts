import type { GroupLagView } from '@timesale/contracts/console-api'

/** What is known of logs and groups at one moment, in milliseconds of one clock. Places are partitions: `order-topic 3`. */
export interface Look {
  readonly at: number
  /** The first record of each partition that retention has left. */
  readonly firsts: ReadonlyMap<string, number>
  /** One past the last record of each partition. */
  readonly ends: ReadonlyMap<string, number>
  /** How far each group has come; undefined where it cannot be read now. */
  readonly committed: ReadonlyMap<string, ReadonlyMap<string, number> | undefined>
}

/** Partitions that a group has to read, each with where it goes on. */
export function positionsOf(
  group: string,
  { firsts, ends, committed }: Look,
  topics: readonly string[] | undefined,
): ReadonlyMap<string, number> | undefined {
  const done = committed.get(group)
  const places = [...ends.keys()]
  // Without an offset a group begins at the beginning, and what retention has taken away nobody has to work off any more.
  const positions = (own: readonly string[]): ReadonlyMap<string, number> =>
    new Map(own.map((place) => [place, Math.max(done?.get(place) ?? 0, firsts.get(place) ?? 0)]))
  if (topics !== undefined) {
    // A group of the shop that is not listed has committed nothing yet.
    if (done === undefined && committed.has(group)) return undefined
    return positions(places.filter((place) => topics.includes(topicOf(place))))
  }
  return done === undefined || done.size === 0 ? undefined : positions(places.filter((place) => done.has(place)))
}

export interface LagOptions {
  readonly group: string
  /** What it reads; undefined for a group that is none of the shop's: then what it has committed. */
  readonly topics: readonly string[] | undefined
  readonly now: Look
  /** Some seconds ago; `now` where there is no other yet. */
  readonly before: Look
  /** When the record at an offset was written; undefined where that is not known. */
  readonly writtenAt: (place: string, offset: number) => number | undefined
}

export function lagOf({ group, topics, now, before, writtenAt }: LagOptions): GroupLagView {
  const positions = positionsOf(group, now, topics)
  if (positions === undefined)
    return { group, lagRecords: null, lagSeconds: null, perSecond: 0, drainSeconds: null, topics: [] }
  const seconds = Math.max(1, now.at - before.at) / 1000
  // What retention has taken away meanwhile nobody has worked off.
  const earlier = positionsOf(group, { ...before, firsts: now.firsts }, topics)
  const byTopic = Map.groupBy(positions.keys(), topicOf)
  const lags = [...byTopic].map(([topic, places]) => ({
    topic,
    lagRecords: sum(places, (place) => behind(place, positions, now.ends)),
    perSecond: sum(places, (place) => moved(positions.get(place), earlier?.get(place))) / seconds,
  }))
  const arriving = sum(positions.keys(), (place) => moved(now.ends.get(place), before.ends.get(place))) / seconds
  const lagRecords = sum(lags, (one) => one.lagRecords)
  const perSecond = sum(lags, (one) => one.perSecond)
  return {
    ...{ group, lagRecords, perSecond },
    lagSeconds: ageOf(positions, now, writtenAt),
    drainSeconds: lagRecords === 0 ? 0 : perSecond > arriving ? lagRecords / (perSecond - arriving) : null,
    topics: lags,
  }
}

/** Records of each topic, from the first that is still there, and how many come to it in a second. */
export function topicRates(now: Look, before: Look): { topic: string; records: number; perSecond: number }[] {
  const seconds = Math.max(1, now.at - before.at) / 1000
  return [...Map.groupBy(now.ends.keys(), topicOf)].map(([topic, places]) => ({
    topic,
    records: sum(places, (place) => Math.max(0, (now.ends.get(place) ?? 0) - (now.firsts.get(place) ?? 0))),
    perSecond: sum(places, (place) => moved(now.ends.get(place), before.ends.get(place))) / seconds,
  }))
}

function topicOf(place: string): string {
  return place.slice(0, place.lastIndexOf(' '))
}

function behind(place: string, positions: ReadonlyMap<string, number>, ends: Look['ends']): number {
  return Math.max(0, (ends.get(place) ?? 0) - (positions.get(place) ?? 0))
}

// Of the oldest record that is not worked off. One whose age is not known may be older than all others.
function ageOf(positions: ReadonlyMap<string, number>, { at, ends }: Look, writtenAt: LagOptions['writtenAt']) {
  let oldest = at
  for (const [place, position] of positions) {
    if (behind(place, positions, ends) === 0) continue
    const written = writtenAt(place, position)
    if (written === undefined) return null
    oldest = Math.min(oldest, written)
  }
  return (at - oldest) / 1000
}

// Backwards only where a group was set back or a log made anew, which is no rate.
function moved(to: number | undefined, from: number | undefined): number {
  return to === undefined || from === undefined ? 0 : Math.max(0, to - from)
}

function sum<Item>(items: Iterable<Item>, of: (item: Item) => number): number {
  let all = 0
  for (const item of items) all += of(item)
  return all
}
