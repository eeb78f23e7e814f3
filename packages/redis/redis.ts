import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll, isBrokenCircuitError } from 'cockatiel'
import { within } from '@timesale/process/deadline'
import type { Logger } from '@timesale/telemetry/logger'
import { makeClient, type Client } from './client.ts'

/** Redis did not answer in time, is not there, or is being left alone for a moment. Nothing that counts depends on it. */
export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable'
}

// A look that takes longer than this costs more than what it spares.
const CALL_TIMEOUT_MS = 50
const FAILURES_UNTIL_OPEN = 3
const OPEN_MS = 1_000
// A little after the breaker lets a call through again.
const PROBE_MS = OPEN_MS + 50
const BREAKS_UNTIL_REPLACED = 4

/**
 * Redis as a hint: every call answers within 50 ms or throws RedisUnavailable. After three failures in a row it is
 * not asked for a second, so that a hung Redis (which refuses nothing and answers nothing) costs next to nothing.
 */
export class RedisHints implements AsyncDisposable {
  readonly #client: Client
  readonly #breaker = circuitBreaker(handleAll, {
    halfOpenAfter: OPEN_MS,
    breaker: new ConsecutiveBreaker(FAILURES_UNTIL_OPEN),
  })
  #probe: NodeJS.Timeout | undefined
  #closed = false
  #breaks = 0

  constructor(options: { url: string; logger: Logger }) {
    this.#client = makeClient({
      url: options.url,
      logger: options.logger,
      socketTimeoutMs: 5_000,
      reconnectWithinMs: 2_000,
      whenLost: 'redis: lost; going on without it',
    })
    this.#breaker.onReset(() => {
      this.#breaks = 0
    })
    // Asked again even where nobody asks anything, or an idle service would call a Redis that is back unreachable.
    this.#breaker.onBreak(() => {
      if (this.#closed) return
      this.#breaks += 1
      // A connection that a machine in between has forgotten swallows every probe; another one may be served.
      if (this.#breaks % BREAKS_UNTIL_REPLACED === 0) this.#replaceConnection()
      this.#probe = setTimeout(() => void this.call((client) => client.ping()).catch(() => undefined), PROBE_MS)
    })
    // Not awaited: a service starts without Redis. Failures go to the listener above, and it goes on trying.
    this.#client.connect().catch(() => undefined)
  }

  async call<T>(command: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await this.#breaker.execute(() => within(CALL_TIMEOUT_MS, command(this.#client), tooLate))
    } catch (error) {
      if (isBrokenCircuitError(error)) throw new RedisUnavailable('Redis is being left alone after failures')
      throw error instanceof RedisUnavailable ? error : new RedisUnavailable('Redis did not answer', { cause: error })
    }
  }

  get reachable(): boolean {
    return this.#client.isReady && this.#breaker.state === CircuitState.Closed
  }

  #replaceConnection(): void {
    if (this.#client.isOpen) this.#client.destroy()
    this.#client.connect().catch(() => undefined)
  }

  close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#probe)
    // destroy() throws when the client never was open.
    if (this.#client.isOpen) this.#client.destroy()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function tooLate(): RedisUnavailable {
  return new RedisUnavailable('Redis did not answer in time')
}
