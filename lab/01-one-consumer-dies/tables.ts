import type { Database } from '@timesale/postgres/database'
import type { Sql } from '@timesale/postgres/sql'
import { commonTables } from '../framework/common-tables.ts'
import { runStatements } from '../framework/run-statements.ts'
import type { Listener, Way } from './ways.ts'

const TABLES = `
  create table orders (
    way text not null, order_id text not null, accepted_at timestamptz not null default clock_timestamp(),
    primary key (way, order_id));
  create table effects (
    way text not null, listener text not null, order_id text not null,
    done_at timestamptz not null default clock_timestamp(),
    primary key (way, listener, order_id))`

export async function createTables(postgresUrl: string): Promise<void> {
  await runStatements(postgresUrl, [TABLES, ...(await commonTables())])
}

export async function insertOrder(sql: Sql, way: Way, orderId: string): Promise<void> {
  await sql`insert into orders (way, order_id) values (${way}, ${orderId})`
}

/** Once, however often it is asked for: units reserved, or a notice written. */
export async function insertEffect(sql: Sql, way: Way, listener: Listener, orderId: string): Promise<void> {
  await sql`
    insert into effects (way, listener, order_id) values (${way}, ${listener}, ${orderId}) on conflict do nothing`
}

/** Of orders that were answered yes, those that are not there. */
export async function unwritten(db: Database, way: Way, answered: readonly string[]): Promise<number> {
  const [row] = await db.sql<{ count: number }>`
    select count(*)::int as count
    from unnest(${answered}::text[]) as answered (order_id)
    where not exists (select from orders where way = ${way} and orders.order_id = answered.order_id)`
  return row?.count ?? 0
}

/** Orders whose id begins like this. */
export async function written(db: Database, way: Way, ids: string): Promise<number> {
  const [row] = await db.sql<{ count: number }>`
    select count(*)::int as count from orders where way = ${way} and starts_with(order_id, ${ids})`
  return row?.count ?? 0
}

/** Orders that are there and of which a listener has left nothing. `ids`: orders whose id begins like this. */
export async function missing(db: Database, way: Way, listener: Listener, ids: string): Promise<number> {
  const [row] = await db.sql<{ count: number }>`
    select count(*)::int as count
    from orders
    where way = ${way} and starts_with(order_id, ${ids}) and not exists (
      select from effects
      where effects.way = orders.way and effects.order_id = orders.order_id and listener = ${listener})`
  return row?.count ?? 0
}

/** Orders whose id begins like this, accepted up to a moment of the database's clock. */
export async function acceptedUntil(
  db: Database,
  { way, ids, moment }: { way: Way; ids: string; moment: string },
): Promise<number> {
  const [row] = await db.sql<{ count: number }>`
    select count(*)::int as count
    from orders
    where way = ${way} and starts_with(order_id, ${ids}) and accepted_at < ${moment}::timestamptz`
  return row?.count ?? 0
}

/** Effects of orders whose id begins like this, up to a moment of the database's clock. */
export async function effectsUntil(
  db: Database,
  { way, listener, ids, moment }: { way: Way; listener: Listener; ids: string; moment: string },
): Promise<number> {
  const [row] = await db.sql<{ count: number }>`
    select count(*)::int as count
    from effects
    where way = ${way} and listener = ${listener} and starts_with(order_id, ${ids})
      and done_at < ${moment}::timestamptz`
  return row?.count ?? 0
}

/** Seconds from a moment to the last effect of an order that was accepted before it; 0 where none was left to be done. */
export async function caughtUpAfter(
  db: Database,
  { way, listener, ids, moment }: { way: Way; listener: Listener; ids: string; moment: string },
): Promise<number> {
  const [row] = await db.sql<{ seconds: number }>`
    select greatest(coalesce(extract(epoch from max(done_at) - ${moment}::timestamptz), 0), 0)::float8 as seconds
    from orders join effects using (way, order_id)
    where way = ${way} and listener = ${listener} and starts_with(order_id, ${ids})
      and accepted_at < ${moment}::timestamptz`
  return row?.seconds ?? 0
}

export async function databaseClock(db: Database): Promise<string> {
  const [row] = await db.sql<{ now: string }>`select clock_timestamp()::text as now`
  return row?.now ?? ''
}
