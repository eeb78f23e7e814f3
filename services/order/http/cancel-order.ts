import { CancelOrderAnswer, OrderParams } from '@timesale/contracts/order-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import { VIEW_TOKEN_HEADER } from '@timesale/contracts/view-token'
import type { HttpServer } from '@timesale/http/server'
import { ownerOf } from '@timesale/identity/principal'
import { appendToOutbox } from '@timesale/kafka/outbox'
import type { ServiceParts } from '@timesale/service/service'
import { appendHistory, lockOwned, saveOrders } from '../db/orders.ts'
import { cancelOrder } from '../order.ts'
import { orderViewToken } from '../view-token.ts'

// POST /orders/:orderId/cancellation of one's own order, while stock has not decided.
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
    async (request, reply) => {
      const { orderId } = request.params
      const owner = ownerOf(request.principal)
      const at = new Date()
      const version = await db.tx(async (tx) => {
        const order = await lockOwned(tx, orderId, owner)
        if (order === undefined) throw new Refusal('order-not-found', { orderId })
        const decision = cancelOrder(order)
        const { version, status } = decision.order
        await saveOrders(tx, [decision.order])
        await appendHistory(tx, [{ orderId, version, status, cause: 'POST /orders/:orderId/cancellation' }])
        await appendToOutbox(tx, decision.facts, { at, traceparent: request.traceparent })
        return version
      })
      wakeRelay()
      return reply
        .header(VIEW_TOKEN_HEADER, orderViewToken(orderId, version))
        .send({ orderId, status: 'CANCELLED' as const })
    },
  )
}
