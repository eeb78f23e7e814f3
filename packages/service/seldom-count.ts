import { within } from '@timesale/process/deadline'

export interface Counted<Value> {
  readonly value: Value
  readonly ageMs: number
}

const EVERY_MS = 1_000
/** A twentieth of the time. */
const SHARE = 20
/** A count that is under way is waited for so long, if there is an older one. */
const PATIENCE_MS = 200

/**
 * A count that takes long on a large table. It is made when somebody asks, at most once a second and in a twentieth of the
 * time, one at a time; meanwhile the last one stands.
 */
export class SeldomCount<Value> {
  readonly #count: () => Promise<Value>
  #running: Promise<void> | undefined
  #last: { readonly value: Value; readonly at: number } | undefined
  #failure: { readonly error: unknown } | undefined
  #dueAt = Number.NEGATIVE_INFINITY

  constructor(count: () => Promise<Value>) {
    this.#count = count
  }

  /** Throws what the last count threw, until one succeeds again. */
  async read(): Promise<Counted<Value>> {
    if (this.#running === undefined && performance.now() >= this.#dueAt) this.#running = this.#renew()
    if (this.#last === undefined || this.#failure !== undefined) await this.#running
    else if (this.#running !== undefined) await within(PATIENCE_MS, this.#running, late).catch(() => undefined)
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#last === undefined) throw new Error('Nothing was counted and nothing failed')
    return { value: this.#last.value, ageMs: performance.now() - this.#last.at }
  }

  async #renew(): Promise<void> {
    const at = performance.now()
    try {
      this.#last = { value: await this.#count(), at }
      this.#failure = undefined
    } catch (error) {
      this.#failure = { error }
    } finally {
      this.#running = undefined
      this.#dueAt = at + Math.max(EVERY_MS, SHARE * (performance.now() - at))
    }
  }
}

function late(): Error {
  return new Error('It takes longer')
}
