import { until } from '@timesale/testkit/until'
import { createClient } from 'redis'

export type Redis = ReturnType<typeof createClient>

/** Comes back by itself after Redis was killed. */
export async function connectTo(url: string): Promise<Redis> {
  const redis: Redis = createClient({
    ...{ url, disableOfflineQueue: true, socket: { reconnectStrategy: 100 } },
    // No limit for a single command: it would be a timer for each.
    commandOptions: { timeout: 0 },
  })
  // It is killed on purpose.
  redis.on('error', () => undefined)
  await redis.connect()
  return redis
}

/** Empty, and there. */
export async function emptied(redis: Redis): Promise<void> {
  await until('Redis is there', async () => (await redis.flushAll()) === 'OK')
}
