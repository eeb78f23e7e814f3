import { Problem } from '@timesale/contracts/problem'
import { ServiceTrace, TRACED_SOURCES, TraceParams } from '@timesale/contracts/trace-api'
import type { HttpServer } from '@timesale/http/server'
import { requireRole } from '@timesale/identity/principal'
import { findApplied, findWaiting } from '@timesale/kafka/applied'
import type { Database } from '@timesale/postgres/database'

/** What a service moved for an order, oldest first. */
export type FindMovements = (orderId: string) => Promise<ServiceTrace['movements']>

/** GET /trace/:orderId: what a consumer has applied of an order, what it has set aside, and what it moved. For operators. */
export function traceRoute(app: HttpServer, db: Database, findMovements?: FindMovements): void {
  app.get(
    '/trace/:orderId',
    {
      schema: {
        summary: 'What is known here of an order',
        tags: ['trace'],
        params: TraceParams,
        response: { 200: ServiceTrace, default: Problem },
      },
    },
    async (request) => {
      requireRole(request.principal, 'operator')
      const { orderId } = request.params
      const [applied, waiting, movements = []] = await Promise.all([
        findApplied(db.sql, orderId, TRACED_SOURCES),
        findWaiting(db.sql, orderId, TRACED_SOURCES),
        findMovements?.(orderId),
      ])
      return { applied, waiting, movements }
    },
  )
}
