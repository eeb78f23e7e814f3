/** Of an even number of values, the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** One look at something that rises to a known total. */
export interface Look {
  readonly atMs: number
  readonly done: number
}

/**
 * How many a second, from the first look that saw any to the first that saw all: what went before was starting up, and
 * what was done by then is not counted. Throws where there are too few looks to tell.
 */
export function drainRate(looks: readonly Look[], total: number): number {
  const first = looks.find(({ done }) => done > 0)
  const last = looks.find(({ done }) => done >= total)
  if (first === undefined || last === undefined || first.done >= total)
    throw new Error(`No rate can be told from ${looks.length} looks at ${total}`)
  return ((last.done - first.done) * 1000) / (last.atMs - first.atMs)
}
