/** A point of a line; null where nothing was known. */
export type Point = readonly [at: number, value: number | null]

/** A point that comes late is no gap. */
const STEPS = 3

/**
 * The points with a null where some are missing, so that no line is drawn over what nobody saw. `everyMs`: how far two points
 * usually are from each other.
 */
export function withGaps(points: readonly Point[], everyMs: number): Point[] {
  return points.flatMap((point, index) => {
    const before = points[index - 1]
    const isGap = before !== undefined && point[0] - before[0] > STEPS * everyMs
    return isGap ? [[before[0] + 1, null] as const, point] : [point]
  })
}
