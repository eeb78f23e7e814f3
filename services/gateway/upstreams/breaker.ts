// When an instance is left alone. By hand and not by a library: whom a request goes to is chosen among all instances of
// a service at once and without waiting, and a library's breaker wraps one call to one of them.

const WINDOW_MS = 10_000
const BUCKETS = 10
const BUCKET_MS = WINDOW_MS / BUCKETS
const CALLS_MIN = 20
const FAILED_SHARE = 0.5
const OPEN_MS = 2_000
const PROBES_MAX = 3

export type BreakerState = 'closed' | 'open' | 'half-open'

/**
 * Opens when half of at least 20 calls within 10 seconds failed; 2 seconds later lets 3 calls at once try. The first of
 * them that ends decides. Times are milliseconds of one clock, given by the caller.
 */
export class Breaker {
  readonly #calls = Array.from({ length: BUCKETS }, () => 0)
  readonly #failures = Array.from({ length: BUCKETS }, () => 0)
  #bucket = 0
  #openedAt: number | undefined
  #probes = 0

  stateAt(now: number): BreakerState {
    if (this.#openedAt === undefined) return 'closed'
    return now - this.#openedAt < OPEN_MS ? 'open' : 'half-open'
  }

  /** Whether a call may go there now. */
  admits(now: number): boolean {
    const state = this.stateAt(now)
    return state === 'closed' || (state === 'half-open' && this.#probes < PROBES_MAX)
  }

  /** A call begins; its end must be told by `ended`, with what this gave back. */
  begin(now: number): 'call' | 'probe' {
    if (this.stateAt(now) !== 'half-open') return 'call'
    this.#probes += 1
    return 'probe'
  }

  /** `unsaid`: how it ended says nothing about the instance. */
  ended(began: 'call' | 'probe', how: 'well' | 'failed' | 'unsaid', now: number): void {
    const failed = how === 'failed'
    if (began === 'probe') this.#probes -= 1
    if (how === 'unsaid') return
    if (began === 'probe') {
      // Another probe may have decided meanwhile.
      if (this.stateAt(now) === 'half-open') this.#decide(failed, now)
      return
    }
    // What began before it opened says nothing about now.
    if (this.#openedAt !== undefined) return
    this.#turnTo(now)
    const slot = this.#bucket % BUCKETS
    this.#calls[slot] = (this.#calls[slot] ?? 0) + 1
    if (!failed) return
    this.#failures[slot] = (this.#failures[slot] ?? 0) + 1
    const calls = sum(this.#calls)
    if (calls >= CALLS_MIN && sum(this.#failures) >= calls * FAILED_SHARE) this.#openedAt = now
  }

  #decide(failed: boolean, now: number): void {
    this.#openedAt = failed ? now : undefined
    this.#calls.fill(0)
    this.#failures.fill(0)
  }

  // Empties what is older than the window, also after a long rest.
  #turnTo(now: number): void {
    const bucket = Math.floor(now / BUCKET_MS)
    for (let next = Math.max(this.#bucket + 1, bucket - BUCKETS + 1); next <= bucket; next += 1) {
      this.#calls[next % BUCKETS] = 0
      this.#failures[next % BUCKETS] = 0
    }
    this.#bucket = Math.max(this.#bucket, bucket)
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
