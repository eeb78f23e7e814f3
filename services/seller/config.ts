import { readEnv } from '@timesale/process/env'
import { readServiceConfig } from '@timesale/service/config'

export type SellerConfig = ReturnType<typeof readConfig>

export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnv(env, 'SELLER_', (get) => readServiceConfig(get, 8085))
}
