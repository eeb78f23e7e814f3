import { readEnv } from '@timesale/process/env'
import { readAuthConfig, readHttpConfig } from '@timesale/service/config'

export type StorefrontConfig = ReturnType<typeof readConfig>

export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnv(env, 'STOREFRONT_', (get) => ({
    http: readHttpConfig(get, 8089),
    auth: readAuthConfig(get),
    redisUrl: get.url('REDIS_URL'),
    kafka: { brokers: get.list('KAFKA_BROKERS') },
    logLevel: get.text('LOG_LEVEL', 'info'),
    drainMs: get.int('DRAIN_MS', 3_000),
  }))
}
