import { Problem } from '@timesale/contracts/problem'
import { ServiceTotals } from '@timesale/contracts/totals-api'
import type { HttpServer } from '@timesale/http/server'
import { requireRole } from '@timesale/identity/principal'
import type { OutboxGauge } from '@timesale/kafka/outbox-gauge'
import { SeldomCount } from './seldom-count.ts'

/** What a service keeps count of; may take as long as reading its tables does. */
export type CountTotals = () => Promise<Omit<NonNullable<ServiceTotals['counted']>, 'ageMs'>>

/** GET /totals: what waits in the outbox, and what this service keeps count of. For operators. */
export function totalsRoute(app: HttpServer, outbox: OutboxGauge, countTotals?: CountTotals): void {
  const counts = countTotals === undefined ? undefined : new SeldomCount(countTotals)
  app.get(
    '/totals',
    {
      schema: {
        summary: 'What waits to be published, and totals',
        tags: ['totals'],
        response: { 200: ServiceTotals, default: Problem },
      },
    },
    async (request): Promise<ServiceTotals> => {
      requireRole(request.principal, 'operator')
      const counted = await counts?.read()
      return {
        outbox: outboxOf(outbox),
        ...(counted === undefined ? {} : { counted: { ...counted.value, ageMs: Math.round(counted.ageMs) } }),
      }
    },
  )
}

function outboxOf({ latest, latestAgeMs }: OutboxGauge): ServiceTotals['outbox'] {
  if (latestAgeMs === undefined) return null
  return { ageMs: Math.round(latestAgeMs), events: latest.pending, rows: latest.rows, oldestMs: latest.oldestMs }
}
