import { setTimeout as sleep } from 'node:timers/promises'
import type { Told, Wish } from '@timesale/verify/verdict'
import { comesMs, planOf, USUAL_MIX, type Mix, type Opening, type Plan, type PlanOptions } from './buyer-plan.ts'
import { Latency, type Percentiles } from './latency.ts'
import { OrderClient, type Answer, type Asked } from './order-client.ts'
import { randomOf } from './random.ts'

export interface BuyersOptions {
  /** One process of the order service or several; a buyer without an answer asks the next. */
  readonly urls: readonly string[]
  /**
   * What a request carries besides, by its buyer: a token, where `urls` are of the gateway (`http://host:port/api`). The
   * token says who buys, so the body does not.
   */
  readonly headersFor?: (buyerId: string) => Readonly<Record<string, string>>
  /** Account ids, where buyers have fewer accounts than they are. */
  readonly accounts?: readonly string[] | undefined
  /** Of the time sale: who wants no more than this at once must not be told that it is too much. Nobody is, without it. */
  readonly limitPerBuyer?: number | undefined
  /** Of a time sale that has not begun; it has by default, and nobody comes too early. */
  readonly opening?: Opening
  /** Each buyer takes one of them. */
  readonly products: readonly string[]
  /** Over all buyers, whatever the shop does: a slow shop meets more of them at once. */
  readonly ordersPerSecond: number
  /** So many come; without it they come until `stop`. */
  readonly count?: number
  /** What they buy and do besides. The same seed makes the same buyers. */
  readonly seed?: number
  /** What their order ids begin with; tells them from all others of a shop. */
  readonly name?: string
  readonly mix?: Partial<Mix>
  /** To each process. */
  readonly connections?: number
  readonly answerWithinMs?: number
  /** After this long a buyer without an answer goes away and never knows. */
  readonly patienceMs?: number
  /** An order was accepted for the first time. */
  readonly onAccepted?: (number: number) => void
}

/** What happened so far. */
export interface Figures {
  /** Buyers who came. */
  readonly arrived: number
  /** Orders that are accepted. */
  readonly accepted: number
  /** Orders that were refused with the promise that they have no effect. */
  readonly turnedAway: number
  /** Buyers who do not know yet. */
  readonly waiting: number
  /** Buyers who went away without knowing. */
  readonly gaveUp: number
  readonly attempts: number
  /** Attempts by what is known of their effect: done, certainly nothing, unknown. */
  readonly byClass: Readonly<Record<AttemptClass, number>>
  /** Attempts answered 503, those without an answer, and those answered 429: too many in a time. */
  readonly unavailable: number
  /** Of those answered 503: too many waited. */
  readonly overloaded: number
  readonly noAnswer: number
  readonly limited: number
  /** Orders sent again on purpose that were answered like the first time; other orders under a used id that were refused. */
  readonly repeatsConfirmed: number
  readonly reusesRefused: number
  /** Orders shown to their buyer, and those that were not there for somebody else. */
  readonly shown: number
  readonly hidden: number
  readonly cancelled: number
  /** Attempts that were told to come again when the sale begins; orders refused at the door as more than a buyer may have. */
  readonly tooEarly: number
  readonly overLimit: number
  /** Answers that must not be; and orders that their buyer did not see, or somebody else did. */
  readonly unexpected: number
  readonly exposed: number
  /** From the moment a buyer was to come until the first answer that says what became of the order, in milliseconds. */
  readonly answerMs: Percentiles | undefined
}

/** It has taken effect; it has had none; nobody knows. */
export type AttemptClass = 'ok' | 'fail' | 'info'

/** Buyers who order at a rate that nothing slows down, and send an order again until they know what became of it. */
export class Buyers {
  readonly #options: BuyersOptions
  readonly #plans: PlanOptions
  readonly #client: OrderClient
  readonly #latency = new Latency()
  readonly #fates = new Fates()
  readonly #unexpected = new Complaints()
  readonly #exposed = new Complaints()
  readonly #arriving: Promise<void>
  readonly #buying = new Set<Promise<void>>()
  readonly #classes = { ok: 0, fail: 0, info: 0 }
  readonly #end = new AbortController()
  #stopped = false
  #arrived = 0
  #unavailable = 0
  #overloaded = 0
  #noAnswer = 0
  #limited = 0
  #shown = 0
  #hidden = 0
  #repeatsConfirmed = 0
  #reusesRefused = 0
  #tooEarly = 0
  #overLimit = 0
  #gaveUp = 0
  #lastSoldOutAt: number | undefined
  /** Milliseconds since the epoch at which the first buyer was to come. */
  readonly beganAt = Date.now()
  readonly #began = performance.now()

  constructor(options: BuyersOptions) {
    const { seed = 1, name = 'buyers', products, accounts, count = Infinity } = options
    this.#options = options
    const mix = { ...USUAL_MIX, ...options.mix }
    // Late cancellations would give units back when nobody asks for them any more.
    this.#plans = { seed, name, products, mix, accounts, cancelUntil: count / 2 }
    this.#client = new OrderClient({
      urls: options.urls,
      connections: options.connections ?? CONNECTIONS,
      answerWithinMs: options.answerWithinMs ?? ANSWER_WITHIN_MS,
    })
    this.#arriving = this.#arrive(count)
  }

  /** Resolves when all of `count` came and know. */
  async done(): Promise<void> {
    await this.#arriving
    while (this.#buying.size > 0) await Promise.all(this.#buying)
    await this.#client.close()
  }

  /** No new buyers; resolves when the last one knows. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.done()
  }

  /** At once: whoever does not know by now never will. */
  async abandon(): Promise<void> {
    this.#stopped = true
    this.#end.abort()
    await this.#client.close()
    await this.done()
  }

  /** When a buyer was to be served: when they came, or when the sale began; in milliseconds since the epoch. */
  dueAt(number: number): number {
    return this.beganAt + this.#dueMs(number)
  }

  orderId(number: number): string {
    return `${this.#plans.name}-${number}`
  }

  /** What a buyer does, whether they have come or not. */
  plan(number: number): Plan {
    return planOf(number, this.#plans)
  }

  get figures(): Figures {
    return {
      arrived: this.#arrived,
      accepted: this.#fates.count(ACCEPTED),
      turnedAway: this.#fates.count(TURNED_AWAY),
      waiting: this.#buying.size,
      gaveUp: this.#gaveUp,
      attempts: this.#classes.ok + this.#classes.fail + this.#classes.info,
      byClass: { ...this.#classes },
      unavailable: this.#unavailable,
      overloaded: this.#overloaded,
      noAnswer: this.#noAnswer,
      limited: this.#limited,
      shown: this.#shown,
      hidden: this.#hidden,
      repeatsConfirmed: this.#repeatsConfirmed,
      reusesRefused: this.#reusesRefused,
      cancelled: this.#fates.count(CANCELLED),
      tooEarly: this.#tooEarly,
      overLimit: this.#overLimit,
      unexpected: this.#unexpected.count,
      exposed: this.#exposed.count,
      answerMs: this.#latency.percentiles,
    }
  }

  /** When the last one asked who was told at the door that nothing is left, in milliseconds since the epoch. */
  get lastSoldOutAt(): number | undefined {
    return this.#lastSoldOutAt
  }

  /** The first ten answers that must not be. */
  get unexpected(): readonly string[] {
    return this.#unexpected.first
  }

  /** The first ten orders that their buyer did not see, or somebody else did. */
  get exposed(): readonly string[] {
    return this.#exposed.first
  }

  /** Orders by what their buyers know of them, for the verdict. */
  outcome(): Told {
    const ids = (fate: number): string[] => this.#fates.numbers(fate).map((number) => this.orderId(number))
    const prefix = `${this.#plans.name}-`
    const wishOf = (orderId: string): Wish | undefined => {
      const number = orderId.startsWith(prefix) ? Number(orderId.slice(prefix.length)) : Number.NaN
      return Number.isInteger(number) ? this.plan(number) : undefined
    }
    return { accepted: ids(ACCEPTED), turnedAway: ids(TURNED_AWAY), cancelled: ids(CANCELLED), wishOf }
  }

  #comesMs(number: number): number {
    return comesMs(number, this.#options.ordersPerSecond, this.#plans.seed, this.#opening)
  }

  #dueMs(number: number): number {
    return Math.max(this.#comesMs(number), this.#opening.opensInMs)
  }

  get #opening(): Opening {
    return this.#options.opening ?? ALREADY_OPEN
  }

  async #arrive(count: number): Promise<void> {
    while (!this.#stopped && this.#arrived < count) {
      const nextMs = this.#comesMs(this.#arrived + 1)
      const waitMs = this.#began + nextMs - performance.now()
      // Timers are whole milliseconds; all who are due by then come at once.
      if (waitMs > 0) {
        await sleep(waitMs, undefined, { signal: this.#end.signal }).catch(() => undefined)
        continue
      }
      this.#arrived += 1
      const buying = this.#buy(this.#arrived).catch((error: unknown) => this.#unexpected.add(String(error)))
      this.#buying.add(buying)
      void buying.then(() => this.#buying.delete(buying))
    }
  }

  async #buy(number: number): Promise<void> {
    const plan = this.plan(number)
    const body = this.#bodyOf(plan)
    const first = this.#order(number, body, plan.orderId)
    const second = plan.doubleClick ? this.#order(number, body, plan.orderId) : undefined
    const known = await first
    if (known === undefined) this.#gaveUp += 1
    this.#latency.record(performance.now() - this.#began - this.#dueMs(number))
    await second
    if (known?.status !== 202) return
    if (plan.cancel) await this.#cancel(number, plan)
    if (plan.repeat) await this.#repeat(number, plan, known)
    if (plan.otherBody) await this.#reuse(number, plan)
    if (plan.look) await this.#look(number, plan)
  }

  /** Sends an order until somebody says what became of it; undefined where nobody ever does. */
  async #order(number: number, body: string, orderId: string): Promise<Answer | undefined> {
    const about = { ...this.#orders(number), body }
    const answer = await this.#persist(number, about, () => this.#fates.doubt(number))
    if (answer === undefined) return undefined
    if (answer.status === 202) {
      if (this.#fates.accept(number)) this.#options.onAccepted?.(number)
    } else if (answer.status === 409 && answer.code === 'sold-out' && answer.refused) {
      this.#fates.turnAway(number)
      this.#lastSoldOutAt = Math.max(answer.askedAt, this.#lastSoldOutAt ?? 0)
    } else if (answer.status === 409 && answer.code === 'buyer-limit' && answer.refused && this.#wantsTooMuch(number)) {
      // More at once than one buyer may have. Of several orders only stock knows the sum.
      this.#fates.turnAway(number)
      this.#overLimit += 1
    } else {
      this.#unexpected.add(`order ${orderId} was answered ${answer.status} ${answer.code}`)
    }
    return answer
  }

  #wantsTooMuch(number: number): boolean {
    return this.plan(number).quantity > (this.#options.limitPerBuyer ?? Infinity)
  }

  // The same order once more: the same bytes once more.
  async #repeat(number: number, { orderId, ...plan }: Plan, before: Answer): Promise<void> {
    const again = await this.#persist(number, { ...this.#orders(number), body: this.#bodyOf({ orderId, ...plan }) })
    if (again === undefined) return
    if (again.status === 202 && again.text === before.text) this.#repeatsConfirmed += 1
    else this.#unexpected.add(`order ${orderId} was answered ${before.text} and then ${again.status} ${again.text}`)
  }

  // Another order under the same id has no effect.
  async #reuse(number: number, plan: Plan): Promise<void> {
    const body = this.#bodyOf({ ...plan, quantity: plan.quantity + 1 })
    const answer = await this.#persist(number, { ...this.#orders(number), body })
    if (answer === undefined) return
    if (answer.status === 422 && answer.code === 'order-id-reused') this.#reusesRefused += 1
    else this.#unexpected.add(`another order under ${plan.orderId} was answered ${answer.status} ${answer.code}`)
  }

  async #cancel(number: number, { orderId }: Plan): Promise<void> {
    const path = `/orders/${orderId}/cancellation`
    const answer = await this.#persist(number, { ...this.#orders(number), path })
    if (answer === undefined) return
    if (answer.status === 200) this.#fates.cancel(number)
    else if (answer.status !== 409 || answer.code !== 'order-not-cancellable') {
      this.#unexpected.add(`the cancellation of order ${orderId} was answered ${answer.status} ${answer.code}`)
    }
  }

  // What is somebody else's is not there.
  async #look(number: number, { orderId, buyerId }: Plan): Promise<void> {
    const asked = { method: 'GET', path: `/orders/${orderId}` } as const
    const own = await this.#persist(number, { ...asked, headers: this.#headersOf(buyerId) })
    if (own?.status === 200 && own.text.includes(`"${orderId}"`)) this.#shown += 1
    else if (own !== undefined) this.#exposed.add(`order ${orderId} is answered ${own.status} to its buyer ${buyerId}`)
    const stranger = this.#options.accounts?.find((accountId) => accountId !== buyerId)
    if (stranger === undefined) return
    const theirs = await this.#persist(number, { ...asked, headers: this.#headersOf(stranger) })
    if (theirs?.status === 404 && !theirs.text.includes(buyerId)) this.#hidden += 1
    else if (theirs !== undefined) this.#exposed.add(`order ${orderId} is answered ${theirs.status} to ${stranger}`)
  }

  /** Asks until there is an answer that says something. */
  async #persist(number: number, asked: Asked, onUncertain: () => void = () => undefined): Promise<Answer | undefined> {
    const until = performance.now() + (this.#options.patienceMs ?? PATIENCE_MS)
    for (let attempt = 0; !this.#end.signal.aborted; attempt += 1) {
      const answer = await this.#client.ask(number + attempt, asked)
      const kind = classOf(answer)
      this.#classes[kind] += 1
      if (answer.code === 'overloaded') this.#overloaded += 1
      if (answer.status === 503) this.#unavailable += 1
      else if (kind === 'info') this.#noAnswer += 1
      const isLimited = answer.status === 429
      if (isLimited) this.#limited += 1
      if (kind === 'info') onUncertain()
      const isEarly = answer.code === 'sale-not-started' && answer.refused
      if (isEarly) this.#tooEarly += 1
      if (kind !== 'info' && answer.status !== 503 && !isLimited && !isEarly) return answer
      if (performance.now() > until) return undefined
      await sleep(pauseMs(answer, attempt, randomOf(this.#plans.seed, number, 100 + attempt)), undefined, {
        signal: this.#end.signal,
      }).catch(() => undefined)
    }
    return undefined
  }

  #orders(number: number): Asked {
    return { method: 'POST', path: '/orders', headers: this.#headersOf(this.plan(number).buyerId) }
  }

  #headersOf(buyerId: string): Asked['headers'] {
    return this.#options.headersFor?.(buyerId)
  }

  #bodyOf({ orderId, productId, quantity, buyerId }: Plan): string {
    const order = { orderId, productId, quantity }
    return JSON.stringify(this.#options.headersFor === undefined ? { ...order, buyerId } : order)
  }
}

const ALREADY_OPEN: Opening = { opensInMs: 0, early: 0 }
const CONNECTIONS = 256
const ANSWER_WITHIN_MS = 10_000
const PATIENCE_MS = 120_000
const COMPLAINTS = 10

/** What an answer says of the effect of its request. */
export function classOf({ status, refused }: Pick<Answer, 'status' | 'refused'>): AttemptClass {
  if (status >= 200 && status < 300) return 'ok'
  if (status >= 400 && status < 500 && status !== 408) return 'fail'
  return status === 503 && refused ? 'fail' : 'info'
}

const PAUSE_MIN_MS = 100
const PAUSE_MAX_MS = 2_000

/** How long a buyer waits before the next attempt: as long as the shop asks for, and a little more, each another. */
export function pauseMs(
  { retryAfterMs, startsInMs }: Pick<Answer, 'retryAfterMs'> & Partial<Pick<Answer, 'startsInMs'>>,
  attempt: number,
  random: number,
): number {
  // Nobody wants to be late for a sale.
  if (startsInMs !== undefined) return startsInMs + random * PAUSE_MIN_MS
  if (retryAfterMs !== undefined) return retryAfterMs + random * Math.max(PAUSE_MIN_MS, retryAfterMs / 2)
  return Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** attempt) * (0.5 + random)
}

// All are counted, and the first ten kept.
class Complaints {
  readonly first: string[] = []
  count = 0

  add(text: string): void {
    this.count += 1
    if (this.first.length < COMPLAINTS) this.first.push(text)
  }
}

const ACCEPTED = 1
const TURNED_AWAY = 2
const CANCELLED = 4
/** There was an attempt of which nobody knows: a refusal later says nothing of that one. */
const DOUBTFUL = 8

// What became of each buyer's order: a byte each.
class Fates {
  #bytes = new Uint8Array(1024)

  accept(number: number): boolean {
    const before = this.#get(number)
    this.#bytes[number] = (before | ACCEPTED) & ~TURNED_AWAY
    return (before & ACCEPTED) === 0
  }

  turnAway(number: number): void {
    if ((this.#get(number) & (ACCEPTED | DOUBTFUL)) === 0) this.#bytes[number] = this.#get(number) | TURNED_AWAY
  }

  doubt(number: number): void {
    this.#bytes[number] = (this.#get(number) | DOUBTFUL) & ~TURNED_AWAY
  }

  cancel(number: number): void {
    this.#bytes[number] = this.#get(number) | CANCELLED
  }

  count(fate: number): number {
    return this.#bytes.reduce((sum, byte) => sum + ((byte & fate) === 0 ? 0 : 1), 0)
  }

  numbers(fate: number): number[] {
    const numbers: number[] = []
    for (const [number, byte] of this.#bytes.entries()) if ((byte & fate) !== 0) numbers.push(number)
    return numbers
  }

  #get(number: number): number {
    if (number >= this.#bytes.length) {
      const longer = new Uint8Array(Math.max(number + 1, 2 * this.#bytes.length))
      longer.set(this.#bytes)
      this.#bytes = longer
    }
    return this.#bytes[number] as number
  }
}
