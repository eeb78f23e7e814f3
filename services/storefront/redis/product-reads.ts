import type { RedisStore } from '@timesale/redis/redis-store'
import { productPage } from '../product-page.ts'
import { readProducts } from './read-view.ts'

interface Waiting {
  readonly promise: Promise<string | undefined>
  readonly resolve: (page: string | undefined) => void
  readonly reject: (error: unknown) => void
}

const PAGES_MAX = 200

/**
 * Reads product pages for everybody who asks while the look before is with Redis, in one look: in a time sale nearly all
 * want the same page. Who asks is never given what was read before he asked.
 */
export class ProductReads {
  readonly #store: RedisStore
  #waiting = new Map<string, Waiting>()
  #looking = false

  constructor(store: RedisStore) {
    this.#store = store
  }

  /** The page as JSON; undefined where there is no such product. */
  page(productId: string): Promise<string | undefined> {
    const known = this.#waiting.get(productId)
    if (known !== undefined) return known.promise
    const waiting = Promise.withResolvers<string | undefined>()
    this.#waiting.set(productId, waiting)
    if (!this.#looking) void this.#look()
    return waiting.promise
  }

  async #look(): Promise<void> {
    this.#looking = true
    // Whoever asks in the same turn of the loop comes along.
    await Promise.resolve()
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, PAGES_MAX)
      for (const [productId] of batch) this.#waiting.delete(productId)
      try {
        const { asOf, content } = await readProducts(
          this.#store,
          batch.map(([productId]) => productId),
        )
        const now = Date.now()
        for (const [index, [, { resolve }]] of batch.entries()) {
          const stored = content[index]
          resolve(stored === undefined ? undefined : withAsOf(productPage(stored, now), asOf))
        }
      } catch (error) {
        for (const [, { reject }] of batch) reject(error)
      }
    }
    this.#looking = false
  }
}

/** The time of the newest event put into an object that is JSON. */
function withAsOf(json: string, asOf: string): string {
  return asOf === '' ? json : `${json.slice(0, -1)},"asOf":"${asOf}"}`
}
