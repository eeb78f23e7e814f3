import { readEnv } from '@timesale/process/env'
import { readServiceConfig } from '@timesale/service/config'

export type AnalyticsConfig = ReturnType<typeof readConfig>

export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnv(env, 'ANALYTICS_', (get) => readServiceConfig(get, 8084))
}
