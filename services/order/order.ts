import { fact, type Fact } from '@timesale/contracts/event'
import type { OrderStatus } from '@timesale/contracts/order-api'
import {
  OrderCancelled,
  OrderConfirmed,
  OrderPlaced,
  OrderRejected,
  type OrderAbout,
  type SaleTerms,
} from '@timesale/contracts/order-events'
import { Refusal } from '@timesale/contracts/refusals'

export interface Order {
  readonly orderId: string
  readonly buyerId: string
  readonly productId: string
  readonly quantity: number
  readonly unitPriceMinor: number
  readonly currency: string
  readonly status: OrderStatus
  /** Counts the facts told of it. */
  readonly version: number
  /** The time sale it was placed in. */
  readonly saleId?: string
}

/** The order after a decision, and what the rest of the shop should hear of it. No fact: nothing changed. */
export interface Decision {
  readonly order: Order
  readonly facts: readonly Fact[]
}

/** Accepts an order at the price of this moment, which is that of the sale it is placed in. */
export function placeOrder(wish: Omit<Order, 'status' | 'version' | 'saleId'>, sale?: SaleTerms): Decision {
  const order: Order = { ...wish, status: 'PLACED', version: 1 }
  const aggregateId = order.orderId
  if (sale === undefined) return { order, facts: [fact(OrderPlaced, { aggregateId, version: 1, data: about(order) })] }
  const data = { ...about(order), sale }
  return { order: { ...order, saleId: sale.saleId }, facts: [fact(OrderPlaced, { aggregateId, version: 1, data })] }
}

/** Stock has set the goods aside. */
export function confirmOrder(order: Order): Decision {
  switch (order.status) {
    case 'PLACED': {
      const version = order.version + 1
      const confirmed: Order = { ...order, status: 'CONFIRMED', version }
      return {
        order: confirmed,
        facts: [fact(OrderConfirmed, { aggregateId: order.orderId, version, data: about(order) })],
      }
    }
    case 'CANCELLED': // The buyer was quicker. Stock releases on order.cancelled, which it reads after this hold.
    case 'CONFIRMED':
    case 'REJECTED':
      return { order, facts: [] }
  }
}

/** Stock has nothing left for it. */
export function rejectOrder(order: Order, reason: string): Decision {
  switch (order.status) {
    case 'PLACED': {
      const version = order.version + 1
      const rejected: Order = { ...order, status: 'REJECTED', version }
      const data = { ...about(order), reason }
      return { order: rejected, facts: [fact(OrderRejected, { aggregateId: order.orderId, version, data })] }
    }
    case 'CANCELLED':
    case 'CONFIRMED':
    case 'REJECTED':
      return { order, facts: [] }
  }
}

/** The buyer gives it up, which is possible until stock has decided. */
export function cancelOrder(order: Order): Decision {
  if (order.status !== 'PLACED')
    throw new Refusal('order-not-cancellable', { orderId: order.orderId, orderStatus: order.status })
  const version = order.version + 1
  const cancelled: Order = { ...order, status: 'CANCELLED', version }
  const data = { ...about(order), reason: 'buyer' as const }
  return { order: cancelled, facts: [fact(OrderCancelled, { aggregateId: order.orderId, version, data })] }
}

function about({
  orderId,
  buyerId,
  productId,
  quantity,
  unitPriceMinor,
  currency,
}: Omit<Order, 'status' | 'version'>): OrderAbout {
  return { orderId, buyerId, productId, quantity, unitPriceMinor, currency }
}
