import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal } from '@timesale/contracts/refusals'
import type { Database } from '@timesale/postgres/database'
import { CommitOutcomeUnknown, DatabaseUnavailable, isInfrastructure } from '@timesale/postgres/errors'
import type { Logger } from '@timesale/telemetry/logger'
import { histogram, type Registry } from '@timesale/telemetry/metrics'
import type { Door } from '../redis/door.ts'
import { placeOrders, type Answer, type TurnAway, type Wish } from './place-orders.ts'

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
  /** Several, when the same order was sent again while the first one is under way. */
  readonly replies: { resolve: (answer: Answer) => void; reject: (error: unknown) => void }[]
}

const FLUSH_MAX = 128
const WAITING_MAX = 10_000
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
  /** By id and body, in the order of arrival. */
  readonly #waiting = new Map<string, Waiting>()
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
    if (this.#waiting.size >= WAITING_MAX) return Promise.reject(new Refusal('overloaded', { accepted: false }))
    return new Promise((resolve, reject) => {
      const key = `${wish.orderId} ${wish.bodyHash}`
      const same = this.#waiting.get(key)
      if (same === undefined) this.#waiting.set(key, { wish, replies: [{ resolve, reject }] })
      else same.replies.push({ resolve, reject })
      if (!this.#flushing) void this.#flushAll()
    })
  }

  async #flushAll(): Promise<void> {
    this.#flushing = true
    // One turn of the event loop, so that requests that came in together go together.
    await new Promise(setImmediate)
    while (this.#waiting.size > 0) await this.#flush(this.#takeDistinct())
    this.#flushing = false
  }

  // Another body under an id that is in this flush waits for the next one: it must be judged by what became of the first.
  #takeDistinct(): Waiting[] {
    const ids = new Set<string>()
    const taken: Waiting[] = []
    for (const [key, one] of this.#waiting) {
      if (taken.length >= FLUSH_MAX) break
      if (ids.has(one.wish.orderId)) continue
      ids.add(one.wish.orderId)
      taken.push(one)
      this.#waiting.delete(key)
    }
    return taken
  }

  async #flush(batch: readonly Waiting[]): Promise<void> {
    this.#flushSize.observe(batch.length)
    const { repeated, soldOut } = await this.#options.door.look(batch.map(({ wish }) => wish))
    for (const one of batch) if (repeated.has(one.wish.orderId)) answer(one, 'accepted')
    const unknown = batch.filter(({ wish }) => !repeated.has(wish.orderId))
    const full = this.#options.outboxFull()
    const turnAway: TurnAway = ({ productId }) => {
      if (full) return 'outbox-full'
      return soldOut.has(productId) ? 'sold-out' : undefined
    }
    if (unknown.length > 0) await this.#place(unknown, turnAway)
  }

  async #place(batch: readonly Waiting[], turnAway: TurnAway): Promise<void> {
    try {
      const answers = await this.#tryPlacing(
        batch.map(({ wish }) => wish),
        turnAway,
      )
      for (const [index, one] of batch.entries()) answer(one, answers[index] as Answer)
      const accepted = batch.filter((_one, index) => answers[index] === 'accepted').map(({ wish }) => wish)
      if (accepted.length > 0) this.#options.onAccepted(accepted)
    } catch (error) {
      // One order's own fault must not fail the others: halve until it stands alone.
      if (batch.length > 1 && !isInfrastructure(error)) {
        const middle = Math.ceil(batch.length / 2)
        // An attempt before may have been committed: nobody is turned away who may have been accepted.
        await this.#place(batch.slice(0, middle), nobody)
        await this.#place(batch.slice(middle), nobody)
        return
      }
      fail(batch, error)
      // Those who wait would wait as long for the same answer.
      if (isInfrastructure(error)) this.#failWaiting(new Set(batch.map(({ wish }) => wish.orderId)), error)
    }
  }

  #failWaiting(failedIds: ReadonlySet<string>, error: unknown): void {
    const waiting = [...this.#waiting.values()]
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
        return await this.#options.db.tx((tx) =>
          placeOrders(tx, wishes, mayHaveCommitted === undefined ? turnAway : nobody),
        )
      } catch (error) {
        if (!isInfrastructure(error)) throw error
        if (error instanceof CommitOutcomeUnknown) mayHaveCommitted = error
        this.#options.logger.warn({ err: error, attempt, orders: wishes.length }, 'accept: the database did not answer')
        if (Date.now() >= until) throw mayHaveCommitted ?? error
        await sleep(20 + Math.random() * Math.min(50 * 2 ** attempt, 500))
      }
    }
  }
}

// What may have been accepted already must not be turned away by a second look.
const nobody: TurnAway = () => undefined

function answer(one: Waiting, what: Answer): void {
  for (const { resolve } of one.replies) resolve(what)
}

function fail(batch: readonly Waiting[], error: unknown): void {
  for (const { replies } of batch) for (const { reject } of replies) reject(error)
}
