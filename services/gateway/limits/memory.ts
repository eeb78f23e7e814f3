import type { Limit, Spent } from './limit.ts'

interface Window {
  spent: number
  readonly endsAt: number
}

/** Who is counted at once; beyond it those who came first are forgotten. */
const COUNTED_MAX = 100_000

/** Counts in this process, while Redis does not. Times are milliseconds of one clock. */
export class MemoryCounter {
  readonly #windows = new Map<string, Window>()

  take(key: string, limit: Limit, now: number): Spent {
    let window = this.#windows.get(key)
    if (window === undefined || window.endsAt <= now) {
      // Set again at the end, so that the first ones are those that began first.
      this.#windows.delete(key)
      if (this.#windows.size >= COUNTED_MAX) this.#forgetFirst()
      window = { spent: 0, endsAt: now + limit.seconds * 1000 }
      this.#windows.set(key, window)
    }
    window.spent += 1
    return { spent: window.spent, leftMs: window.endsAt - now }
  }

  read(key: string, now: number): Spent {
    const window = this.#windows.get(key)
    return window === undefined || window.endsAt <= now
      ? { spent: 0, leftMs: 0 }
      : { spent: window.spent, leftMs: window.endsAt - now }
  }

  #forgetFirst(): void {
    for (const key of this.#windows.keys()) {
      this.#windows.delete(key)
      return
    }
  }
}
