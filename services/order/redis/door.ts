import { hintKeys } from '@timesale/redis/hint-keys'
import type { RedisHints } from '@timesale/redis/redis'
import type { Wish } from '../accept/place-orders.ts'

/** What Redis remembers of a flush. All of it may be wrong or missing; none of it decides. */
interface Look {
  /** Ids that were accepted with the same body a short while ago. */
  readonly repeated: ReadonlySet<string>
  /** Products of which stock has just said that nothing is left. */
  readonly soldOut: ReadonlySet<string>
}

export interface Door {
  look(wishes: readonly Wish[]): Promise<Look>
  remember(wishes: readonly Wish[]): void
}

const MARK_SECONDS = 600

// Marks of orders, then stock's words. A word counts only while it is about to expire: one without an expiry, or with
// a long one, was not written by stock.
const LOOK = `
local found = redis.call('MGET', unpack(KEYS))
for i = tonumber(ARGV[1]) + 1, #KEYS do
  local left = redis.call('PTTL', KEYS[i])
  if left < 0 or left > tonumber(ARGV[2]) then found[i] = false end
end
return found`

// One command a flush: MSET knows no expiry, and a SET an order costs twice as much on both sides.
const MARK = `
for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i + 1], 'EX', ARGV[1]) end
return 1`

const NOTHING: Look = { repeated: new Set(), soldOut: new Set() }

/** A look at Redis for each flush; where Redis does not answer, nobody is turned away and PostgreSQL is asked. */
export function createDoor(redis: RedisHints, installation: () => Promise<string | undefined>): Door {
  return {
    async look(wishes) {
      try {
        const id = redis.reachable ? await installation() : undefined
        if (id === undefined) return NOTHING
        const keys = hintKeys(id)
        const products = [...new Set(wishes.map(({ productId }) => productId))]
        const found = await redis.call((client) =>
          client.eval(LOOK, {
            keys: [
              ...wishes.map(({ orderId }) => keys.order(orderId)),
              ...products.map((product) => keys.stock(product)),
            ],
            arguments: [String(wishes.length), String(keys.stockWordMs)],
          }),
        )
        return read(wishes, products, found)
      } catch {
        return NOTHING
      }
    },
    remember(wishes) {
      void mark(redis, installation, wishes).catch(() => undefined)
    },
  }
}

function read(wishes: readonly Wish[], products: readonly string[], found: unknown): Look {
  const values = Array.isArray(found) ? (found as unknown[]) : []
  const repeated = wishes.filter((wish, index) => values[index] === wish.body).map(({ orderId }) => orderId)
  const soldOut = products.filter((_product, index) => /^\d+ 0$/.test(String(values[wishes.length + index])))
  return { repeated: new Set(repeated), soldOut: new Set(soldOut) }
}

// A mark is the body itself, not a hash of it: it is shorter.
async function mark(
  redis: RedisHints,
  installation: () => Promise<string | undefined>,
  wishes: readonly Wish[],
): Promise<void> {
  const id = await installation()
  if (id === undefined) return
  const keys = hintKeys(id)
  await redis.call((client) =>
    client.eval(MARK, {
      keys: wishes.map(({ orderId }) => keys.order(orderId)),
      arguments: [String(MARK_SECONDS), ...wishes.map(({ body }) => body)],
    }),
  )
}
