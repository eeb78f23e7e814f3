import type { GroupLagView, Happened, LiveView, RushView } from '@timesale/contracts/console-api'
import { groupSays, ordersSay, partSays, rushSays, stockSays } from './sentences.ts'

/** What has happened, before it has an id and a time. */
export type Happening = Omit<Happened, 'id' | 'at'>

const BEHIND = { records: 1_000, seconds: 10 }
/** Well below, so that a group at the edge is not told of each second. */
const CAUGHT_UP = { records: 100, seconds: 2 }
/** The end of a rush that nobody here saw running is told of so long. */
const NEWS_MS = 10_000

/** Tells, from one live view to the next, what a person should hear of. The first one is what all is measured by. */
export class Changes {
  #parts: ReadonlyMap<string, string> | undefined
  readonly #behind = new Set<string>()
  readonly #broken = new Set<string>()
  #rush: RushView | null | undefined

  since(view: LiveView): Happening[] {
    return [...this.#ofParts(view), ...this.#ofGroups(view), ...this.#ofBooks(view), ...this.#ofRush(view)]
  }

  #ofParts({ parts }: LiveView): Happening[] {
    // Whoever does not answer has told of no change.
    if (parts === null) return []
    const before = this.#parts
    this.#parts = new Map(parts.list.map(({ name, state }) => [name, state]))
    if (before === undefined) return []
    return parts.list
      .filter(({ name, state }) => before.has(name) && before.get(name) !== state)
      .map(({ name, state }) => ({
        ...{ about: name, kind: 'state' },
        good: state === 'running' || state === 'starting' || state === 'external',
        what: partSays(name, state),
      }))
  }

  #ofGroups({ groups }: LiveView): Happening[] {
    return (groups?.list ?? []).flatMap((lag) => {
      const { group } = lag
      const isBehind = this.#behind.has(group) ? !hasCaughtUp(lag) : fallsBehind(lag)
      if (isBehind === this.#behind.has(group)) return []
      if (isBehind) this.#behind.add(group)
      else this.#behind.delete(group)
      return [{ about: group, kind: 'state', good: !isBehind, what: groupSays(lag, isBehind) }]
    })
  }

  #ofBooks({ orders, stock }: LiveView): Happening[] {
    const changes: Happening[] = []
    const judge = (name: string, holds: boolean, what: Happening['what']): void => {
      if (holds !== this.#broken.has(name)) return
      if (holds) this.#broken.delete(name)
      else this.#broken.add(name)
      changes.push({ about: 'books', kind: 'books', good: holds, what })
    }
    if (orders !== null) {
      const { accepted, open, confirmed, rejected, cancelled } = orders.totals
      const found = open + confirmed + rejected + cancelled
      judge('orders', accepted === found, ordersSay(accepted, found))
    }
    if (stock !== null) {
      const { initial, available, reserved, sold } = stock.totals
      const found = available + reserved + sold
      judge('stock', initial === found, stockSays(initial, found))
    }
    return changes
  }

  // That one was begun is told with who began it.
  #ofRush({ at, rush: told }: LiveView): Happening[] {
    const before = this.#rush
    // A supervisor that does not answer has told of no change.
    const rush = told === null ? (before ?? null) : told.last
    this.#rush = rush
    if (rush === null || before === undefined || rush.state === 'running') return []
    if (before?.id === rush.id ? before.state !== 'running' : isOld(rush, at)) return []
    return [
      { about: 'rush', kind: 'rush', good: rush.state !== 'broken' && rush.state !== 'failed', what: rushSays(rush) },
    ]
  }
}

function isOld({ endedAt }: RushView, now: string): boolean {
  return endedAt !== null && Date.parse(now) - Date.parse(endedAt) > NEWS_MS
}

function fallsBehind({ lagRecords, lagSeconds }: GroupLagView): boolean {
  return (lagRecords ?? 0) > BEHIND.records || (lagSeconds ?? 0) > BEHIND.seconds
}

function hasCaughtUp({ lagRecords, lagSeconds }: GroupLagView): boolean {
  if (lagRecords === null) return false
  return lagRecords <= CAUGHT_UP.records && (lagSeconds ?? 0) <= CAUGHT_UP.seconds
}
