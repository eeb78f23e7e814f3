import type { RedisHints } from '@timesale/redis/redis'

/** Pages in Redis, each for so long. Every call throws RedisUnavailable where Redis does not answer within 50 ms, as it is used in the shop. */
export class CachedPages {
  readonly #redis: RedisHints
  readonly #prefix: string
  readonly #ttlMs: number

  constructor(redis: RedisHints, { prefix, ttlMs }: { prefix: string; ttlMs: number }) {
    this.#redis = redis
    this.#prefix = prefix
    this.#ttlMs = ttlMs
  }

  /** Null where it is not there, or no longer. */
  async find(productId: string): Promise<string | null> {
    return await this.#redis.call((client) => client.get(this.#prefix + productId))
  }

  async keep(productId: string, page: string): Promise<void> {
    const expiration = { type: 'PX', value: this.#ttlMs } as const
    await this.#redis.call((client) => client.set(this.#prefix + productId, page, { expiration }))
  }

  async drop(productIds: readonly string[]): Promise<void> {
    await this.#redis.call((client) => client.del(productIds.map((id) => this.#prefix + id)))
  }
}
