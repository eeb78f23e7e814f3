import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal } from '@timesale/contracts/refusals'
import type { Database } from '@timesale/postgres/database'
import { CommitOutcomeUnknown, DatabaseUnavailable, isInfrastructure } from '@timesale/postgres/errors'
import type { Logger } from '@timesale/telemetry/logger'
import { histogram, type Registry } from '@timesale/telemetry/metrics'
import type { Door } from '../redis/door.ts'
import { findOrderable, type Price } from '../db/product-copies.ts'
import { placeOrders, placePresumedNew, turnAwayNew, type Answer, type TurnAway, type Wish } from './place-orders.ts'

export interface AcceptBatchOptions {
  readonly db: Database
  readonly door: Door
  /** Too many events wait to be published for another promise to be made. */
  readonly outboxFull: () => boolean
  readonly logger: Logger
  readonly registry: Registry
  /** Orders were committed with their facts. */
  readonly onAccepted: (wishes: readonly Wish[]) => void
}

interface Waiting {
  readonly wish: Wish
  /** Of performance.now(). */
  readonly since: number
  /** Several, when the same order was sent again while the first one is under way. */
  readonly replies: { resolve: (answer: Answer) => void; reject: (error: unknown) => void }[]
}

const FLUSH_MAX = 128
/** How long a flush gathers at most while requests keep coming in. */
const GATHER_MS = 2
/** Prices remembered; a shop with more products looks some of them up again. */
const PRICES_MAX = 10_000
const WAITING_MAX = 10_000
/**
 * Whoever comes while more wait than a flush takes, and one of them has waited this long, is told to come again: an
 * answer within a second, in any rush.
 */
const WAIT_MAX_MS = 150
// One for all: it says nothing of any order, and is needed when there is no time for anything.
const OVERLOADED = new Refusal('overloaded', { accepted: false })
/** How long one flush tries to reach the database before its buyers are told. */
const TRY_FOR_MS = 2_000

/**
 * Accepts orders in batches: while one flush is with the database, the next one gathers, and starts when the first
 * ends. A transaction an order would cost a commit an order; this is the main lever of the whole shop.
 *
 * The answer to COMMIT may be lost. Then the same batch is run again, and finds its own rows if they are there; a
 * SELECT could not tell a transaction that failed from one that is about to commit.
 */
export class AcceptBatch {
  readonly #options: AcceptBatchOptions
  readonly #flushSize
  /** In the order of arrival. */
  #queue: Waiting[] = []
  /** The same by id and body. */
  readonly #waiting = new Map<string, Waiting>()
  readonly #prices = new Map<string, Price>()
  #flushing = false

  constructor(options: AcceptBatchOptions) {
    this.#options = options
    this.#flushSize = histogram(
      options.registry,
      'order_accept_flush_orders',
      'Orders a flush',
      [],
      [1, 2, 4, 8, 16, 32, 64, 128],
    )
  }

  /** Resolves when the order is committed or refused; rejects when the database could not be asked. */
  accept(wish: Wish): Promise<Answer> {
    const now = performance.now()
    const [oldest] = this.#queue
    const isLate = oldest !== undefined && now - oldest.since > WAIT_MAX_MS
    if (this.#queue.length >= WAITING_MAX || (isLate && this.#queue.length >= FLUSH_MAX)) {
      return Promise.reject(OVERLOADED)
    }
    return new Promise((resolve, reject) => {
      const key = keyOf(wish)
      const same = this.#waiting.get(key)
      if (same === undefined) {
        const one = { wish, since: now, replies: [{ resolve, reject }] }
        this.#waiting.set(key, one)
        this.#queue.push(one)
      } else same.replies.push({ resolve, reject })
      if (!this.#flushing) void this.#flushAll()
    })
  }

  async #flushAll(): Promise<void> {
    this.#flushing = true
    let tell: Tell = tellNobody
    for (;;) {
      if (this.#queue.length < FLUSH_MAX) {
        // Nobody waits for an answer that is known while others are gathered.
        tell()
        tell = tellNobody
        await this.#gather()
      }
      const batch = this.#takeDistinct()
      if (batch.length === 0) break
      const flushing = this.#flush(batch)
      // Those of the flush before are told while this one is with the database.
      tell()
      tell = await flushing
    }
    this.#flushing = false
  }

  // Requests that come in together go together: until a turn of the event loop brings no more.
  async #gather(): Promise<void> {
    const until = performance.now() + GATHER_MS
    for (let seen = -1; seen < this.#queue.length && this.#queue.length < FLUSH_MAX && performance.now() < until;) {
      seen = this.#queue.length
      await new Promise(setImmediate)
    }
  }

  // Another body under an id that is in this flush waits for the next one: it must be judged by what became of the first.
  #takeDistinct(): Waiting[] {
    const ids = new Set<string>()
    const taken: Waiting[] = []
    const left: Waiting[] = []
    let at = 0
    for (; at < this.#queue.length && taken.length < FLUSH_MAX; at += 1) {
      const one = this.#queue[at] as Waiting
      if (ids.has(one.wish.orderId)) {
        left.push(one)
        continue
      }
      ids.add(one.wish.orderId)
      this.#waiting.delete(keyOf(one.wish))
      taken.push(one)
    }
    this.#queue = [...left, ...this.#queue.slice(at)]
    return taken
  }

  // Resolves to what tells the buyers. An order that could not be placed is told of at once.
  async #flush(batch: readonly Waiting[]): Promise<Tell> {
    this.#flushSize.observe(batch.length)
    const { repeated, soldOut } = await this.#options.door.look(batch.map(({ wish }) => wish))
    for (const one of batch) if (repeated.has(one.wish.orderId)) answer(one, 'accepted')
    const unknown = repeated.size === 0 ? batch : batch.filter(({ wish }) => !repeated.has(wish.orderId))
    const full = this.#options.outboxFull()
    const turnAway: TurnAway = ({ productId }) => {
      if (full) return 'outbox-full'
      return soldOut.has(productId) ? 'sold-out' : undefined
    }
    return unknown.length > 0 ? await this.#place(unknown, turnAway) : tellNobody
  }

  async #place(batch: readonly Waiting[], turnAway: TurnAway): Promise<Tell> {
    try {
      const answers = await this.#tryPlacing(
        batch.map(({ wish }) => wish),
        turnAway,
      )
      const accepted = batch.filter((_one, index) => answers[index] === 'accepted').map(({ wish }) => wish)
      if (accepted.length > 0) this.#options.onAccepted(accepted)
      return () => {
        for (const [index, one] of batch.entries()) answer(one, answers[index] as Answer)
      }
    } catch (error) {
      // One order's own fault must not fail the others: halve until it stands alone.
      if (batch.length > 1 && !isInfrastructure(error)) {
        const middle = Math.ceil(batch.length / 2)
        // An attempt before may have been committed: nobody is turned away who may have been accepted.
        const tellFirst = await this.#place(batch.slice(0, middle), nobody)
        const tellSecond = await this.#place(batch.slice(middle), nobody)
        return () => {
          tellFirst()
          tellSecond()
        }
      }
      fail(batch, error)
      // Those who wait would wait as long for the same answer.
      if (isInfrastructure(error)) this.#failWaiting(new Set(batch.map(({ wish }) => wish.orderId)), error)
      return tellNobody
    }
  }

  #failWaiting(failedIds: ReadonlySet<string>, error: unknown): void {
    const waiting = this.#queue
    this.#queue = []
    this.#waiting.clear()
    // An order that was sent again while it was tried is as uncertain as the first time.
    const repeats = waiting.filter(({ wish }) => failedIds.has(wish.orderId))
    const others = waiting.filter(({ wish }) => !failedIds.has(wish.orderId))
    fail(repeats, error)
    fail(others, new DatabaseUnavailable('The database does not answer'))
  }

  async #tryPlacing(wishes: readonly Wish[], turnAway: TurnAway): Promise<Answer[]> {
    const until = Date.now() + TRY_FOR_MS
    let mayHaveCommitted: CommitOutcomeUnknown | undefined
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (attempt === 1) return await this.#placeQuickly(wishes, turnAway)
        return await this.#placeCarefully(wishes, mayHaveCommitted === undefined ? turnAway : nobody)
      } catch (error) {
        if (!isInfrastructure(error)) throw error
        if (error instanceof CommitOutcomeUnknown) mayHaveCommitted = error
        this.#options.logger.warn({ err: error, attempt, orders: wishes.length }, 'accept: the database did not answer')
        if (Date.now() >= until) throw mayHaveCommitted ?? error
        await sleep(20 + Math.random() * Math.min(50 * 2 ** attempt, 500))
      }
    }
  }

  // Nearly all orders are new, at a price that we have seen before: one round trip, and the database says if not.
  async #placeQuickly(wishes: readonly Wish[], turnAway: TurnAway): Promise<Answer[]> {
    const { db } = this.#options
    await this.#learnPrices(wishes)
    if (!wishes.every(({ productId }) => this.#prices.has(productId)))
      return await this.#placeCarefully(wishes, turnAway)
    const { welcome = [], turned = [] } = Object.groupBy(wishes, (wish) =>
      turnAway(wish) === undefined ? 'welcome' : 'turned',
    )
    // The look before the deed: where it fails, nothing has happened to anybody.
    const answers = turned.length === 0 ? [] : await turnAwayNew(db, turned, turnAway)
    if (welcome.length > 0 && !(await placePresumedNew(db, welcome, this.#prices))) {
      for (const { productId } of welcome) this.#prices.delete(productId)
      return await this.#placeCarefully(wishes, turnAway)
    }
    if (turned.length === 0) return wishes.map(() => 'accepted')
    const byId = new Map(turned.map(({ orderId }, index) => [orderId, answers[index]]))
    return wishes.map(({ orderId }) => byId.get(orderId) ?? 'accepted')
  }

  #placeCarefully(wishes: readonly Wish[], turnAway: TurnAway): Promise<Answer[]> {
    return this.#options.db.tx((tx) => placeOrders(tx, wishes, turnAway))
  }

  async #learnPrices(wishes: readonly Wish[]): Promise<void> {
    const unknown = new Set(wishes.map(({ productId }) => productId).filter((id) => !this.#prices.has(id)))
    if (unknown.size === 0) return
    for (const [productId, price] of await findOrderable(this.#options.db.sql, [...unknown])) {
      if (this.#prices.size >= PRICES_MAX) this.#prices.clear()
      this.#prices.set(productId, price)
    }
  }
}

/** Tells buyers what became of their orders. */
type Tell = () => void
const tellNobody: Tell = () => undefined

function keyOf({ orderId, body }: Wish): string {
  return `${orderId} ${body}`
}

// What may have been accepted already must not be turned away by a second look.
const nobody: TurnAway = () => undefined

function answer(one: Waiting, what: Answer): void {
  for (const { resolve } of one.replies) resolve(what)
}

function fail(batch: readonly Waiting[], error: unknown): void {
  for (const { replies } of batch) for (const { reject } of replies) reject(error)
}
