import { readEnv } from '@timesale/process/env'
import { readServiceConfig } from '@timesale/service/config'

export type NotificationConfig = ReturnType<typeof readConfig>

export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnv(env, 'NOTIFICATION_', (get) => readServiceConfig(get, 8083))
}
