import { Problem } from '@timesale/contracts/problem'
import type { OrderStatus } from '@timesale/contracts/order-api'
import { Refusal } from '@timesale/contracts/refusals'
import { OwnOrdersQuery, OwnOrdersView } from '@timesale/contracts/storefront-api'
import type { HttpServer } from '@timesale/http/server'
import { callerOf, isOperator, type Principal } from '@timesale/identity/principal'
import type { RedisStore } from '@timesale/redis/redis-store'
import { awaitToken } from '../redis/await-token.ts'
import { readOrders, type StoredOrder } from '../redis/read-view.ts'

const LIMIT_DEFAULT = 20

export function readOwnOrdersRoute(app: HttpServer, { store }: { store: RedisStore }): void {
  app.get(
    '/me/orders',
    {
      schema: {
        summary: "The caller's own orders, newest first; for operators also those of others",
        querystring: OwnOrdersQuery,
        response: { 200: OwnOrdersView, '4xx': Problem, 503: Problem },
      },
    },
    async (request) => {
      const { cursor = '', limit = LIMIT_DEFAULT, buyerId } = request.query
      const whose = buyerOf(request.principal, buyerId)
      await awaitToken(store, request)
      const { asOf, content } = await readOrders(store, whose, cursor, Number(limit))
      return {
        orders: content.orders.map(shown),
        ...(content.next === undefined ? {} : { next: content.next }),
        ...(asOf === '' ? {} : { asOf }),
      }
    },
  )
}

// Whoever is logged in has orders of their own, and operators may look at anybody's. For all others to name somebody else
// is a mistake, and not an empty page: the same one, whether that buyer exists or not.
function buyerOf(principal: Principal, asked: string | undefined): string {
  const caller = callerOf(principal)
  if (asked === undefined || asked === caller) return caller
  if (isOperator(principal)) return asked
  const message = 'is not the caller'
  throw new Refusal('invalid-request', { errors: [{ field: 'buyerId', message }] }, `buyerId ${message}`)
}

function shown({ status, placedAt, changedAt, ...order }: StoredOrder): OwnOrdersView['orders'][number] {
  return {
    ...order,
    status: status as OrderStatus,
    placedAt: placedAt.toISOString(),
    changedAt: changedAt.toISOString(),
  }
}
