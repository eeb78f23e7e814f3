import type { LiveView, OrderTotals } from '@timesale/contracts/console-api'

const RATE_OVER_MS = 6_000

/** How many orders are accepted in a second, from counts that are made now and then. */
export class OrderPace {
  #counts: readonly { readonly at: number; readonly totals: OrderTotals }[] = []

  /** One that is older than another (of another instance) changes nothing. */
  note(at: number, totals: OrderTotals): void {
    const last = this.#counts.at(-1)
    if (last !== undefined && last.at >= at) return
    // Two at least: on a large table they may be far apart.
    const fresh = this.#counts.filter((count) => count.at >= at - RATE_OVER_MS)
    this.#counts = [...(fresh.length > 0 ? fresh : this.#counts.slice(-1)), { at, totals }]
  }

  get latest(): LiveView['orders'] {
    const [first, last] = [this.#counts[0], this.#counts.at(-1)]
    if (first === undefined || last === undefined) return null
    const seconds = (last.at - first.at) / 1000
    const more = Math.max(0, last.totals.accepted - first.totals.accepted)
    return {
      asOf: new Date(last.at).toISOString(),
      totals: last.totals,
      acceptedPerSecond: seconds > 0 ? more / seconds : 0,
    }
  }
}
