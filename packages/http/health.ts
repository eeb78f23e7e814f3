import type { Database } from '@timesale/postgres/database'
import { within } from '@timesale/process/deadline'

/** What stands behind /readyz. `unready` takes traffic away; `degraded` goes on, with reasons. */
export interface Health {
  readonly status: 'ready' | 'degraded' | 'unready'
  readonly reasons: readonly string[]
  readonly consumer?: 'joined' | 'joining' | 'stopped'
}

export interface HealthSources {
  readonly db: Database
  /** Whether every migration that this code needs was applied. */
  readonly schema: () => Promise<boolean>
  readonly consumer?: (() => 'joined' | 'joining' | 'stopped') | undefined
  /** Why things are slower or staler than they should be. */
  readonly degradations?: () => string[]
  readonly draining: () => boolean
}

const DATABASE_ANSWER_MS = 500

/**
 * Own database answers, its schema is right, not draining, pool not exhausted: else unready. Kafka or Redis missing
 * only degrades: otherwise one broker's fault would take every service out of the load balancer at once.
 */
export async function readHealth(sources: HealthSources): Promise<Health> {
  const blockers: string[] = []
  if (sources.draining()) blockers.push('draining')
  const { total, idle, waiting } = sources.db.load()
  if (waiting > 50 && idle === 0 && total > 0) blockers.push('database: the pool is exhausted')
  const schemaRight = await within(DATABASE_ANSWER_MS, sources.schema(), () => new Error('late')).catch(() => undefined)
  if (schemaRight === undefined) blockers.push('database: no answer')
  else if (!schemaRight) blockers.push('database: the schema is older than this code; run the provisioning step')

  const consumer = sources.consumer?.()
  const degradations = [...(sources.degradations?.() ?? [])]
  if (consumer === 'joining') degradations.push('kafka: the consumer has not joined its group')

  const status = blockers.length > 0 ? 'unready' : degradations.length > 0 ? 'degraded' : 'ready'
  return { status, reasons: [...blockers, ...degradations], ...(consumer === undefined ? {} : { consumer }) }
}
