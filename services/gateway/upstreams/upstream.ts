import { Refusal, REFUSALS } from '@timesale/contracts/refusals'
import { TIMEOUT_HEADER } from '@timesale/contracts/gateway-api'
import type { Logger } from '@timesale/telemetry/logger'
import { NoAnswer, type Answer, type Call } from './call.ts'
import { Instance } from './instance.ts'
import { Line } from './line.ts'

export interface UpstreamOptions {
  readonly name: string
  readonly urls: readonly string[]
  /** Requests at once, to all instances together. */
  readonly concurrency: number
  /** Requests that may wait for their turn. */
  readonly queue: number
  readonly logger: Logger
  readonly onOutcome?: (outcome: Outcome) => void
}

export type Outcome = 'answered' | 'retried' | 'unavailable' | 'failed' | 'timeout' | 'overloaded'

export interface UpstreamRequest extends Call {
  /** When we stop waiting, by `performance.now()`. */
  readonly deadline: number
  /** When the caller does, where it says so. */
  readonly callerDeadline?: number | undefined
  /** May be sent again when the answer was lost. */
  readonly idempotent: boolean
  /** What is asked for may have to be waited for there: that no answer comes for long is no sign of a fault. */
  readonly isPatient?: boolean
}

const RETRY_SHARE = 0.1
const RETRIES_SAVED_MAX = 10
const SAFE = new Set(['GET', 'HEAD'])

/** A service behind the gateway: its instances, and how many requests may be with them. */
export class Upstream {
  readonly name: string
  readonly instances: readonly Instance[]
  readonly #line: Line
  readonly #onOutcome: (outcome: Outcome) => void
  #turn = 0
  #retries = RETRIES_SAVED_MAX

  constructor(options: UpstreamOptions) {
    const { name, concurrency, logger } = options
    this.name = name
    this.instances = options.urls.map((url) => new Instance({ url, connections: concurrency, logger }))
    this.#line = new Line({ insideMax: concurrency, waitingMax: options.queue })
    this.#onOutcome = options.onOutcome ?? (() => undefined)
  }

  start(): void {
    for (const instance of this.instances) instance.start()
  }

  async close(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.close()))
  }

  get active(): number {
    return this.#line.inside
  }

  get waiting(): number {
    return this.#line.waiting
  }

  /**
   * The answer of one of the instances, whatever its status. Throws `overloaded` and `upstream-unavailable` where nothing
   * was sent to anybody (they say `accepted: false`), `upstream-timeout` and `upstream-failed` where something was, so
   * that nobody knows what became of it.
   */
  async request(request: UpstreamRequest): Promise<Answer> {
    try {
      const turn = this.#line.enter(endOf(request) - performance.now())
      if (turn !== undefined) await turn
    } catch (error) {
      this.#onOutcome('overloaded')
      throw error
    }
    try {
      return await this.#tryInstances(request)
    } finally {
      this.#line.leave()
    }
  }

  async #tryInstances(request: UpstreamRequest): Promise<Answer> {
    this.#retries = Math.min(RETRIES_SAVED_MAX, this.#retries + RETRY_SHARE)
    const tried = new Set<Instance>()
    let wasSent = false
    let reason: NoAnswer['reason'] = 'lost'
    // Whoever may not wait as long as we would is no witness against an instance: or anybody could open its breaker.
    const witness = (request.callerDeadline ?? Infinity) >= request.deadline
    for (;;) {
      const left = endOf(request) - performance.now()
      if (left < 1) throw this.#refusal(request, 'timeout', wasSent)
      const instance = this.#pick(tried, request.idempotent)
      if (instance === undefined) throw this.#refusal(request, reason, wasSent)
      const isFirstHalf = this.#mayGoOn(request, tried, instance)
      const timeoutMs = isFirstHalf ? left / 2 : left
      try {
        const answer = await instance.send(withTimeout(request, timeoutMs), timeoutMs, witness)
        if (wasSent && isDoubtful(request.method, answer.status)) throw this.#refusal(request, 'lost', true)
        this.#onOutcome('answered')
        return answer
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        tried.add(instance)
        if (error.wasSent) {
          wasSent = true
          reason = error.reason
          if ((reason === 'timeout' && !isFirstHalf) || !this.#mayRetry(request, error))
            throw this.#refusal(request, error.reason, true)
          // Where there is only one instance, it was its connection that was lost, and another one may be had.
          if (this.instances.length === 1) tried.clear()
        }
      }
    }
  }

  // Whether half of the time is enough for this one: there is another to go on to, and nothing but a read is asked for. A
  // write goes on by itself where the caller repeats it, and one that is slow says more of its effect than a second one.
  #mayGoOn({ method, isPatient = false }: UpstreamRequest, tried: ReadonlySet<Instance>, first: Instance): boolean {
    if (!SAFE.has(method) || isPatient || this.#retries < 1) return false
    const now = performance.now()
    return this.instances.some((one) => one !== first && !tried.has(one) && one.isReady && one.admits(now))
  }

  #mayRetry(request: UpstreamRequest, error: NoAnswer): boolean {
    if (!request.idempotent || error.hadBegun || this.#retries < 1) return false
    this.#retries -= 1
    this.#onOutcome('retried')
    return true
  }

  /** In turn, those first that say they are ready; an instance that is being tried again takes what can be repeated. */
  #pick(tried: ReadonlySet<Instance>, idempotent: boolean): Instance | undefined {
    const now = performance.now()
    const count = this.instances.length
    let best: Instance | undefined
    let bestRank = 0
    this.#turn = (this.#turn + 1) % count
    for (let step = 0; step < count; step += 1) {
      const instance = this.instances[(this.#turn + step) % count]
      if (instance === undefined || tried.has(instance) || !instance.admits(now)) continue
      const rank = rankOf(instance.isReady, instance.breakerAt(now) === 'closed', idempotent)
      if (rank > bestRank) {
        best = instance
        bestRank = rank
      }
    }
    return best
  }

  #refusal({ method }: Call, reason: 'timeout' | 'lost', wasSent: boolean): Refusal {
    const about = { upstream: this.name }
    if (!wasSent) {
      this.#onOutcome('unavailable')
      return new Refusal('upstream-unavailable', { ...about, accepted: false })
    }
    this.#onOutcome(reason === 'timeout' ? 'timeout' : 'failed')
    const code = reason === 'timeout' ? 'upstream-timeout' : 'upstream-failed'
    // A read has no effect that anybody could wonder about.
    const doubt = SAFE.has(method) ? '' : '; it is not known whether the request took effect'
    return new Refusal(code, about, `${REFUSALS[code].title}${doubt}`)
  }
}

function rankOf(isReady: boolean, isClosed: boolean, idempotent: boolean): number {
  if (isReady) return isClosed ? 4 : idempotent ? 5 : 3
  return isClosed ? 2 : 1
}

function endOf({ deadline, callerDeadline = Infinity }: UpstreamRequest): number {
  return Math.min(deadline, callerDeadline)
}

function withTimeout(request: UpstreamRequest, leftMs: number): Call {
  const { method, path, body } = request
  return { method, path, body, headers: [...request.headers, TIMEOUT_HEADER, String(Math.floor(leftMs))] }
}

// A service that was asked twice speaks of the second time alone. "No, and it has had no effect" may then be wrong of
// the first.
function isDoubtful(method: string, status: number): boolean {
  return !SAFE.has(method) && (status === 409 || status === 429 || status >= 500)
}
