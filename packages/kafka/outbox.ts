import type { Fact } from '@timesale/contracts/event'
import { TEXT_SEPARATOR, type Sql, type Tx } from '@timesale/postgres/sql'
import { eventRows, type Occasion, type OutboxRow } from './outbox-lines.ts'

/**
 * Writes facts beside the state they tell of. The relay sends them in the order of this array; two facts of one
 * aggregate must stand in the order of their versions.
 */
export async function appendToOutbox(tx: Tx, facts: readonly Fact[], occasion: Occasion): Promise<void> {
  await insertOutboxRows(tx, eventRows(facts, occasion))
}

export async function insertOutboxRows(tx: Tx, rows: readonly OutboxRow[]): Promise<void> {
  if (rows.length === 0) return
  await tx`
    insert into outbox (events, bytes, lines)
    select * from unnest(
      ${rows.map((row) => row.events)}::int[], ${rows.map((row) => row.bytes)}::int[],
      string_to_array(${rows.map((row) => row.lines).join(TEXT_SEPARATOR)}, ${TEXT_SEPARATOR}))`
}

export interface OutboxBacklog {
  /** Events; a row holds many. */
  readonly pending: number
  readonly rows: number
  readonly oldestMs: number
}

/** How much waits to be published, counted in no more than `limit` rows, and the age of the oldest in milliseconds. */
export async function outboxBacklog(sql: Sql, limit: number): Promise<OutboxBacklog> {
  const [row] = await sql<{ pending: string | null; rows: string; oldest_ms: string | null }>`
    select sum(events) as pending, count(*) as rows,
      extract(epoch from clock_timestamp() - min(created_at)) * 1000 as oldest_ms
    from (select events, created_at from outbox order by id limit ${limit}) as waiting`
  return { pending: Number(row?.pending ?? 0), rows: Number(row?.rows ?? 0), oldestMs: Number(row?.oldest_ms ?? 0) }
}
