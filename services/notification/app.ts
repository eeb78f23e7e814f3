import type { Running } from '@timesale/process/run'
import { startService } from '@timesale/service/service'
import type { NotificationConfig } from './config.ts'
import { NOTIFICATION_USES, applyToNotices } from './events/consumer.ts'
import { readNoticesRoute } from './http/read-notices.ts'

export function startNotification(config: NotificationConfig): Promise<Running & { port: number }> {
  return startService({
    name: 'notification',
    description: 'Tells buyers what became of their orders.',
    config,
    migrations: new URL('./db/migrations/', import.meta.url),
    build: (parts) => ({
      routes: (app) => readNoticesRoute(app, parts),
      consumer: { group: 'notification', uses: NOTIFICATION_USES, apply: applyToNotices },
    }),
  })
}
