import { RedisLock } from './redis-lock.ts'

export const LEASE_MS = 1_000

/** The lock that both sellers of the last unit have around it. */
export async function openHotLock(url: string): Promise<RedisLock> {
  return await RedisLock.open({ url, key: 'lock:hot', leaseMs: LEASE_MS, waiting: 'asked-again' })
}
