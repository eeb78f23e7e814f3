import { fact } from '@timesale/contracts/event'
import {
  OrderCancelled,
  OrderConfirmed,
  OrderPlaced,
  OrderRejected,
  type OrderAbout,
} from '@timesale/contracts/order-events'
import { ProductChanged } from '@timesale/contracts/product-events'
import { StockAnnounced, StockRejected, StockReserved } from '@timesale/contracts/stock-events'
import { recordOf, type TestRecord } from './records.ts'

// What the services tell each other, as records, for tests of one of them. Version 1 where nothing else is said.

export interface Telling {
  readonly version?: number
  readonly at?: Date
  readonly traceparent?: string
}

export function productChanged(
  productId: string,
  about: { priceMinor?: number; currency?: string; unitsOnSale?: number } = {},
  { version = 1, at, traceparent }: Telling = {},
): TestRecord {
  const { priceMinor = 12_900, currency = 'KRW', unitsOnSale = 1_000 } = about
  const data = {
    productId,
    name: { ko: `상품 ${productId}`, en: `Product ${productId}` },
    priceMinor,
    currency,
    unitsOnSale,
  }
  return recordOf(fact(ProductChanged, { aggregateId: productId, version, data, traceparent }), at)
}

export function stockAnnounced(productId: string, unitsOnSale = 1_000, { version = 1, at }: Telling = {}): TestRecord {
  return recordOf(fact(StockAnnounced, { aggregateId: productId, version, data: { productId, unitsOnSale } }), at)
}

export interface OrderedUnits {
  readonly orderId: string
  readonly productId: string
  readonly quantity: number
}

export function stockReserved(
  { orderId, productId, quantity }: OrderedUnits,
  { version = 1, at, traceparent }: Telling = {},
): TestRecord {
  const data = { orderId, productId, quantity }
  return recordOf(fact(StockReserved, { aggregateId: orderId, version, data, traceparent }), at)
}

export function stockRejected(
  { orderId, productId, quantity }: OrderedUnits,
  { version = 1, at }: Telling = {},
): TestRecord {
  const data = { orderId, productId, quantity, reason: 'sold-out' as const }
  return recordOf(fact(StockRejected, { aggregateId: orderId, version, data }), at)
}

/** What happens to an order, whose versions it tells: placed is the first, the others are the second by default. */
export function orderTold(
  what: 'placed' | 'confirmed' | 'rejected' | 'cancelled',
  order: OrderedUnits & Partial<OrderAbout>,
  { version = what === 'placed' ? 1 : 2, at, traceparent }: Telling = {},
): TestRecord {
  const data = { buyerId: 'open', unitPriceMinor: 12_900, currency: 'KRW', ...order }
  const about = { aggregateId: order.orderId, version, traceparent }
  switch (what) {
    case 'placed':
      return recordOf(fact(OrderPlaced, { ...about, data }), at)
    case 'confirmed':
      return recordOf(fact(OrderConfirmed, { ...about, data }), at)
    case 'rejected':
      return recordOf(fact(OrderRejected, { ...about, data: { ...data, reason: 'sold-out' } }), at)
    case 'cancelled':
      return recordOf(fact(OrderCancelled, { ...about, data: { ...data, reason: 'buyer' } }), at)
  }
}
