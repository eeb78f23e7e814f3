import { fact } from '@timesale/contracts/event'
import { OrderPlaced } from '@timesale/contracts/order-events'
import { StockReserved } from '@timesale/contracts/stock-events'
import { appendToOutbox } from '@timesale/kafka/outbox'
import type { Database } from '@timesale/postgres/database'
import { within } from '@timesale/process/deadline'
import { Pool } from 'undici'
import { confirmOrders, insertOrder, PRODUCT } from './books.ts'
import { openEventLink } from './event-link.ts'

/** How the order service learns what stock says. */
export type Way = 'http' | 'events'

/** The order is accepted in either way once it is committed here; it is decided once its outcome is. */
export interface OrderService extends AsyncDisposable {
  /** Resolves when the order is confirmed and that is committed. */
  place(way: Way, orderId: string): Promise<void>
  /** Resolves when the order is accepted and what follows is under way. */
  accept(way: Way, orderId: string): Promise<void>
}

export interface OrderServiceOptions {
  readonly db: Database
  readonly dbUrl: string
  readonly brokers: string
  readonly stockPort: number
}

const DECIDED_WITHIN_MS = 30_000

export async function openOrderService({ db, dbUrl, brokers, stockPort }: OrderServiceOptions): Promise<OrderService> {
  const stock = new Pool(`http://127.0.0.1:${stockPort}`)
  const waiting = new Map<string, () => void>()
  const link = await openEventLink({
    ...{ group: 'order', topic: 'stock-topic', hears: StockReserved, db, dbUrl, brokers: brokers.split(',') },
    apply: async (tx, events) => {
      await confirmOrders(
        tx,
        events.map(({ aggregateId }) => aggregateId),
      )
      return []
    },
    onApplied: (orderId) => waiting.get(orderId)?.(),
  })

  async function askStock(orderId: string): Promise<void> {
    const { statusCode, body } = await stock.request({ method: 'POST', path: `/reservations/${orderId}` })
    const answer = (await body.json()) as { isReserved: boolean }
    if (statusCode !== 200 || !answer.isReserved) throw new Error(`Stock has not reserved ${orderId}: ${statusCode}`)
    await confirmOrders(db.write, [orderId])
  }

  async function insertAndTell(orderId: string): Promise<void> {
    await db.tx(async (tx) => {
      await Promise.all([insertOrder(tx, orderId), appendToOutbox(tx, [placed(orderId)], { at: new Date() })])
    })
    link.wake()
  }

  function lateFor(orderId: string): Error {
    return new Error(`Nothing was heard of ${orderId} within ${DECIDED_WITHIN_MS} ms`, { cause: link.lastFailure })
  }

  return {
    async place(way, orderId) {
      if (way === 'http') {
        await insertOrder(db.write, orderId)
        await askStock(orderId)
        return
      }
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.set(orderId, resolve)
      try {
        await insertAndTell(orderId)
        await within(DECIDED_WITHIN_MS, promise, () => lateFor(orderId))
      } finally {
        waiting.delete(orderId)
      }
    },
    async accept(way, orderId) {
      if (way === 'events') return await insertAndTell(orderId)
      await insertOrder(db.write, orderId)
      // Without an answer nobody knows, and the order stays as it is.
      await askStock(orderId).catch(() => undefined)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([link[Symbol.asyncDispose](), stock.close()])
    },
  }
}

function placed(orderId: string) {
  const about = { orderId, buyerId: 'open', productId: PRODUCT, quantity: 1, unitPriceMinor: 9_900, currency: 'KRW' }
  return fact(OrderPlaced, { aggregateId: orderId, version: 1, data: about })
}
