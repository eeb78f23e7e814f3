import type { Running } from '@timesale/process/run'
import { startService } from '@timesale/service/service'
import type { AnalyticsConfig } from './config.ts'
import { ANALYTICS_USES, applyToSales } from './events/consumer.ts'
import { readSalesRoutes } from './http/read-sales.ts'

export function startAnalytics(config: AnalyticsConfig): Promise<Running & { port: number }> {
  return startService({
    name: 'analytics',
    description: 'Sums over everything that happened.',
    config,
    migrations: new URL('./db/migrations/', import.meta.url),
    build: (parts) => ({
      routes: (app) => readSalesRoutes(app, parts),
      consumer: { group: 'analytics', uses: ANALYTICS_USES, apply: applyToSales },
    }),
  })
}
