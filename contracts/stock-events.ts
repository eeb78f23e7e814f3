import Type from 'typebox'
import { defineEvent } from './event.ts'
import { OrderId, ProductId, Quantity, Units } from './fields.ts'

/**
 * `sold-out`, `unknown-product`, `sale-sold-out`, `buyer-limit`. Open, so that a reader which knows none of a later
 * version's reasons still reads the event.
 */
export const RejectionReason = Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' })

const aboutReservation = { orderId: OrderId, productId: ProductId, quantity: Quantity }

/** Units are set aside for an order. Version 1 of a reservation. */
export const StockReserved = defineEvent({
  type: 'stock.reserved.v1',
  topic: 'stock-topic',
  source: '/stock/reservations',
  idField: 'orderId',
  schema: Type.Object(aboutReservation),
})

/** Too few units were left for an order. Version 1 of a reservation, and its last. */
export const StockRejected = defineEvent({
  type: 'stock.rejected.v1',
  topic: 'stock-topic',
  source: '/stock/reservations',
  idField: 'orderId',
  schema: Type.Object({
    ...aboutReservation,
    reason: RejectionReason,
  }),
})

/** Reserved units are sold: the order was confirmed. */
export const StockCommitted = defineEvent({
  type: 'stock.committed.v1',
  topic: 'stock-topic',
  source: '/stock/reservations',
  idField: 'orderId',
  schema: Type.Object(aboutReservation),
})

/** Reserved units are available again: the order was cancelled. */
export const StockReleased = defineEvent({
  type: 'stock.released.v1',
  topic: 'stock-topic',
  source: '/stock/reservations',
  idField: 'orderId',
  schema: Type.Object(aboutReservation),
})

/** Stock knows the product and how many units are on sale in all. Each time units were added. */
export const StockAnnounced = defineEvent({
  type: 'stock.announced.v1',
  topic: 'stock-topic',
  source: '/stock/products',
  idField: 'productId',
  schema: Type.Object({ productId: ProductId, unitsOnSale: Units }),
})

export const STOCK_EVENTS = [StockReserved, StockRejected, StockCommitted, StockReleased, StockAnnounced] as const
