import { OrderCancelled, OrderConfirmed, OrderPlaced, OrderRejected } from '@timesale/contracts/order-events'
import { ProductChanged } from '@timesale/contracts/product-events'
import type { Apply } from '@timesale/kafka/apply-batch'
import { isEvent, type ReceivedEvent } from '@timesale/kafka/decode'
import { appendMovements, lockReservations, saveReservations } from '../db/reservations.ts'
import { lockLevels, saveLevels } from '../db/stock-levels.ts'
import { allocate, type Demand, type StockLevel } from '../stock.ts'

export const STOCK_USES = [OrderPlaced, OrderConfirmed, OrderRejected, OrderCancelled, ProductChanged] as const

/** `onAsked` hears how every product stands that something was asked of; the transaction is not committed by then. */
export function applyToStock(onAsked: (levels: readonly StockLevel[]) => void): Apply {
  return async (tx, events) => {
    const demands = events.flatMap(toDemand)
    const orderIds = distinct(demands.flatMap((one) => ('orderId' in one ? [one.orderId] : [])))
    const products = distinct(events.map(productOf))
    const [reservations, levels] = await Promise.all([lockReservations(tx, orderIds), lockLevels(tx, products)])
    const allocation = allocate(levels, reservations, demands)
    await Promise.all([
      saveLevels(tx, [...allocation.levels.values()]),
      saveReservations(tx, [...allocation.reservations.values()], reservations),
      appendMovements(tx, allocation.movements),
    ])
    onAsked(products.flatMap((id) => allocation.levels.get(id) ?? levels.get(id) ?? []))
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

// Every event that stock uses says it.
function productOf({ data }: ReceivedEvent): string {
  return (data as { readonly productId: string }).productId
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)]
}
