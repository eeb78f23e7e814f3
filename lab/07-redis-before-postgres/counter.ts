import type { Outcome } from './orders.ts'
import { connectTo } from './redis-connection.ts'

// An order that took a unit is marked in the same step: asked again, it takes no second one.
const TAKE = `
  local outcome = redis.call('GET', KEYS[2])
  if outcome then return outcome end
  local left = redis.call('GET', KEYS[1])
  if not left then return 'unknown' end
  if tonumber(left) <= 0 then return 'sold-out' end
  redis.call('DECR', KEYS[1])
  redis.call('SET', KEYS[2], 'sold', 'EX', 600)
  return 'sold'`

/** What is left, counted in Redis and nowhere else. */
export interface Counter extends AsyncDisposable {
  take(orderId: string): Promise<Outcome>
  /** Undefined while Redis knows of no count. */
  left(): Promise<number | undefined>
}

const UNITS = 'units'

/** `reload`: what to begin with where Redis knows of no count, as whoever fills a cache asks for it. */
export async function openCounter(url: string, reload: () => Promise<number>): Promise<Counter> {
  const client = await connectTo(url)
  const script = await client.scriptLoad(TAKE)
  return {
    async take(orderId) {
      for (;;) {
        const told = await client.evalSha(script, { keys: [UNITS, `order:${orderId}`] })
        if (told === 'sold' || told === 'sold-out') return told
        // Many find it missing at once; the first one's number stands.
        await client.set(UNITS, await reload(), { condition: 'NX' })
      }
    },
    async left() {
      const units = await client.get(UNITS)
      return units === null ? undefined : Number(units)
    },
    [Symbol.asyncDispose]() {
      if (client.isOpen) client.destroy()
      return Promise.resolve()
    },
  }
}
