import Type, { type Static } from 'typebox'
import { defineEvent } from './event.ts'
import { BuyerId, Currency, OrderId, PriceMinor, ProductId, Quantity } from './fields.ts'

const about = {
  orderId: OrderId,
  buyerId: BuyerId,
  productId: ProductId,
  quantity: Quantity,
  unitPriceMinor: PriceMinor,
  currency: Currency,
}

/** What every fact about an order repeats, so that a reader needs no earlier one. */
export const OrderAbout = Type.Object(about)
export type OrderAbout = Static<typeof OrderAbout>

/** Accepted: committed in the order database. Stock decides next. */
export const OrderPlaced = defineEvent({
  type: 'order.placed.v1',
  topic: 'order-topic',
  source: '/order/orders',
  idField: 'orderId',
  schema: OrderAbout,
})

/** The goods are set aside and the order stands. Stock turns reserved into sold. */
export const OrderConfirmed = defineEvent({
  type: 'order.confirmed.v1',
  topic: 'order-topic',
  source: '/order/orders',
  idField: 'orderId',
  schema: OrderAbout,
})

/** Stock had nothing left for it. */
export const OrderRejected = defineEvent({
  type: 'order.rejected.v1',
  topic: 'order-topic',
  source: '/order/orders',
  idField: 'orderId',
  schema: Type.Object({ ...about, reason: Type.Union([Type.Literal('sold-out'), Type.Literal('unknown-product')]) }),
})

/** Given up after it was accepted. Stock releases what it holds, also when the hold comes later. */
export const OrderCancelled = defineEvent({
  type: 'order.cancelled.v1',
  topic: 'order-topic',
  source: '/order/orders',
  idField: 'orderId',
  schema: Type.Object({ ...about, reason: Type.Union([Type.Literal('buyer')]) }),
})

export const ORDER_EVENTS = [OrderPlaced, OrderConfirmed, OrderRejected, OrderCancelled] as const
