import type { RedisHints } from '@timesale/redis/redis'
import { REVOKED_SESSIONS_KEY } from '@timesale/redis/session-keys'

const COPY_EVERY_MS = 1_000
/** Of those, the ones whose tokens live longest. All others are asked about one by one while Redis answers. */
const COPIED_MAX = 10_000

/**
 * Sessions that were ended, as this gateway last heard of them: for when Redis does not answer, or has forgotten. An end
 * is never taken back, so what is known is kept until the last token of the session has expired by itself.
 */
export class Revocations {
  readonly #redis: RedisHints
  /** Session id -> when its last token expires. */
  readonly #until = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(redis: RedisHints) {
    this.#redis = redis
  }

  start(): void {
    void this.#copy().then(() => {
      if (!this.#isClosed) this.#timer = setTimeout(() => this.start(), COPY_EVERY_MS)
    })
  }

  stop(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  has(sessionId: string): boolean {
    return (this.#until.get(sessionId) ?? 0) > Date.now()
  }

  async #copy(): Promise<void> {
    const now = Date.now()
    for (const [sessionId, until] of this.#until) if (until <= now) this.#until.delete(sessionId)
    try {
      const found = await this.#redis.call((client) =>
        client.zRangeWithScores(REVOKED_SESSIONS_KEY, 0, COPIED_MAX - 1, { REV: true }),
      )
      for (const { value, score } of found) if (score > now) this.#until.set(value, score)
    } catch {
      // What was heard before still stands.
    }
  }
}
