import { OUTBOX_COUNT_LIMIT } from '@timesale/kafka/outbox-gauge'
import { readEnv } from '@timesale/process/env'
import { readRedisUrl, readServiceConfig } from '@timesale/service/config'

export type OrderConfig = ReturnType<typeof readConfig>
export type OutboxCap = OrderConfig['outboxCap']

export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnv(env, 'ORDER_', (get) => ({
    ...readServiceConfig(get, 8081),
    redisUrl: readRedisUrl(get),
    /** Beyond this, orders are answered 503: events that cannot be published must not pile up without end. */
    outboxCap: {
      events: get.int('OUTBOX_CAP_EVENTS', 50_000, OUTBOX_COUNT_LIMIT - 1),
      oldestMs: get.int('OUTBOX_CAP_OLDEST_MS', 300_000),
    },
  }))
}
