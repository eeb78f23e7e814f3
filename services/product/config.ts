import { readEnv } from '@timesale/process/env'
import { readServiceConfig } from '@timesale/service/config'

export type ProductConfig = ReturnType<typeof readConfig>

export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnv(env, 'PRODUCT_', (get) => readServiceConfig(get, 8086))
}
