import { readEnv } from '@timesale/process/env'
import { readServiceConfig } from '@timesale/service/config'

export type AccountConfig = ReturnType<typeof readConfig>

export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnv(env, 'ACCOUNT_', (get) => {
    const keySecret = Buffer.from(get.text('KEY_SECRET'), 'base64url')
    if (keySecret.length !== 32) get.wrong('KEY_SECRET', 'is not 32 bytes in base64url')
    return {
      ...readServiceConfig(get, 8088),
      redisUrl: get.url('REDIS_URL'),
      /** Signing keys are encrypted under it. */
      keySecret,
    }
  })
}
