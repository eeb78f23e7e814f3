import { Refusal } from '@timesale/contracts/refusals'

interface Waiting {
  readonly enter: () => void
  readonly timer: NodeJS.Timeout
}

/** Lets so many in at once, and so many more wait; whoever comes then, or waits too long, is told `overloaded`. */
export class Line {
  readonly #insideMax: number
  readonly #waitingMax: number
  readonly #waiting = new Set<Waiting>()
  #inside = 0

  constructor(options: { insideMax: number; waitingMax: number }) {
    this.#insideMax = options.insideMax
    this.#waitingMax = options.waitingMax
  }

  get inside(): number {
    return this.#inside
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Undefined where there is room at once. Whoever was let in must call `leave`. */
  enter(withinMs: number): Promise<void> | undefined {
    if (this.#inside < this.#insideMax) {
      this.#inside += 1
      return undefined
    }
    if (this.#waiting.size >= this.#waitingMax) throw overloaded()
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        enter: resolve,
        timer: setTimeout(() => {
          this.#waiting.delete(waiting)
          reject(overloaded())
        }, withinMs),
      }
      this.#waiting.add(waiting)
    })
  }

  leave(): void {
    // A set gives back what was put in first.
    for (const next of this.#waiting) {
      this.#waiting.delete(next)
      clearTimeout(next.timer)
      next.enter()
      return
    }
    this.#inside -= 1
  }
}

function overloaded(): Refusal {
  return new Refusal('overloaded', { accepted: false })
}
