import { OrderCancelled, OrderConfirmed, OrderPlaced, OrderRejected } from '@timesale/contracts/order-events'
import { ProductChanged } from '@timesale/contracts/product-events'
import type { Apply } from '@timesale/kafka/apply-batch'
import { isEvent, type ReceivedEvent } from '@timesale/kafka/decode'
import { appendMovements, lockReservations, saveReservations } from '../db/reservations.ts'
import { lockLevels, saveLevels } from '../db/stock-levels.ts'
import { allocate, type Demand } from '../stock.ts'

export const STOCK_USES = [OrderPlaced, OrderConfirmed, OrderRejected, OrderCancelled, ProductChanged] as const

/** `onAsked` hears of every product that something was asked of; the transaction is not committed by then. */
export function applyToStock(onAsked: (productIds: readonly string[]) => void): Apply {
  return async (tx, events) => {
    const demands = events.flatMap(toDemand)
    const reservations = await lockReservations(
      tx,
      distinct(demands.flatMap((one) => ('orderId' in one ? [one.orderId] : []))),
    )
    const products = distinct([
      ...demands.flatMap((one) => ('productId' in one ? [one.productId] : [])),
      ...[...reservations.values()].map(({ productId }) => productId),
    ])
    const levels = await lockLevels(tx, products)
    const allocation = allocate(levels, reservations, demands)
    await saveLevels(tx, [...allocation.levels.values()])
    await saveReservations(tx, [...allocation.reservations.values()])
    await appendMovements(tx, allocation.movements)
    onAsked(products)
    return allocation.facts
  }
}

function toDemand(event: ReceivedEvent): Demand[] {
  const { traceparent } = event
  if (isEvent(event, OrderPlaced)) {
    const { orderId, productId, quantity } = event.data
    return [{ kind: 'reserve', orderId, productId, quantity, traceparent }]
  }
  if (isEvent(event, OrderConfirmed)) return [{ kind: 'commit', orderId: event.data.orderId, traceparent }]
  if (isEvent(event, OrderRejected) || isEvent(event, OrderCancelled)) {
    const { orderId, productId, quantity } = event.data
    return [{ kind: 'release', orderId, productId, quantity, traceparent }]
  }
  if (isEvent(event, ProductChanged)) {
    const { productId, unitsOnSale } = event.data
    return [{ kind: 'restock', productId, unitsOnSale, traceparent }]
  }
  return []
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)]
}
