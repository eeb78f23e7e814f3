import type { LiveView } from '@timesale/contracts/console-api'

/** What the charts keep of a second. Null: it was not known. */
export interface Sample {
  readonly at: number
  readonly accepted: number | null
  readonly confirmed: number | null
  readonly lags: Readonly<Record<string, number | null>>
  /** How many were confirmed in all, and when that was read. */
  readonly total: { readonly at: number; readonly confirmed: number } | null
}

const KEPT_MS = 5 * 60_000
/** Totals are counted at most once a second, so a shorter difference would jump up and down. */
const RATE_OVER_MS = 3_000

/** With one more view at its end; what is older than five minutes is gone. */
export function withSample(samples: readonly Sample[], view: LiveView): readonly Sample[] {
  const at = Date.parse(view.at)
  if (at <= (samples.at(-1)?.at ?? 0)) return samples
  const total =
    view.orders === null ? null : { at: Date.parse(view.orders.asOf), confirmed: view.orders.totals.confirmed }
  const sample: Sample = {
    at,
    accepted: view.orders?.acceptedPerSecond ?? null,
    confirmed: total === null ? null : ratePerSecond(samples, total),
    lags: Object.fromEntries((view.groups?.list ?? []).map(({ group, lagRecords }) => [group, lagRecords])),
    total,
  }
  return [...samples.filter((one) => one.at > at - KEPT_MS), sample]
}

function ratePerSecond(samples: readonly Sample[], now: NonNullable<Sample['total']>): number | null {
  const before = samples.findLast(({ total }) => total !== null && total.at <= now.at - RATE_OVER_MS)?.total
  if (before === undefined || before === null) return null
  // Old: there was a gap, over which nobody knows how it was.
  if (now.at - before.at > 4 * RATE_OVER_MS) return null
  // Fewer than before: another shop, or one that was emptied.
  if (now.confirmed < before.confirmed) return null
  return ((now.confirmed - before.confirmed) / (now.at - before.at)) * 1000
}

/** Points of a line; a gap where seconds are missing, so that no line is drawn over what nobody saw. */
export function pointsOf(
  samples: readonly Sample[],
  valueOf: (sample: Sample) => number | null | undefined,
): [at: number, value: number | null][] {
  return samples.flatMap((sample, index) => {
    const before = samples[index - 1]
    const point: [number, number | null] = [sample.at, valueOf(sample) ?? null]
    const isGap = before !== undefined && sample.at - before.at > RATE_OVER_MS
    return isGap ? [[before.at + 1, null] as [number, null], point] : [point]
  })
}

let kept: readonly Sample[] = []
const listeners = new Set<() => void>()

/** For all charts, and for a page that is come back to. */
export function keepSample(view: LiveView): void {
  kept = withSample(kept, view)
  for (const changed of listeners) changed()
}

export function keptSamples(): readonly Sample[] {
  return kept
}

export function onSample(changed: () => void): () => void {
  listeners.add(changed)
  return () => void listeners.delete(changed)
}
