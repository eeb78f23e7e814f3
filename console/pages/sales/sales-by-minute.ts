import type { SalesMinute } from '@timesale/contracts/analytics-api'

export interface Minute {
  /** Its beginning, in milliseconds since the epoch. */
  readonly at: number
  readonly orders: number
  readonly units: number
}

const MINUTE_MS = 60_000

/** Every minute of a span, also those in which nothing was sold; currencies together, since only money has one. */
export function everyMinute(sold: readonly SalesMinute[], from: number, to: number): Minute[] {
  const known = new Map<number, Minute>()
  for (const { minute, orders, units } of sold) {
    const at = Date.parse(minute)
    const before = known.get(at)
    known.set(at, { at, orders: orders + (before?.orders ?? 0), units: units + (before?.units ?? 0) })
  }
  const first = Math.floor(from / MINUTE_MS) * MINUTE_MS
  const count = Math.max(0, Math.ceil((to - first) / MINUTE_MS))
  return Array.from({ length: count }, (_, index) => {
    const at = first + index * MINUTE_MS
    return known.get(at) ?? { at, orders: 0, units: 0 }
  })
}

/** Revenue in minor units, by currency. */
export function revenueOf(sold: readonly SalesMinute[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { currency, revenueMinor } of sold) sums.set(currency, (sums.get(currency) ?? 0) + revenueMinor)
  return sums
}
