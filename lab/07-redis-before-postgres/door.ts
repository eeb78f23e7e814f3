import { randomUUID } from 'node:crypto'
import type { RedisHints } from '@timesale/redis/redis'
import type { Outcomes } from './orders.ts'

/** What Redis remembers. All of it may be wrong or missing; none of it decides. */
interface Look {
  readonly placed: Outcomes
  readonly soldOut: boolean
}

/** The shop's client, which gives up soon, or a connection that waits. */
export type Asked = Pick<RedisHints, 'call'>

export interface Door {
  look(orderIds: readonly string[]): Promise<Look>
  remember(outcomes: Outcomes): void
  /** The database says so. */
  saySoldOut(): void
}

// As in the shop: a wrong word turns buyers away for so long at most, and while it is right it is said anew in time.
const WORD_MS = 3_000
const SAID_AGAIN_MS = 1_000
const MARK_SECONDS = 600
// One command for a batch, since MSET knows no expiry.
const MARK = `
for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i + 1], 'EX', ARGV[1]) end
return 1`

const NOTHING: Look = { placed: new Map(), soldOut: false }

/**
 * The look of services/order/redis/door.ts for one sale: where `redis` gives up, it has said nothing. Nobody waits for
 * what is left there, so its keys are those of this sale: the next one does not meet what came late.
 */
export function openDoor(redis: Asked): Door {
  const sale = randomUUID()
  const word = `${sale}:sold-out`
  let saidAt = Number.NEGATIVE_INFINITY
  const keyOf = (orderId: string): string => `${sale}:order:${orderId}`
  return {
    async look(orderIds) {
      try {
        const found = await redis.call((client) => client.mGet([...orderIds.map(keyOf), word]))
        const placed = orderIds.flatMap((orderId, index) => {
          const outcome = found[index]
          return outcome === 'sold' || outcome === 'sold-out' ? [[orderId, outcome] as const] : []
        })
        return { placed: new Map(placed), soldOut: found[orderIds.length] === '0' }
      } catch {
        return NOTHING
      }
    },
    remember(outcomes) {
      const marks = { keys: [...outcomes.keys()].map(keyOf), arguments: [String(MARK_SECONDS), ...outcomes.values()] }
      void redis.call((client) => client.eval(MARK, marks)).catch(() => undefined)
    },
    saySoldOut() {
      if (performance.now() - saidAt < SAID_AGAIN_MS) return
      saidAt = performance.now()
      void redis
        .call((client) => client.set(word, '0', { expiration: { type: 'PX', value: WORD_MS } }))
        .catch(() => undefined)
    },
  }
}
