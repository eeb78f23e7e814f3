import type { Database } from '@timesale/postgres/database'
import { gauge, type Registry } from '@timesale/telemetry/metrics'
import { outboxBacklog, type OutboxBacklog } from './outbox.ts'

const LOOK_EVERY_MS = 1_000
/** Nobody needs to know how much more than this it is. */
export const OUTBOX_COUNT_LIMIT = 1_000_000

/** How much waits in the outbox, looked up each second: for metrics, and for whoever must not promise more. */
export class OutboxGauge {
  readonly #db: Database
  readonly #pendingGauge
  readonly #oldestGauge
  #timer: NodeJS.Timeout | undefined
  #latest: OutboxBacklog = { pending: 0, rows: 0, oldestMs: 0 }
  #lookedAt: number | undefined

  constructor(options: { db: Database; registry: Registry }) {
    this.#db = options.db
    this.#pendingGauge = gauge(options.registry, 'outbox_pending', 'Events committed and not yet on their topic', [])
    this.#oldestGauge = gauge(options.registry, 'outbox_oldest_seconds', 'Age of the oldest of them', [])
  }

  /** As it was a second ago at most, while the database answers. */
  get latest(): OutboxBacklog {
    return this.#latest
  }

  /** How long ago that was; undefined where the database has not answered yet. */
  get latestAgeMs(): number | undefined {
    return this.#lookedAt === undefined ? undefined : performance.now() - this.#lookedAt
  }

  start(): void {
    this.#timer = setInterval(() => void this.look().catch(() => undefined), LOOK_EVERY_MS)
  }

  async look(): Promise<void> {
    const askedAt = performance.now()
    this.#latest = await outboxBacklog(this.#db.sql, OUTBOX_COUNT_LIMIT)
    this.#lookedAt = askedAt
    this.#pendingGauge.set(this.#latest.pending)
    this.#oldestGauge.set(this.#latest.oldestMs / 1000)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
