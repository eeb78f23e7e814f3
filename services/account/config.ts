import { readEnv, type EnvReader } from '@timesale/process/env'
import { readRedisUrl, readServiceConfig } from '@timesale/service/config'

export type AccountConfig = ReturnType<typeof readConfig>

export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnv(env, 'ACCOUNT_', (get) => {
    return {
      ...readServiceConfig(get, 8088),
      redisUrl: readRedisUrl(get),
      /** Signing keys are encrypted under it. */
      keySecret: readKeySecret(get),
    }
  })
}

function readKeySecret(get: EnvReader): Buffer {
  const text = get.text('KEY_SECRET')
  const secret = Buffer.from(text, 'base64url')
  // One that is missing was complained of already.
  if (text !== '' && secret.length !== 32) get.wrong('KEY_SECRET', 'is not 32 bytes in base64url')
  return secret
}
