import type { Settings } from '@timesale/contracts/settings'
import { rememberInstallation } from '@timesale/postgres/installation'
import type { Running } from '@timesale/process/run'
import { RedisHints } from '@timesale/redis/redis'
import { startService } from '@timesale/service/service'
import { SettingsFollower } from '@timesale/settings/follow-settings'
import { calmLog } from '@timesale/telemetry/logger'
import { traceId } from '@timesale/telemetry/trace'
import { AcceptBatch } from './accept/accept-batch.ts'
import type { OrderConfig, OutboxCap } from './config.ts'
import { ORDER_USES, applyToOrders } from './events/consumer.ts'
import { countOrders } from './db/totals.ts'
import { cancelOrderRoute } from './http/cancel-order.ts'
import { placeOrderRoute } from './http/place-order.ts'
import { readOrderableProductRoute } from './http/read-orderable-product.ts'
import { readOrderRoutes } from './http/read-orders.ts'
import { createDoor } from './redis/door.ts'

export function startOrder(config: OrderConfig): Promise<Running & { port: number }> {
  return startService({
    name: 'order',
    description: 'Accepts orders and decides what becomes of them.',
    config,
    migrations: new URL('./db/migrations/', import.meta.url),
    build: (parts) => {
      const { db, logger, registry, wakeRelay } = parts
      const redis = new RedisHints({ url: config.redisUrl, logger })
      const door = createDoor(redis, rememberInstallation(db.sql))
      const settings = new SettingsFollower({ service: 'order', brokers: config.kafka.brokers, logger }).start()
      const accepted = calmLog(logger, 'order accepted')
      const batch = new AcceptBatch({
        db,
        door,
        outboxFull: () => isFull(parts.outbox.latest, config.outboxCap, settings.current),
        paused: () => !settings.current.ordersOpen,
        logger,
        registry,
        onAccepted: (wishes) => {
          wakeRelay()
          door.remember(wishes)
          for (const wish of wishes) accepted(() => ({ orderId: wish.orderId, traceId: traceId(wish.traceparent) }))
        },
      })
      return {
        routes: (app) => {
          placeOrderRoute(app, batch)
          cancelOrderRoute(app, parts)
          readOrderRoutes(app, parts)
          readOrderableProductRoute(app, parts)
        },
        countTotals: async () => ({ orders: await countOrders(db.sql) }),
        consumer: { group: 'order', uses: ORDER_USES, apply: applyToOrders },
        degradations: () =>
          redis.reachable ? [] : ['redis: does not answer; repeated and sold-out orders ask PostgreSQL'],
        close: async () => {
          await Promise.all([redis.close(), settings.stop()])
        },
      }
    },
  })
}

// What an operator has set goes before what the service was started with.
function isFull(outbox: { pending: number; oldestMs: number }, cap: OutboxCap, { outboxCapEvents }: Settings): boolean {
  return outbox.pending > (outboxCapEvents ?? cap.events) || outbox.oldestMs > cap.oldestMs
}
