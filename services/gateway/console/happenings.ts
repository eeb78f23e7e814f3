import type { Happened } from '@timesale/contracts/console-api'

const KEPT = 200

/** What somebody did by the console, or what was seen to change: the last 200, and whoever wants to hear of the next. */
export class Happenings {
  readonly #listeners = new Set<(happened: Happened) => void>()
  #kept: Happened[] = []
  #lastId = 0

  add(what: Omit<Happened, 'id' | 'at'>): void {
    const now = Date.now()
    // By the clock, so that whoever comes back to another process, or one that was started anew, has heard of nothing new.
    this.#lastId = Math.max(this.#lastId + 1, now)
    const happened = { id: this.#lastId, at: new Date(now).toISOString(), ...what }
    this.#kept = [...this.#kept, happened].slice(-KEPT)
    for (const listener of this.#listeners) listener(happened)
  }

  /** Oldest first; 0 for all that are kept. */
  after(id: number): readonly Happened[] {
    return this.#kept.filter((happened) => happened.id > id)
  }

  /** Until the function that comes back is called. */
  listen(listener: (happened: Happened) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
