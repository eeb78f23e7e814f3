import type { Fact } from '@timesale/contracts/event'
import { ProductChanged } from '@timesale/contracts/product-events'
import { StockAnnounced, StockRejected, StockReserved } from '@timesale/contracts/stock-events'
import type { Apply } from '@timesale/kafka/apply-batch'
import { isEvent, type ReceivedEvent } from '@timesale/kafka/decode'
import { appendHistory, lockOrders, saveOrders, type HistoryEntry } from '../db/orders.ts'
import { markStocked, saveProducts, type ProductCopy } from '../db/product-copies.ts'
import { confirmOrder, rejectOrder, type Decision, type Order } from '../order.ts'

export const ORDER_USES = [StockReserved, StockRejected, StockAnnounced, ProductChanged] as const

// One decision on top of the other within a batch, then everything is saved at once.
export const applyToOrders: Apply = async (tx, events) => {
  await keepProductCopies(tx, events)

  const answers = events.filter((event) => isEvent(event, StockReserved) || isEvent(event, StockRejected))
  const orders = await lockOrders(tx, [...new Set(answers.map(({ aggregateId }) => aggregateId))])
  const changed = new Map<string, Order>()
  const history: HistoryEntry[] = []
  const facts: Fact[] = []
  for (const event of answers) {
    const order = changed.get(event.aggregateId) ?? orders.get(event.aggregateId)
    // Stock answers for orders that were placed. One that is not here was never ours: its placing was forged.
    if (order === undefined) continue
    const decision = decide(order, event)
    if (decision.facts.length === 0) continue
    changed.set(order.orderId, decision.order)
    const { orderId, version, status } = decision.order
    const reason = isEvent(event, StockRejected) ? event.data.reason : undefined
    history.push({ orderId, version, status, cause: `${event.type} ${event.aggregateId}.${event.version}`, reason })
    facts.push(...decision.facts.map((fact) => ({ ...fact, traceparent: event.traceparent })))
  }
  await Promise.all([saveOrders(tx, [...changed.values()]), appendHistory(tx, history)])
  return facts
}

function decide(order: Order, event: ReceivedEvent): Decision {
  if (isEvent(event, StockReserved)) return confirmOrder(order)
  if (isEvent(event, StockRejected)) return rejectOrder(order, event.data.reason)
  return { order, facts: [] }
}

// The newest price and sale of each product, and which products stock knows of.
async function keepProductCopies(tx: Parameters<Apply>[0], events: readonly ReceivedEvent[]): Promise<void> {
  const copies = new Map<string, ProductCopy>()
  const stocked = new Set<string>()
  for (const event of events) {
    if (isEvent(event, ProductChanged)) {
      const { productId, priceMinor, currency, sale } = event.data
      copies.set(productId, { productId, unitPriceMinor: priceMinor, currency, sale })
    }
    if (isEvent(event, StockAnnounced)) stocked.add(event.data.productId)
  }
  await saveProducts(tx, [...copies.values()])
  await markStocked(tx, [...stocked])
}
