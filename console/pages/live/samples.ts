import type { LiveView } from '@timesale/contracts/console-api'
import { withGaps, type Point } from '../../ui/points.ts'
import { isOld, totalsOf } from './shop-now.ts'

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
/** A view comes each second. */
const EVERY_MS = 1_000
/** Then none comes any more. */
const SILENT_MS = 3 * EVERY_MS
/** Totals are counted at most once a second, so a shorter difference would jump up and down. */
const RATE_OVER_MS = 3_000

/** With one more view at its end; what is older than five minutes is gone. */
export function withSample(samples: readonly Sample[], view: LiveView): readonly Sample[] {
  const at = Date.parse(view.at)
  if (at <= (samples.at(-1)?.at ?? 0)) return samples
  const counted = totalsOf(view)
  const total = counted === undefined ? null : { at: Date.parse(counted.asOf), confirmed: counted.totals.confirmed }
  const sample: Sample = {
    at,
    accepted: counted?.acceptedPerSecond ?? null,
    confirmed: total === null ? null : ratePerSecond(samples, total),
    lags: isOld(view, view.groups?.asOf) ? {} : lagsOf(view),
    total,
  }
  return [...samplesBefore(samples, at), sample]
}

function lagsOf({ groups }: LiveView): Sample['lags'] {
  return Object.fromEntries((groups?.list ?? []).map(({ group, lagRecords }) => [group, lagRecords]))
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

/** Points of a line; a gap where seconds are missing. */
export function pointsOf(
  samples: readonly Sample[],
  valueOf: (sample: Sample) => number | null | undefined,
): readonly Point[] {
  return withGaps(
    samples.map((sample) => [sample.at, valueOf(sample) ?? null]),
    EVERY_MS,
  )
}

/** Where a chart ends: at the newest sample, or now where none comes any more, so that it is seen that none does. */
export function endOf(samples: readonly Sample[], now: number): number {
  const newest = samples.at(-1)?.at ?? now
  return now - newest > SILENT_MS ? now : newest
}

/** Those of the five minutes before `end`. */
export function samplesBefore(samples: readonly Sample[], end: number): readonly Sample[] {
  return samples.filter(({ at }) => at > end - KEPT_MS)
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
