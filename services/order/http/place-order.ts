import { randomUUIDv7 } from 'node:crypto'
import { PlaceOrder, PlaceOrderAnswer } from '@timesale/contracts/order-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { CommitOutcomeUnknown } from '@timesale/postgres/errors'
import type { AcceptBatch } from '../accept/accept-batch.ts'
import { toWish, type Answer, type Wish } from '../accept/place-orders.ts'

// POST /orders. 202 means committed in the order database, and the order id is the key of the request: sent again
// with the same body it gets the same bytes, with another body a refusal.
export function placeOrderRoute(app: HttpServer, batch: Pick<AcceptBatch, 'accept'>): void {
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
      const orderId = request.body.orderId ?? randomUUIDv7()
      const answer = await accept(batch, toWish(orderId, request.body, request.traceparent))
      if (answer !== 'accepted') throw answer
      return reply.code(202).send({ orderId, status: 'PLACED' })
    },
  )
}

async function accept(batch: Pick<AcceptBatch, 'accept'>, wish: Wish): Promise<Answer> {
  try {
    return await batch.accept(wish)
  } catch (error) {
    // With the id, which may be one we have made: the buyer can ask what became of it, or send it again.
    if (error instanceof CommitOutcomeUnknown) return new Refusal('outcome-unknown', { orderId: wish.orderId })
    throw error
  }
}
