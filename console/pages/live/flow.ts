/** Dots that move along an arrow. */
export interface Flow {
  /** From one dot to the next. */
  readonly gapPx: number
  /** Until a dot is where the next one was. */
  readonly periodMs: number
}

const GAP_MAX_PX = 60
/** Nearer dots that move as fast as these would seem to go backwards on a screen that draws 30 times a second. */
const GAP_MIN_PX = 14
const SPEED_MAX_PX = 180

/**
 * How fast and how dense dots are at so many events a second: at one event a second about one dot a second passes, and each
 * rate above it is livelier, without a dot for each event. Undefined where nothing flows. Rates that differ by less than a
 * fifth look the same, so that a rate that trembles does not restart an animation each second.
 */
export function flowOf(perSecond: number | undefined): Flow | undefined {
  if (perSecond === undefined || perSecond <= 0) return undefined
  const rate = Math.max(0.25, 2 ** (Math.round(Math.log2(perSecond) * 2) / 2))
  const speed = Math.min(SPEED_MAX_PX, 40 + 35 * Math.log10(1 + rate))
  const gapPx = Math.round(Math.min(GAP_MAX_PX, Math.max(GAP_MIN_PX, 50 / rate ** 0.3)))
  return { gapPx, periodMs: Math.round((gapPx / speed) * 1000) }
}
