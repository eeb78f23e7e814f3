import { randomUUIDv7 } from 'node:crypto'
import { IDEMPOTENCY_KEY_HEADER, PlaceOrder, PlaceOrderAnswer, PlaceOrderHeaders } from '@timesale/contracts/order-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import { VIEW_TOKEN_HEADER } from '@timesale/contracts/view-token'
import type { HttpServer } from '@timesale/http/server'
import { requireRole, type Principal } from '@timesale/identity/principal'
import { CommitOutcomeUnknown } from '@timesale/postgres/errors'
import type { AcceptBatch } from '../accept/accept-batch.ts'
import { toWish, type Answer, type Wish } from '../accept/place-orders.ts'
import { keyedOrderId } from '../keyed-order-id.ts'
import { orderViewToken } from '../view-token.ts'

// POST /orders. 202 means committed in the order database, and the order id is the key of the request: sent again
// with the same body it gets the same bytes, with another body a refusal. With an Idempotency-Key it is the buyer's own
// name for the request that does so, and the order id may be left out. The answer does not say whether it was given
// before: most repetitions are told apart nowhere, which is what makes them cheap.
export function placeOrderRoute(app: HttpServer, batch: Pick<AcceptBatch, 'accept' | 'refusalOfAll'>): void {
  app.post(
    '/orders',
    {
      schema: {
        summary: 'Place an order',
        tags: ['orders'],
        headers: PlaceOrderHeaders,
        body: PlaceOrder,
        response: { 202: PlaceOrderAnswer, default: Problem },
      },
      // In a rush most are told to come again: sooner, and for less, before their order is read.
      onRequest: (_request, _reply, goOn) => goOn(batch.refusalOfAll),
    },
    async (request, reply) => {
      const { principal, traceparent } = request
      requireRole(principal, 'buyer')
      const key = request.headers[IDEMPOTENCY_KEY_HEADER]
      const body = boughtBy(principal, request.body)
      const orderId = body.orderId ?? makeOrderId(principal, body.buyerId ?? 'open', key)
      const answer = await accept(batch, toWish(orderId, body, traceparent, key))
      if (answer !== 'accepted') throw answer
      return reply.code(202).header(VIEW_TOKEN_HEADER, orderViewToken(orderId, 1)).send({ orderId, status: 'PLACED' })
    },
  )
}

// Who is logged in buys, and nobody buys for somebody else.
function boughtBy(principal: Principal, body: PlaceOrder): PlaceOrder {
  switch (principal.kind) {
    case 'open':
      return body
    case 'anonymous':
      throw new Refusal('unauthenticated')
    case 'account': {
      const { accountId } = principal
      if (body.buyerId === undefined || body.buyerId === accountId) return { ...body, buyerId: accountId }
      throw new Refusal('invalid-request', {
        accepted: false,
        errors: [{ field: 'buyerId', message: 'is not the account that is logged in' }],
      })
    }
  }
}

function makeOrderId(principal: Principal, buyerId: string, key: string | undefined): string {
  if (key !== undefined) return keyedOrderId(buyerId, key)
  if (principal.kind === 'open') return randomUUIDv7()
  const message = 'is missing: a request needs an order id or a key, or it could not be repeated'
  const errors = ['orderId', IDEMPOTENCY_KEY_HEADER].map((field) => ({ field, message }))
  throw new Refusal('idempotency-key-required', { accepted: false, errors })
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
