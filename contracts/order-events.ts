import Type, { type Static } from 'typebox'
import { defineEvent } from './event.ts'
import { BuyerId, Currency, OrderId, PriceMinor, ProductId, Quantity, Sale, SaleId } from './fields.ts'
import { RejectionReason } from './stock-events.ts'

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

/** Of which time sale an order is, and how many units may be had of it: in all, and by one buyer. */
export const SaleTerms = Type.Object({
  saleId: SaleId,
  units: Sale.properties.units,
  limitPerBuyer: Sale.properties.limitPerBuyer,
})
export type SaleTerms = Static<typeof SaleTerms>

/** Accepted: committed in the order database. Stock decides next. */
export const OrderPlaced = defineEvent({
  type: 'order.placed.v1',
  topic: 'order-topic',
  source: '/order/orders',
  idField: 'orderId',
  schema: Type.Object({
    ...about,
    /** Placed in a time sale, on these terms; stock sees to it that they are kept. */
    sale: Type.Optional(SaleTerms),
  }),
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
  schema: Type.Object({ ...about, reason: RejectionReason }),
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
