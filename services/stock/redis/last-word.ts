import { hintKeys } from '@timesale/redis/hint-keys'
import type { RedisHints } from '@timesale/redis/redis'
import type { Database } from '@timesale/postgres/database'
import { findLevels } from '../db/stock-levels.ts'
import type { StockLevel } from '../stock.ts'

const REFRESH_MS = 1_000
/** After a batch: long enough for its commit, and for a rush to be told of at most twenty times a second. */
const SOON_MS = 50
/** A product counts as asked for this long after its last order came here. */
const ASKED_FOR_MS = 60_000

// Never covers a newer word with an older one, unless what stands there was not written by us (no expiry, or a long one).
const SAY = `
for i, key in ipairs(KEYS) do
  local own = ARGV[i + 1]
  local word = redis.call('GET', key)
  local left = redis.call('PTTL', key)
  local version = word and tonumber(string.match(word, '^(%d+) '))
  local newer = version and version > tonumber(string.match(own, '^(%d+) '))
  if not (newer and left >= 0 and left <= tonumber(ARGV[1])) then redis.call('SET', key, own, 'PX', ARGV[1]) end
end
return 1`

/**
 * Tells Redis what is left of products that are sold out and asked for: a moment after a batch, and again each second,
 * since a word expires after 3 s. Of others nobody needs a word: thousands of products would be a load of their own. What is told is read from the database, so it is committed, whatever became of the batch. While
 * buyers are turned away at the door no order comes here; after a minute the word lapses, one order gets through, and
 * the word is said anew.
 */
export class LastWord {
  readonly #redis: RedisHints
  readonly #db: Database
  readonly #installation: () => Promise<string | undefined>
  readonly #askedAt = new Map<string, number>()
  readonly #timer: NodeJS.Timeout
  #soon: NodeJS.Timeout | undefined
  #refreshing = false

  constructor(options: { redis: RedisHints; db: Database; installation: () => Promise<string | undefined> }) {
    this.#redis = options.redis
    this.#db = options.db
    this.#installation = options.installation
    this.#timer = setInterval(() => void this.#refresh().catch(() => undefined), REFRESH_MS)
  }

  /** Something was asked of products that stand like this now, if the batch is committed. */
  asked(levels: Iterable<StockLevel>): void {
    const now = Date.now()
    for (const { productId, available } of levels) {
      // One that was sold out and is no longer: the word that says so must go.
      if (available === 0 || this.#askedAt.has(productId)) this.#askedAt.set(productId, now)
    }
    if (this.#askedAt.size === 0) return
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      void this.#refresh().catch(() => undefined)
    }, SOON_MS)
  }

  close(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#soon)
  }

  async #refresh(): Promise<void> {
    const since = Date.now() - ASKED_FOR_MS
    for (const [productId, at] of this.#askedAt) if (at < since) this.#askedAt.delete(productId)
    if (this.#askedAt.size === 0 || this.#refreshing) return
    this.#refreshing = true
    try {
      await this.#say(await findLevels(this.#db.sql, [...this.#askedAt.keys()]))
    } finally {
      this.#refreshing = false
    }
  }

  async #say(levels: readonly StockLevel[]): Promise<void> {
    const id = await this.#installation()
    if (id === undefined || levels.length === 0) return
    const keys = hintKeys(id)
    await this.#redis.call((client) =>
      client.eval(SAY, {
        keys: levels.map(({ productId }) => keys.stock(productId)),
        arguments: [String(keys.stockWordMs), ...levels.map(({ version, available }) => `${version} ${available}`)],
      }),
    )
  }
}
