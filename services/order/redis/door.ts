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

// One command a flush: MSET knows no expiry, and a SET an order costs twice as much on both sides.
const MARK = `
for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i + 1], 'EX', ARGV[1]) end
return 1`

const NOTHING: Look = { repeated: new Set(), soldOut: new Set() }

/** A look at Redis for many orders; where Redis does not answer, nobody is turned away and PostgreSQL is asked. */
export function createDoor(redis: RedisHints, installation: () => Promise<string | undefined>): Door {
  return {
    async look(wishes) {
      try {
        const id = redis.reachable ? await installation() : undefined
        if (id === undefined) return NOTHING
        const keys = hintKeys(id)
        const products = [...new Set(wishes.map(({ productId }) => productId))]
        const found = await redis.call((client) =>
          client.mGet([
            ...wishes.map(({ orderId }) => keys.order(orderId)),
            ...products.map((product) => keys.stock(product)),
          ]),
        )
        const repeated = wishes.filter(({ body }, index) => found[index] === body).map(({ orderId }) => orderId)
        const said = products.filter((_product, index) => NOTHING_LEFT.test(found[wishes.length + index] ?? ''))
        return { repeated: new Set(repeated), soldOut: await stillTrue(redis, keys, said) }
      } catch {
        return NOTHING
      }
    },
    remember(wishes) {
      void mark(redis, installation, wishes).catch(() => undefined)
    },
  }
}

const NOTHING_LEFT = /^\d+ 0$/

// A word counts only while it is about to expire: one without an expiry, or with a long one, was not written by stock.
// Expiries are asked for only where there is a word, which is for what is sold out. A script that asked for each took
// Redis four times as long as MGET does (2.2 and 0.6 us an order).
async function stillTrue(
  redis: RedisHints,
  keys: ReturnType<typeof hintKeys>,
  products: readonly string[],
): Promise<ReadonlySet<string>> {
  if (products.length === 0) return NOTHING.soldOut
  const left = await redis.call((client) => Promise.all(products.map((product) => client.pTTL(keys.stock(product)))))
  return new Set(products.filter((_product, index) => isShort(left[index] ?? -2, keys.stockWordMs)))
}

function isShort(leftMs: number, mostMs: number): boolean {
  return leftMs >= 0 && leftMs <= mostMs
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
