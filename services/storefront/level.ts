/** The topics as they were at a moment, in milliseconds since the epoch. */
export interface Look {
  readonly at: number
  readonly bounds: readonly Bounds[]
}

/** What there is of a partition: `end` is one past its last record. */
interface Bounds {
  readonly topic: string
  readonly partition: number
  readonly first: bigint
  readonly end: bigint
}

/** Next offsets by `<topic> <partition>`; absent where nothing was read yet. */
type Positions = ReadonlyMap<string, bigint>

/** Records that were there at the look and are not in a view that stands at `positions`. */
export function lagOf(positions: Positions, { bounds }: Look): number {
  return bounds.reduce((sum, { topic, partition, first, end }) => {
    const position = positions.get(`${topic} ${partition}`) ?? first
    return sum + Math.max(0, Number(end - position))
  }, 0)
}

/**
 * Knows up to when views show everything. A view that is made while much comes in is never level with the topics as they
 * are, so one look is kept until the view has passed it: then it is level as of that look, and the next one is kept.
 */
export class Levels {
  readonly #awaited = new Map<string, Look>()

  /** The latest moment with which a view at `positions` is known to be level; undefined where that is nothing new. */
  levelAt(generation: string, positions: Positions, look: Look): number | undefined {
    const awaited = this.#awaited.get(generation)
    const isLevel = lagOf(positions, look) === 0
    const hasPassed = awaited !== undefined && lagOf(positions, awaited) === 0
    if (awaited === undefined || isLevel || hasPassed) this.#awaited.set(generation, look)
    return isLevel ? look.at : hasPassed ? awaited.at : undefined
  }

  forget(generation: string): void {
    this.#awaited.delete(generation)
  }
}
