import { within } from '@timesale/process/deadline'

export interface Seen<Value> {
  /** When it was read. */
  readonly asOf: string
  readonly value: Value
}

/** What was read is shown so long, while nothing newer comes. */
const KEPT_MS = 10_000

/** One thing that is asked for again and again: bounded, one question at a time, and what was heard last. Never throws. */
export class Source<Value> {
  readonly #read: () => Promise<Value>
  readonly #withinMs: number
  #open: Promise<void> | undefined
  #seen: Seen<Value> | undefined
  #seenAt = Number.NEGATIVE_INFINITY

  constructor({ read, withinMs }: { read: () => Promise<Value>; withinMs: number }) {
    this.#read = read
    this.#withinMs = withinMs
  }

  /** Asks, where no question is open. Resolves with its end, whatever that is. */
  ask(): Promise<void> {
    this.#open ??= this.#ask().finally(() => {
      this.#open = undefined
    })
    return this.#open
  }

  get latest(): Seen<Value> | undefined {
    return performance.now() - this.#seenAt <= KEPT_MS ? this.#seen : undefined
  }

  async #ask(): Promise<void> {
    try {
      const late = (): Error => new Error(`No answer within ${this.#withinMs} ms`)
      const value = await within(this.#withinMs, this.#read(), late)
      this.#seen = { asOf: new Date().toISOString(), value }
      this.#seenAt = performance.now()
    } catch {
      // What was heard before stands until it is too old.
    }
  }
}
