import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'

const ORDERS_PER_SECOND = 30
const CONNECTIONS = 512
const SLOW_MS = 1_000
/** No answer for so long is a no. */
const ANSWER_WITHIN_MS = 10_000

/** What buyers were told. */
export interface Answers {
  asked: number
  accepted: number
  /** 503, or no answer. */
  refused: number
  /** An answer, whatever it was, after more than a second. */
  slow: number
}

/** Orders at a rate that nothing slows down, each asked for once. */
export class Buyers implements AsyncDisposable {
  readonly #pool: Pool
  readonly #over = new AbortController()
  readonly #underWay: Promise<void>[] = []
  readonly #answers = new Map<string, Answers>()
  readonly #accepted: string[] = []
  readonly #pacing: Promise<void>
  #ids: string

  /** `ids`: what the ids of their orders begin with; answers are counted for each such beginning. */
  constructor(port: number, ids: string) {
    this.#pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS, pipelining: 1 })
    this.#ids = ids
    this.#pacing = this.#buy()
  }

  /** Whoever comes from now on has an order with such an id. */
  nowWith(ids: string): void {
    this.#ids = ids
  }

  /** Nobody comes any more. Resolves when all who came were answered. */
  async stop(): Promise<void> {
    this.#over.abort()
    await this.#pacing
    await Promise.all(this.#underWay)
  }

  answers(ids: string): Answers {
    const known = this.#answers.get(ids) ?? { asked: 0, accepted: 0, refused: 0, slow: 0 }
    this.#answers.set(ids, known)
    return known
  }

  /** The ids of all orders that were answered yes. */
  get accepted(): readonly string[] {
    return this.#accepted
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.#pool.close()
  }

  async #buy(): Promise<void> {
    const began = performance.now()
    for (let number = 0; !this.#over.signal.aborted; number += 1) {
      const early = began + (number * 1000) / ORDERS_PER_SECOND - performance.now()
      if (early > 0) await sleep(early)
      this.#underWay.push(this.#ask(this.#ids, number))
    }
  }

  async #ask(ids: string, number: number): Promise<void> {
    const answers = this.answers(ids)
    answers.asked += 1
    const began = performance.now()
    const orderId = `${ids}${number}`
    const isAccepted = await this.#isAccepted(orderId)
    if (performance.now() - began > SLOW_MS) answers.slow += 1
    if (!isAccepted) {
      answers.refused += 1
      return
    }
    answers.accepted += 1
    this.#accepted.push(orderId)
  }

  async #isAccepted(orderId: string): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
      const { statusCode, body } = await this.#pool.request({ method: 'PUT', path: `/${orderId}`, signal })
      await body.dump()
      return statusCode === 202
    } catch {
      return false
    }
  }
}
