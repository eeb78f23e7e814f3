import { readEnv } from '@timesale/process/env'
import { readServiceConfig } from '@timesale/service/config'

export type AccountConfig = ReturnType<typeof readConfig>

export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnv(env, 'ACCOUNT_', (get) => readServiceConfig(get, 8088))
}
