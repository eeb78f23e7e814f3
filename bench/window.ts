/** Seconds of orders that are under way at most, so that less than a second of work is left when a load ends. */
const UNDER_WAY_SECONDS = 0.8
/**
 * Records still to come at most, and before any rate is known. From above and not from below: many under way make large
 * batches, which make a high rate; a window that began small would find the small rate that goes with it, and stay.
 */
export const WINDOW_MAX = 10_000
const WINDOW_MIN = 300
const RATE_OVER_MS = 1_000

/** How many records of a load's orders may be still to come, by how fast they came during the last second. */
export class Window {
  readonly #seen: { readonly at: number; readonly records: number }[] = []

  /** `records`: all that have come since the load began, at the time `at` in milliseconds. */
  next(at: number, records: number): number {
    this.#seen.push({ at, records })
    // The newest look that is a second old, or older; without one the rate is not known yet.
    const from = this.#seen.findLast((look) => look.at <= at - RATE_OVER_MS)
    if (from === undefined) return WINDOW_MAX
    this.#seen.splice(0, this.#seen.indexOf(from))
    // Two records an order.
    const ordersPerSecond = ((records - from.records) / 2) * (1_000 / (at - from.at))
    return Math.round(Math.min(WINDOW_MAX, Math.max(WINDOW_MIN, ordersPerSecond * UNDER_WAY_SECONDS)))
  }
}
