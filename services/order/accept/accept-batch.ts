import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '@timesale/postgres/database'
import { CommitOutcomeUnknown, DatabaseUnavailable, isInfrastructure } from '@timesale/postgres/errors'
import { Refusal, type RefusalCode } from '@timesale/contracts/refusals'
import type { Logger } from '@timesale/telemetry/logger'
import { histogram, type Registry } from '@timesale/telemetry/metrics'
import type { Door } from '../redis/door.ts'
import { findOffers, type Offer } from '../db/product-copies.ts'
import { isMadeOfAnotherKey } from '../keyed-order-id.ts'
import { DatabaseClock } from './database-clock.ts'
import {
  placeOrders,
  placePresumedNew,
  refuseNew,
  refuseOffer,
  type Answer,
  type TurnAway,
  type Wish,
} from './place-orders.ts'
import { answer, fail, OVERLOADED, WaitingLine, type Tell, type Waiting } from './waiting-line.ts'

export interface AcceptBatchOptions {
  readonly db: Database
  readonly door: Door
  /** Too many events wait to be published for another promise to be made. */
  readonly outboxFull: () => boolean
  /** An operator wants no new orders for a while; never, if left out. */
  readonly paused?: () => boolean
  readonly logger: Logger
  readonly registry: Registry
  /** Orders were committed with their facts. */
  readonly onAccepted: (wishes: readonly Wish[]) => void
}

/** Offers remembered; a shop with more products looks some of them up again. */
const OFFERS_MAX = 10_000
/** How long one flush tries to reach the database before its buyers are told. */
const TRY_FOR_MS = 2_000

/**
 * Accepts orders in batches: while one flush is with the database, the next one gathers (`WaitingLine`), and starts when
 * the first ends. A transaction an order would cost a commit an order; this is the main lever of the whole shop.
 *
 * The answer to COMMIT may be lost. Then the same batch is run again, and finds its own rows if they are there; a
 * SELECT could not tell a transaction that failed from one that is about to commit.
 */
export class AcceptBatch {
  readonly #options: AcceptBatchOptions
  readonly #flushSize
  readonly #line: WaitingLine
  readonly #offers = new Map<string, Offer>()
  readonly #clock = new DatabaseClock()

  constructor(options: AcceptBatchOptions) {
    this.#options = options
    this.#line = new WaitingLine({ door: options.door, flush: (batch) => this.#flush(batch) })
    this.#flushSize = histogram(
      options.registry,
      'order_accept_flush_orders',
      'Orders a flush',
      [],
      [1, 2, 4, 8, 16, 32, 64, 128],
    )
  }

  /** What an order that comes now would be told, where that is known without a look at it. */
  get refusalOfAll(): Refusal | undefined {
    return this.#line.isTooLong ? OVERLOADED : undefined
  }

  /** Resolves when the order is committed or refused; rejects when the database could not be asked. */
  accept(wish: Wish): Promise<Answer> {
    return this.#line.join(wish)
  }

  // Resolves to what tells the buyers. An order that could not be placed is told of at once.
  async #flush(batch: readonly Waiting[]): Promise<Tell> {
    this.#flushSize.observe(batch.length)
    const full = this.#options.outboxFull()
    const paused = this.#options.paused?.() === true
    const soldOut = new Set(batch.filter((one) => one.soldOut).map(({ wish }) => wish.orderId))
    const turnAway: TurnAway = ({ orderId }) => {
      if (paused) return 'orders-paused'
      if (full) return 'outbox-full'
      return soldOut.has(orderId) ? 'sold-out' : undefined
    }
    return await this.#place(batch, turnAway)
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
      for (const one of batch) fail(one, error)
      // Those who wait would wait as long for the same answer.
      if (isInfrastructure(error)) this.#failWaiting(new Set(batch.map(({ wish }) => wish.orderId)), error)
      return tellNobody
    }
  }

  #failWaiting(failedIds: ReadonlySet<string>, error: unknown): void {
    const unavailable = new DatabaseUnavailable('The database does not answer')
    // An order that was sent again while it was tried is as uncertain as the first time.
    this.#line.failAll(({ orderId }) => (failedIds.has(orderId) ? error : unavailable))
  }

  async #tryPlacing(wishes: readonly Wish[], turnAway: TurnAway): Promise<Answer[]> {
    const until = Date.now() + TRY_FOR_MS
    let mayHaveCommitted: CommitOutcomeUnknown | undefined
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (attempt === 1) return await this.#placeQuickly(wishes, turnAway)
        if (mayHaveCommitted === undefined) return await this.#placeCarefully(wishes, turnAway)
        return (await this.#placeCarefully(wishes, nobody)).map(asFarAsKnown)
      } catch (error) {
        if (!isInfrastructure(error)) throw error
        if (error instanceof CommitOutcomeUnknown) mayHaveCommitted = error
        this.#options.logger.warn({ err: error, attempt, orders: wishes.length }, 'accept: the database did not answer')
        if (Date.now() >= until) throw mayHaveCommitted ?? error
        await sleep(20 + Math.random() * Math.min(50 * 2 ** attempt, 500))
      }
    }
  }

  // Nearly all orders are new, on terms that we have seen before: one round trip, and the database says if not.
  async #placeQuickly(wishes: readonly Wish[], turnAway: TurnAway): Promise<Answer[]> {
    await this.#learnOffers(wishes)
    if (!wishes.every(({ productId }) => this.#offers.has(productId)))
      return await this.#placeCarefully(wishes, turnAway)
    const { welcome = [], turned = [] } = Object.groupBy(wishes, (wish) =>
      this.#isWelcome(wish, turnAway) ? 'welcome' : 'turned',
    )
    // The look before the deed: where it fails, nothing has happened to anybody.
    const answers = turned.length === 0 ? [] : await this.#refuseNew(turned, turnAway)
    if (answers.includes(undefined) || !(await this.#placePresumed(welcome))) {
      for (const { productId } of wishes) this.#offers.delete(productId)
      return await this.#placeCarefully(wishes, turnAway)
    }
    if (turned.length === 0) return wishes.map(() => 'accepted')
    const byId = new Map(turned.map(({ orderId }, index) => [orderId, answers[index]]))
    return wishes.map(({ orderId }) => byId.get(orderId) ?? 'accepted')
  }

  // A guess, and by a clock that is nearly right. Those who come before a sale begins, and after it has ended, are many:
  // they are told so by a look at the database, and hold up nobody whose order can be placed.
  #isWelcome(wish: Wish, turnAway: TurnAway): boolean {
    if (turnAway(wish) !== undefined || isMadeOfAnotherKey(wish)) return false
    const offer = this.#offers.get(wish.productId)
    return offer === undefined || refuseOffer(wish, offer, this.#clock.now()) === undefined
  }

  async #refuseNew(wishes: readonly Wish[], turnAway: TurnAway): Promise<(Answer | undefined)[]> {
    const askedAt = Date.now()
    const { answers, nowMs } = await refuseNew(this.#options.db, wishes, turnAway, this.#offers)
    this.#clock.heard(nowMs, askedAt)
    return answers
  }

  async #placePresumed(wishes: readonly Wish[]): Promise<boolean> {
    if (wishes.length === 0) return true
    const askedAt = Date.now()
    const terms = { byProduct: this.#offers, nowMs: this.#clock.now() }
    const nowMs = await placePresumedNew(this.#options.db, wishes, terms)
    this.#clock.heard(nowMs, askedAt)
    return nowMs !== undefined
  }

  #placeCarefully(wishes: readonly Wish[], turnAway: TurnAway): Promise<Answer[]> {
    return this.#options.db.tx((tx) => placeOrders(tx, wishes, turnAway))
  }

  async #learnOffers(wishes: readonly Wish[]): Promise<void> {
    const unknown = new Set(wishes.map(({ productId }) => productId).filter((id) => !this.#offers.has(id)))
    if (unknown.size === 0) return
    const askedAt = Date.now()
    const { byProduct, nowMs } = await findOffers(this.#options.db.sql, [...unknown])
    this.#clock.heard(nowMs, askedAt)
    for (const [productId, offer] of byProduct) {
      if (this.#offers.size >= OFFERS_MAX) this.#offers.clear()
      this.#offers.set(productId, offer)
    }
  }
}

// Found by a look alone, which cannot tell a transaction that failed from one that is about to commit.
const BY_A_LOOK: ReadonlySet<RefusalCode> = new Set<RefusalCode>([
  'unknown-product',
  'sale-not-started',
  'sale-ended',
  'buyer-limit',
])

// What an attempt before may have placed is not refused.
function asFarAsKnown(what: Answer): Answer {
  if (what === 'accepted' || !BY_A_LOOK.has(what.code)) return what
  return new Refusal('outcome-unknown', { orderId: what.about['orderId'] })
}

const tellNobody: Tell = () => undefined

// What may have been accepted already must not be turned away by a second look.
const nobody: TurnAway = () => undefined
