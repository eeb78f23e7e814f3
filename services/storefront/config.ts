import { readEnv } from '@timesale/process/env'
import { readAuthConfig, readHttpConfig, readLogLevel, readRedisUrl } from '@timesale/service/config'

export type StorefrontConfig = ReturnType<typeof readConfig>

export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnv(env, 'STOREFRONT_', (get) => ({
    http: readHttpConfig(get, 8089),
    auth: readAuthConfig(get),
    redisUrl: readRedisUrl(get),
    kafka: { brokers: get.addresses('KAFKA_BROKERS') },
    logLevel: readLogLevel(get),
    drainMs: get.int('DRAIN_MS', 3_000),
  }))
}
