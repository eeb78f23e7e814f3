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
 *
 * One that was held up, by a database that hung, says little of how long the next one takes: that is made when the last one
 * that succeeded says. Only if that one takes as long, the table is large; and while counts go on failing, each is waited for
 * twice as long as the one before.
 */
export class SeldomCount<Value> {
  readonly #count: () => Promise<Value>
  #running: Promise<void> | undefined
  #last: { readonly value: Value; readonly at: number } | undefined
  #failure: { readonly error: unknown; readonly inARow: number } | undefined
  /** How long the last one took that succeeded. */
  #tookMs: number | undefined
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
    const before = this.#tookMs
    try {
      this.#last = { value: await this.#count(), at }
      this.#failure = undefined
      this.#tookMs = performance.now() - at
      this.#dueAt = at + waitAfter(Math.min(this.#tookMs, before ?? this.#tookMs))
    } catch (error) {
      const inARow = (this.#failure?.inARow ?? 0) + 1
      this.#failure = { error, inARow }
      this.#dueAt = at + Math.min(waitAfter(performance.now() - at), waitAfter(before ?? 0) * 2 ** (inARow - 1))
    } finally {
      this.#running = undefined
    }
  }
}

function waitAfter(tookMs: number): number {
  return Math.max(EVERY_MS, SHARE * tookMs)
}

function late(): Error {
  return new Error('It takes longer')
}
