import type { RedisHints } from '@timesale/redis/redis'
import { REVOKED_SESSIONS_KEY, REVOKED_SESSIONS_WRITTEN_KEY } from '@timesale/redis/session-keys'

const COPY_EVERY_MS = 1_000
/** Of those, the ones whose tokens live longest. All others are asked about one by one while Redis answers. */
const COPIED_MAX = 10_000

interface Ended {
  /** When its last token expires. */
  readonly until: number
  /** When the account service had last written the set in which it was found; null where it had not of late. */
  readonly writtenAt: string | null
  /** When the set had been written in which it was first not found; undefined while it is. */
  readonly missedAt?: string
}

/**
 * Sessions that were ended, as this gateway last heard of them: for when Redis does not answer, or has forgotten. What is
 * known is kept until the last token of the session has expired by itself; or until the account service has written the
 * whole set anew twice and it was in neither: then it was never ended, whoever put it there. Once is not enough, since
 * what was written whole may have been changed by somebody before we looked.
 */
export class Revocations {
  readonly #redis: RedisHints
  readonly #ended = new Map<string, Ended>()
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
    return (this.#ended.get(sessionId)?.until ?? 0) > Date.now()
  }

  async #copy(): Promise<void> {
    const now = Date.now()
    for (const [sessionId, { until }] of this.#ended) if (until <= now) this.#ended.delete(sessionId)
    try {
      // Asked in this order, so that the set is at least as new as when it is said to be from.
      const [writtenAt, found] = await this.#redis.call((client) =>
        Promise.all([
          client.get(REVOKED_SESSIONS_WRITTEN_KEY),
          client.zRangeWithScores(REVOKED_SESSIONS_KEY, 0, COPIED_MAX - 1, { REV: true }),
        ]),
      )
      for (const { value, score } of found) if (score > now) this.#ended.set(value, { until: score, writtenAt })
      // Of a set that is longer than the copy, nobody knows what is not in it.
      if (writtenAt !== null && found.length < COPIED_MAX) {
        this.#forget(new Set(found.map(({ value }) => value)), writtenAt)
      }
    } catch {
      // What was heard before still stands.
    }
  }

  #forget(found: ReadonlySet<string>, writtenAt: string): void {
    for (const [sessionId, ended] of this.#ended) {
      if (found.has(sessionId) || ended.writtenAt === writtenAt) continue
      if (ended.missedAt === undefined) this.#ended.set(sessionId, { ...ended, missedAt: writtenAt })
      else if (ended.missedAt !== writtenAt) this.#ended.delete(sessionId)
    }
  }
}
