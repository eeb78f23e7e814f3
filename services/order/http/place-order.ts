import { randomUUIDv7 } from 'node:crypto'
import { PlaceOrder, PlaceOrderAnswer } from '@timesale/contracts/order-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import type { ServiceParts } from '@timesale/service/service'
import type { AcceptBatch } from '../accept/accept-batch.ts'
import { toWish } from '../accept/place-orders.ts'
import type { OutboxCap } from '../config.ts'

// POST /orders. 202 means committed in the order database, and the order id is the key of the request: sent again
// with the same body it gets the same bytes, with another body a refusal.
export function placeOrderRoute(app: HttpServer, { outbox }: ServiceParts, batch: AcceptBatch, cap: OutboxCap): void {
  app.post(
    '/orders',
    {
      schema: {
        summary: 'Place an order',
        tags: ['orders'],
        body: PlaceOrder,
        response: { 202: PlaceOrderAnswer, default: Problem },
      },
    },
    async (request, reply) => {
      const { pending, oldestMs } = outbox.latest
      // A promise that cannot be moved on must not be made.
      if (pending > cap.events || oldestMs > cap.oldestMs) throw new Refusal('outbox-full', { accepted: false })
      const orderId = request.body.orderId ?? randomUUIDv7()
      const answer = await batch.accept(toWish(orderId, request.body, request.traceparent))
      if (answer !== 'accepted') throw answer
      return reply.code(202).send({ orderId, status: 'PLACED' })
    },
  )
}
