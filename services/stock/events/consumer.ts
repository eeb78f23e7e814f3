import { OrderCancelled, OrderConfirmed, OrderPlaced, OrderRejected } from '@timesale/contracts/order-events'
import { ProductChanged } from '@timesale/contracts/product-events'
import type { Apply } from '@timesale/kafka/apply-batch'
import { isEvent, type ReceivedEvent } from '@timesale/kafka/decode'
import { appendMovements, lockReservations, saveReservations } from '../db/reservations.ts'
import { findTakings, saveTakings } from '../db/sale-takings.ts'
import { lockLevels, saveLevels } from '../db/stock-levels.ts'
import { ALL_BUYERS, allocate, takingKey, type Demand, type Reservation, type StockLevel } from '../stock.ts'

export const STOCK_USES = [OrderPlaced, OrderConfirmed, OrderRejected, OrderCancelled, ProductChanged] as const

/** `onAsked` hears how every product stands that something was asked of; the transaction is not committed by then. */
export function applyToStock(onAsked: (levels: readonly StockLevel[]) => void): Apply {
  return async (tx, events) => {
    const demands = events.flatMap(toDemand)
    const orderIds = distinct(demands.flatMap((one) => ('orderId' in one ? [one.orderId] : [])))
    const products = distinct(events.map(productOf))
    const [reservations, levels] = await Promise.all([lockReservations(tx, orderIds), lockLevels(tx, products)])
    // After the locks: what is read now is what nobody else changes.
    const takings = await findTakings(tx, takingsOf(demands, reservations))
    const allocation = allocate(levels, reservations, takings, demands)
    await Promise.all([
      saveLevels(tx, [...allocation.levels.values()]),
      saveReservations(tx, [...allocation.reservations.values()], reservations),
      saveTakings(tx, [...allocation.takings.values()]),
      appendMovements(tx, allocation.movements),
    ])
    onAsked(products.flatMap((id) => allocation.levels.get(id) ?? levels.get(id) ?? []))
    return allocation.facts
  }
}

function toDemand(event: ReceivedEvent): Demand[] {
  const { traceparent } = event
  if (isEvent(event, OrderPlaced)) {
    const { orderId, buyerId, productId, quantity, sale } = event.data
    const terms = sale === undefined ? undefined : { ...sale, buyerId }
    return [{ kind: 'reserve', orderId, productId, quantity, sale: terms, traceparent }]
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

// Those of the time sales that are ordered in, and those that an order may give units back to.
function takingsOf(
  demands: readonly Demand[],
  reservations: ReadonlyMap<string, Reservation>,
): { productId: string; saleId: string; buyerId: string }[] {
  const asked = new Map<string, { productId: string; saleId: string; buyerId: string }>()
  for (const demand of demands) {
    const about = demand.kind === 'release' ? reservations.get(demand.orderId) : demand
    if (about === undefined || !('sale' in about) || about.sale === undefined) continue
    const { productId, sale } = about
    for (const buyerId of [sale.buyerId, ALL_BUYERS]) {
      const { saleId } = sale
      asked.set(takingKey(productId, { saleId, buyerId }), { productId, saleId, buyerId })
    }
  }
  return [...asked.values()]
}

// Every event that stock uses says it.
function productOf({ data }: ReceivedEvent): string {
  return (data as { readonly productId: string }).productId
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)]
}
