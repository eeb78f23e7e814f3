import type { Database } from '@timesale/postgres/database'
import { gauge, type Registry } from '@timesale/telemetry/metrics'
import { outboxBacklog } from './outbox.ts'

const LOOK_EVERY_MS = 1_000
/** Nobody needs to know how much more than this it is. */
export const OUTBOX_COUNT_LIMIT = 1_000_000

/** How much waits in the outbox, looked up each second: for metrics, and for whoever must not promise more. */
export class OutboxGauge {
  readonly #db: Database
  readonly #pendingGauge
  readonly #oldestGauge
  #timer: NodeJS.Timeout | undefined
  #latest = { pending: 0, oldestMs: 0 }

  constructor(options: { db: Database; registry: Registry }) {
    this.#db = options.db
    this.#pendingGauge = gauge(options.registry, 'outbox_pending', 'Events committed and not yet on their topic', [])
    this.#oldestGauge = gauge(options.registry, 'outbox_oldest_seconds', 'Age of the oldest of them', [])
  }

  /** As it was a second ago at most, while the database answers. */
  get latest(): { readonly pending: number; readonly oldestMs: number } {
    return this.#latest
  }

  start(): void {
    this.#timer = setInterval(() => void this.look().catch(() => undefined), LOOK_EVERY_MS)
  }

  async look(): Promise<void> {
    this.#latest = await outboxBacklog(this.#db.sql, OUTBOX_COUNT_LIMIT)
    this.#pendingGauge.set(this.#latest.pending)
    this.#oldestGauge.set(this.#latest.oldestMs / 1000)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
