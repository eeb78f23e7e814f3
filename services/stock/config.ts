import { readEnv } from '@timesale/process/env'
import { readRedisUrl, readServiceConfig } from '@timesale/service/config'

export type StockConfig = ReturnType<typeof readConfig>

export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnv(env, 'STOCK_', (get) => ({ ...readServiceConfig(get, 8082), redisUrl: readRedisUrl(get) }))
}
