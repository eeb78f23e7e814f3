import { readEnv } from '@timesale/process/env'
import { readAuthConfig, readHttpConfig, readLogLevel, readRedisUrl } from '@timesale/service/config'

export type GatewayConfig = ReturnType<typeof readConfig>

export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnv(env, 'GATEWAY_', (get) => ({
    http: readHttpConfig(get, 8080),
    auth: readAuthConfig(get),
    redisUrl: readRedisUrl(get),
    kafka: { brokers: get.addresses('KAFKA_BROKERS') },
    logLevel: readLogLevel(get),
    drainMs: get.int('DRAIN_MS', 3_000),
  }))
}
