import { randomUUID } from 'node:crypto'
import type { Sql } from '@timesale/postgres/sql'
import type { RedisHints } from '@timesale/redis/redis'
import { REVOKED_SESSIONS_KEY, REVOKED_SESSIONS_WRITTEN_KEY } from '@timesale/redis/session-keys'
import { findRevokedSessions, REVOKED_FOR_S } from '../db/revoked-sessions.ts'
import type { RevokedSession } from '../session.ts'

/** How long the set is believed to be whole after it was written. */
const WRITTEN_MS = 5_000
/** Written in pieces, since Redis is given 50 ms for each call. */
const PIECE = 1_000
/** A session is revoked for so long from its end, so what ended after the table was read is told by its score. */
const ENDED_BEFORE_MS = 2_000
const ENDED_AFTER_MS = 3_000

/**
 * Tells Redis, and by it the gateway, which sessions have ended. The table is the truth: the set is written whole once a
 * second, by every replica, so a Redis that was emptied or that lies is right again after a moment.
 */
export class Revocations {
  readonly #redis: RedisHints
  readonly #sql: Sql
  // Replicas put their copies together under names of their own.
  readonly #copy = `${REVOKED_SESSIONS_KEY}:${randomUUID()}`
  readonly #recent = `${this.#copy}:recent`

  constructor(options: { redis: RedisHints; sql: Sql }) {
    this.#redis = options.redis
    this.#sql = options.sql
  }

  /** At once, as far as Redis answers within 50 ms; a second later it is there in any case. */
  async tell(revoked: readonly RevokedSession[]): Promise<void> {
    if (revoked.length === 0) return
    await this.#redis.call((client) => client.zAdd(REVOKED_SESSIONS_KEY, revoked.map(toMember))).catch(() => undefined)
  }

  /** Throws what the database throws, or RedisUnavailable. */
  async writeAll(): Promise<void> {
    const { atMs, revoked } = await findRevokedSessions(this.#sql)
    await this.#redis.call((client) => client.del(this.#copy))
    for (let start = 0; start < revoked.length; start += PIECE) {
      const piece = revoked.slice(start, start + PIECE).map(toMember)
      await this.#redis.call((client) => client.multi().zAdd(this.#copy, piece).pExpire(this.#copy, WRITTEN_MS).exec())
    }
    // What ended while the table was read and written is in the set already, and must not go for a second.
    const endMs = atMs + REVOKED_FOR_S * 1000
    await this.#redis.call((client) =>
      client
        .multi()
        .zRangeStore(this.#recent, REVOKED_SESSIONS_KEY, endMs - ENDED_BEFORE_MS, endMs + ENDED_AFTER_MS, {
          BY: 'SCORE',
        })
        .zUnionStore(REVOKED_SESSIONS_KEY, [this.#copy, this.#recent], { AGGREGATE: 'MAX' })
        .del([this.#copy, this.#recent])
        .set(REVOKED_SESSIONS_WRITTEN_KEY, String(Math.floor(atMs)), { expiration: { type: 'PX', value: WRITTEN_MS } })
        .exec(),
    )
  }
}

function toMember({ sid, untilMs }: RevokedSession): { value: string; score: number } {
  return { value: sid, score: Math.ceil(untilMs) }
}
