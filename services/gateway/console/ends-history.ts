/** How a log ended: where, and from when to when it was seen to. */
interface Step {
  readonly end: number
  readonly from: number
  to: number
}

/** Ten minutes. */
export const KEPT_MS = 10 * 60_000
/** Between two looks that are further apart nobody knows when a record came. */
const GAP_MAX_MS = 5_000

/**
 * Where each partition's log ended, for as long as it was watched: so a record's offset says when it was written, without
 * reading it. A log that stands still is one step, however long. Times are milliseconds of one clock.
 */
export class EndsHistory {
  readonly #steps = new Map<string, Step[]>()

  /** All partitions that there are at this moment; one that is not among them any more is forgotten. */
  note(at: number, ends: ReadonlyMap<string, number>): void {
    for (const place of this.#steps.keys()) if (!ends.has(place)) this.#steps.delete(place)
    for (const [place, end] of ends) {
      const steps = this.#steps.get(place) ?? []
      const last = steps.at(-1)
      if (last?.end === end) last.to = at
      // A log that has become shorter is another one by the same name.
      else if (last !== undefined && last.end > end) this.#steps.set(place, [{ end, from: at, to: at }])
      else this.#steps.set(place, [...fresh(steps, at), { end, from: at, to: at }])
    }
  }

  /** Undefined where it was written before anybody watched, or while nobody did. */
  writtenAt(place: string, offset: number): number | undefined {
    const steps = this.#steps.get(place) ?? []
    const after = steps.findIndex(({ end }) => end > offset)
    const [before, next] = [steps[after - 1], steps[after]]
    if (before === undefined || next === undefined || next.from - before.to > GAP_MAX_MS) return undefined
    // Between the two looks records came evenly, for all that is known.
    const share = (offset - before.end + 1) / (next.end - before.end)
    return before.to + (next.from - before.to) * share
  }
}

function fresh(steps: readonly Step[], now: number): Step[] {
  return steps.filter(({ to }) => to >= now - KEPT_MS)
}
