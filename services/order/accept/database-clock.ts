/**
 * What the clock of the database says, about: every answer that tells its time sets this one. Good for a guess and for
 * the times of what is told; whether an order is inside a window only the database says.
 */
export class DatabaseClock {
  #aheadMs = 0

  /** Milliseconds of the epoch. */
  now(): number {
    return Date.now() + this.#aheadMs
  }

  /** `nowMs` is what the database said to what was asked at `askedAtMs` of Date.now(); nothing if it was silent. */
  heard(nowMs: number | undefined, askedAtMs: number): void {
    // Of the beginning of a statement, which may have waited for a lock: so the moment of asking is the nearer one.
    if (nowMs !== undefined) this.#aheadMs = nowMs - askedAtMs
  }
}
