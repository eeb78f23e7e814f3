import { ListOrdersQuery, OrderPage, OrderParams, OrderView } from '@timesale/contracts/order-api'
import { ID_PATTERN } from '@timesale/contracts/fields'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { ownerOf, requireRole } from '@timesale/identity/principal'
import type { ServiceParts } from '@timesale/service/service'
import { findOrder, listOrders, type Place } from '../db/orders.ts'

const DEFAULT_LIMIT = 20

// GET /orders newest first, a page at a time, for operators; GET /orders/:orderId, one's own, with what happened to it.
export function readOrderRoutes(app: HttpServer, { db }: ServiceParts): void {
  app.get(
    '/orders',
    {
      schema: {
        summary: 'Orders, newest first',
        tags: ['orders'],
        querystring: ListOrdersQuery,
        response: { 200: OrderPage, default: Problem },
      },
    },
    async (request) => {
      requireRole(request.principal, 'operator')
      const limit = Number(request.query.limit ?? DEFAULT_LIMIT)
      const found = await listOrders(db.sql, { after: readCursor(request.query.cursor), limit: limit + 1 })
      const orders = found.slice(0, limit)
      const last = orders.at(-1)
      return found.length > limit && last !== undefined ? { orders, next: writeCursor(last) } : { orders }
    },
  )
  app.get(
    '/orders/:orderId',
    {
      schema: {
        summary: 'One order and its history',
        tags: ['orders'],
        params: OrderParams,
        response: { 200: OrderView, default: Problem },
      },
    },
    async (request) => {
      const { orderId } = request.params
      const order = await findOrder(db.sql, orderId, ownerOf(request.principal))
      if (order === undefined) throw new Refusal('order-not-found', { orderId })
      return order
    },
  )
}

function writeCursor(last: { placedAt: string; orderId: string }): string {
  return Buffer.from(JSON.stringify([last.placedAt, last.orderId])).toString('base64url')
}

// A cursor is a buyer's input like any other: only what writeCursor could have written reaches the database.
function readCursor(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined
  try {
    const [placedAt, orderId] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as [unknown, unknown]
    if (typeof placedAt === 'string' && typeof orderId === 'string' && INSTANT.test(placedAt) && ID.test(orderId)) {
      const place = { placedAt: new Date(placedAt), orderId }
      if (!Number.isNaN(place.placedAt.getTime())) return place
    }
  } catch {
    // Answered below, like any other cursor that was not ours.
  }
  const errors = [{ field: 'cursor', message: 'is not one that this list has given' }]
  throw new Refusal('invalid-request', { errors }, 'cursor is not one that this list has given')
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const ID = new RegExp(ID_PATTERN)
