import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '@timesale/postgres/database'
import { CommitOutcomeUnknown, DatabaseUnavailable, isInfrastructure } from '@timesale/postgres/errors'
import type { Logger } from '@timesale/telemetry/logger'
import { histogram, type Registry } from '@timesale/telemetry/metrics'
import type { Door } from '../redis/door.ts'
import { findOrderable, type Price } from '../db/product-copies.ts'
import { placeOrders, placePresumedNew, turnAwayNew, type Answer, type TurnAway, type Wish } from './place-orders.ts'
import { answer, fail, WaitingLine, type Tell, type Waiting } from './waiting-line.ts'

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

/** Prices remembered; a shop with more products looks some of them up again. */
const PRICES_MAX = 10_000
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
  readonly #prices = new Map<string, Price>()

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

  /** Resolves when the order is committed or refused; rejects when the database could not be asked. */
  accept(wish: Wish): Promise<Answer> {
    return this.#line.join(wish)
  }

  // Resolves to what tells the buyers. An order that could not be placed is told of at once.
  async #flush(batch: readonly Waiting[]): Promise<Tell> {
    this.#flushSize.observe(batch.length)
    const full = this.#options.outboxFull()
    const soldOut = new Set(batch.filter((one) => one.soldOut).map(({ wish }) => wish.orderId))
    const turnAway: TurnAway = ({ orderId }) => {
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

const tellNobody: Tell = () => undefined

// What may have been accepted already must not be turned away by a second look.
const nobody: TurnAway = () => undefined
