import Type from 'typebox'
import { Notice, NoticesQuery } from '@timesale/contracts/notification-api'
import { Problem } from '@timesale/contracts/problem'
import type { HttpServer } from '@timesale/http/server'
import type { ServiceParts } from '@timesale/service/service'
import { findNotices } from '../db/notices.ts'

// GET /notices?orderId=
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
    (request) => findNotices(db.sql, request.query.orderId),
  )
}
