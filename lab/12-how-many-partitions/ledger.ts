import type { Database } from '@timesale/postgres/database'
import type { Sql } from '@timesale/postgres/sql'

/** A step of an order that a member has worked off. */
export interface Done {
  readonly order: string
  readonly step: number
}

/** What became of all steps of a topic. */
export interface Worked {
  /** Different ones. */
  readonly steps: number
  /** Worked off more than once. */
  readonly again: number
  /** Orders of which a step was worked off before an earlier one. */
  readonly outOfOrder: number
  /** Members that have worked off anything. */
  readonly members: number
}

export async function makeLedger({ write }: Database): Promise<void> {
  await write`
    create table done (
      done_id bigint generated always as identity primary key, member text not null,
      order_id text not null, step integer not null)`
}

/** A batch of a member, in the order in which it was worked off. Committed when this resolves. */
export async function enterDone(write: Sql, member: string, batch: readonly Done[]): Promise<void> {
  await write`
    insert into done (member, order_id, step)
    select ${member}, order_id, step
    from unnest(${batch.map(({ order }) => order)}::text[], ${batch.map(({ step }) => step)}::integer[])
      with ordinality as batch (order_id, step, place)
    order by place`
}

/** How many there are about now: a batch that is being written may be counted too. Costs those who write next to nothing. */
export async function glanceAtDone({ sql }: Database): Promise<number> {
  const [row] = await sql<{ last: number | null }>`select max(done_id)::int as last from done`
  return row?.last ?? 0
}

export async function areDone(db: Database, steps: number): Promise<boolean> {
  // Counted only when it may be so.
  if ((await glanceAtDone(db)) < steps) return false
  const [row] = await db.sql<{ count: number }>`
    select count(distinct (order_id, step))::int as count from done`
  return (row?.count ?? 0) >= steps
}

/** Orders of which a step after this one is done. */
export async function ordersBeyond({ sql }: Database, step: number): Promise<number> {
  const [row] = await sql<{ count: number }>`
    select count(distinct order_id)::int as count from done where step > ${step}`
  return row?.count ?? 0
}

export async function readLedger({ sql }: Database): Promise<Worked> {
  const entries = await sql<Done & { member: string }>`
    select member, order_id as "order", step from done order by done_id`
  const reached = new Map<string, number>()
  const outOfOrder = new Set<string>()
  const seen = new Set<string>()
  for (const { order, step } of entries) {
    const entry = `${order} ${step}`
    // Kafka promises an order, and not that nothing comes twice: what counts is when a step comes first.
    if (seen.has(entry)) continue
    seen.add(entry)
    if (step < (reached.get(order) ?? 0)) outOfOrder.add(order)
    reached.set(order, step)
  }
  return {
    steps: seen.size,
    again: entries.length - seen.size,
    outOfOrder: outOfOrder.size,
    members: new Set(entries.map(({ member }) => member)).size,
  }
}

export async function clearLedger({ write }: Database): Promise<void> {
  await write`truncate done restart identity`
}
