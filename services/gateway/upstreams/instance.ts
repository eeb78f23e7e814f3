import type { Logger } from '@timesale/telemetry/logger'
import { Breaker, type BreakerState } from './breaker.ts'
import { createPool, NoAnswer, send, type Answer, type Call } from './call.ts'

const ASK_EVERY_MS = 1_000
const ASK_TIMEOUT_MS = 1_000
/** One late answer is a busy machine. */
const MISSED_UNTIL_UNREADY = 2
/** Who had waited for their turn until little time was left is no witness against whoever did not answer in it. */
const FAIR_TIMEOUT_MS = 900

/** One process of a service: its connections, its breaker, and what its /readyz says. */
export class Instance {
  readonly url: string
  readonly #pool: ReturnType<typeof createPool>
  readonly #breaker = new Breaker()
  readonly #logger: Logger
  #isReady = true
  #wasHeard = false
  #missed = 0
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: { url: string; connections: number; logger: Logger }) {
    this.url = new URL(options.url).origin
    this.#logger = options.logger
    // One more than there are requests at once, so that /readyz is asked also when all are busy.
    this.#pool = createPool(this.url, options.connections + 1)
  }

  /** Asks /readyz each second. Who is draining says no seconds before it hangs up: so a restart loses nothing. */
  start(): void {
    void this.#ask()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#pool.destroy()
  }

  /** Only whom to prefer: where nobody is ready, those are asked who are not, and say no themselves. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Until then `isReady` is presumed. */
  get wasHeard(): boolean {
    return this.#wasHeard
  }

  breakerAt(now: number): BreakerState {
    return this.#breaker.stateAt(now)
  }

  admits(now: number): boolean {
    return this.#breaker.admits(now)
  }

  /** `isWitness`: whether it may count against the instance that it did not answer in time. */
  async send(call: Call, timeoutMs: number, isWitness: boolean): Promise<Answer> {
    const began = this.#breaker.begin(performance.now())
    try {
      const answer = await send(this.#pool, call, timeoutMs)
      this.#breaker.ended(began, isFault(answer.status) ? 'failed' : 'well', performance.now())
      return answer
    } catch (error) {
      const isLate = error instanceof NoAnswer && error.reason === 'timeout'
      const isUnfair = isLate && !(isWitness && timeoutMs >= FAIR_TIMEOUT_MS)
      this.#breaker.ended(began, isUnfair ? 'unsaid' : 'failed', performance.now())
      throw error
    }
  }

  async #ask(): Promise<void> {
    const question = { method: 'GET', path: '/readyz', headers: [], body: undefined }
    try {
      const { status } = await send(this.#pool, question, ASK_TIMEOUT_MS)
      this.#missed = 0
      this.#turn(status === 200)
    } catch (error) {
      this.#missed += 1
      const isGone = error instanceof NoAnswer && error.reason === 'lost'
      if (isGone || this.#missed >= MISSED_UNTIL_UNREADY) this.#turn(false)
    }
    this.#wasHeard = true
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#ask(), ASK_EVERY_MS)
  }

  #turn(isReady: boolean): void {
    if (isReady !== this.#isReady && !this.#isClosed)
      this.#logger.info({ instance: this.url }, isReady ? 'upstream: ready again' : 'upstream: not ready')
    this.#isReady = isReady
  }
}

// 503 is a service's own word that it cannot now, and costs nobody anything: turning away from it would push its load
// onto the others. 501 and 505 are no faults of an instance.
function isFault(status: number): boolean {
  return status === 500 || status === 502 || status === 504
}
