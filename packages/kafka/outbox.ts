import type { Fact } from '@timesale/contracts/event'
import type { Sql, Tx } from '@timesale/postgres/sql'
import { eventHeaders } from './headers.ts'

/** What one decision says of its facts. */
export interface Occasion {
  /** When it happened; becomes `ce_time`. */
  readonly at: Date
  /** The W3C trace context of the cause, for facts that bring none of their own. */
  readonly traceparent?: string | undefined
}

/**
 * Writes facts beside the state they tell of. The relay sends them in the order of this array; two facts of one
 * aggregate must stand in the order of their versions.
 */
export async function appendToOutbox(tx: Tx, facts: readonly Fact[], occasion: Occasion): Promise<void> {
  if (facts.length === 0) return
  await tx`
    insert into outbox (topic, key, headers, value)
    select * from unnest(
      ${facts.map((fact) => fact.definition.topic)}::text[],
      ${facts.map((fact) => fact.aggregateId)}::text[],
      ${facts.map((fact) => JSON.stringify(eventHeaders(fact, occasion.at, occasion.traceparent)))}::text[],
      ${facts.map((fact) => JSON.stringify(fact.data))}::text[])`
}

/** How much waits to be published: rows (counted no further than `limit`) and the age of the oldest in milliseconds. */
export async function outboxBacklog(sql: Sql, limit: number): Promise<{ pending: number; oldestMs: number }> {
  const [row] = await sql<{ pending: string; oldest_ms: string | null }>`
    select count(*) as pending,
      extract(epoch from clock_timestamp() - min(created_at)) * 1000 as oldest_ms
    from (select created_at from outbox order by id limit ${limit}) as waiting`
  return { pending: Number(row?.pending ?? 0), oldestMs: Number(row?.oldest_ms ?? 0) }
}
