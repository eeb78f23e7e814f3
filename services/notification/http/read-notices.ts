import Type from 'typebox'
import { Notice, NoticesQuery } from '@timesale/contracts/notification-api'
import { Problem } from '@timesale/contracts/problem'
import type { HttpServer } from '@timesale/http/server'
import { ownerOf } from '@timesale/identity/principal'
import type { ServiceParts } from '@timesale/service/service'
import { findNotices } from '../db/notices.ts'

// GET /notices?orderId= An order of somebody else is like one that nobody was told of.
export function readNoticesRoute(app: HttpServer, { db }: ServiceParts): void {
  app.get(
    '/notices',
    {
      schema: {
        summary: 'What the buyer was told about an order',
        tags: ['notices'],
        querystring: NoticesQuery,
        response: { 200: Type.Array(Notice), default: Problem },
      },
    },
    async (request) => await findNotices(db.sql, request.query.orderId, ownerOf(request.principal)),
  )
}
