import { CancelOrderAnswer, OrderParams } from '@timesale/contracts/order-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { appendToOutbox } from '@timesale/kafka/outbox'
import type { ServiceParts } from '@timesale/service/service'
import { appendHistory, lockOrders, saveOrders } from '../db/orders.ts'
import { cancelOrder } from '../order.ts'

// POST /orders/:orderId/cancellation, while stock has not decided.
export function cancelOrderRoute(app: HttpServer, { db, wakeRelay }: ServiceParts): void {
  app.post(
    '/orders/:orderId/cancellation',
    {
      schema: {
        summary: 'Cancel an order that is still PLACED',
        tags: ['orders'],
        params: OrderParams,
        response: { 200: CancelOrderAnswer, default: Problem },
      },
    },
    async (request) => {
      const { orderId } = request.params
      const at = new Date()
      await db.tx(async (tx) => {
        const order = (await lockOrders(tx, [orderId])).get(orderId)
        if (order === undefined) throw new Refusal('order-not-found', { orderId })
        const decision = cancelOrder(order)
        const { version, status } = decision.order
        await saveOrders(tx, [decision.order])
        await appendHistory(tx, [{ orderId, version, status, cause: 'POST /orders/:orderId/cancellation' }], at)
        await appendToOutbox(tx, decision.facts, { at, traceparent: request.traceparent })
      })
      wakeRelay()
      return { orderId, status: 'CANCELLED' as const }
    },
  )
}
