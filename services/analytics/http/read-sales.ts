import Type from 'typebox'
import { SalesMinute, SalesQuery, TopProduct, TopProductsQuery } from '@timesale/contracts/analytics-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { requireRole } from '@timesale/identity/principal'
import type { ServiceParts } from '@timesale/service/service'
import { findSales, findTopProducts } from '../db/sales.ts'

const HOUR_MS = 60 * 60 * 1000
const MINUTE_MS = 60 * 1000
const DEFAULT_LIMIT = 10

// GET /sales?from=&to= by minute; GET /top-products. What the shop as a whole earns is for operators.
export function readSalesRoutes(app: HttpServer, { db }: ServiceParts): void {
  app.get(
    '/sales',
    {
      schema: {
        summary: 'Confirmed orders by minute',
        tags: ['sales'],
        querystring: SalesQuery,
        response: { 200: Type.Array(SalesMinute), default: Problem },
      },
    },
    async (request) => {
      requireRole(request.principal, 'operator')
      // Minutes are named by their beginning: the one that `from` falls into belongs to the answer, the one of now too.
      const to = request.query.to === undefined ? new Date(Date.now() + MINUTE_MS) : new Date(request.query.to)
      const from = request.query.from === undefined ? new Date(to.getTime() - HOUR_MS) : new Date(request.query.from)
      for (const [field, at] of Object.entries({ to, from })) {
        // The pattern lets a leap second through, which no Date can be.
        if (Number.isNaN(at.getTime()))
          throw new Refusal('invalid-request', { errors: [{ field, message: 'is not a time' }] })
      }
      if (from > to)
        throw new Refusal('invalid-request', { errors: [{ field: 'from', message: 'must not be after to' }] })
      return await findSales(db.sql, new Date(Math.floor(from.getTime() / MINUTE_MS) * MINUTE_MS), to)
    },
  )
  app.get(
    '/top-products',
    {
      schema: {
        summary: 'What was sold most, by units',
        tags: ['sales'],
        querystring: TopProductsQuery,
        response: { 200: Type.Array(TopProduct), default: Problem },
      },
    },
    async (request) => {
      requireRole(request.principal, 'operator')
      return await findTopProducts(db.sql, Number(request.query.limit ?? DEFAULT_LIMIT))
    },
  )
}
