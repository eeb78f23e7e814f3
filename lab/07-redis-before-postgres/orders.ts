import type { Database } from '@timesale/postgres/database'
import { isInfrastructure, isUniqueViolation } from '@timesale/postgres/errors'

/**
 * What becomes of an order. A row says so: who asks again under the same id is told the same. Some ways leave none of those
 * who are turned away, and judge them anew.
 */
export type Outcome = 'sold' | 'sold-out'
export type Outcomes = ReadonlyMap<string, Outcome>

export interface Books {
  readonly units: number
  readonly left: number
  readonly sold: ReadonlySet<string>
  /** Sold or not. */
  readonly rows: number
}

interface Row {
  readonly order_id: string
  readonly outcome: Outcome
}

/** What is asked of a database once the tables are there. */
export type Statements = Pick<Database, 'sql' | 'write'>

const PRODUCT = 'hot'

// No CHECK that forbids overselling: whether it happens is what is looked for.
export async function makeTables({ write }: Database): Promise<void> {
  await write`create table products (product_id text primary key, units integer not null, units_left integer not null)`
  await write`create table orders (order_id text primary key, product_id text not null, outcome text not null)`
  await write`insert into products values (${PRODUCT}, 0, 0)`
}

/** So many units, and no orders yet. */
export async function putOnSale({ write }: Database, units: number): Promise<void> {
  await write`truncate orders`
  await write`update products set units = ${units}, units_left = ${units} where product_id = ${PRODUCT}`
}

const TRIES_MAX = 20

/**
 * First come, first served, for one order or for many: one statement with one guarded UPDATE, in a transaction of its own.
 * Orders that are there already keep their outcome, so that to try again does no harm.
 */
export async function placeOrders(db: Statements, orderIds: readonly string[]): Promise<Outcomes> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await tryPlacing(db, orderIds)
    } catch (error) {
      // The same order was quicker on another connection, and is found now; or a row was locked for too long.
      if (tries === TRIES_MAX || !(isUniqueViolation(error) || isInfrastructure(error))) throw error
    }
  }
}

async function tryPlacing({ write }: Statements, orderIds: readonly string[]): Promise<Outcomes> {
  const rows = await write<Row>`
    with known as materialized (
      select order_id, outcome from orders where order_id = any(${orderIds}::text[])),
    fresh as materialized (
      select order_id, row_number() over (order by place) as turn
      from unnest(${orderIds}::text[]) with ordinality as asked (order_id, place)
      where order_id not in (select order_id from known)),
    taken as (
      update products set units_left = greatest(units_left - (select count(*) from fresh), 0)
      where product_id = ${PRODUCT} and units_left > 0 and exists (select 1 from fresh)
      returning old.units_left - new.units_left as units),
    placed as (
      insert into orders (order_id, product_id, outcome)
      select order_id, ${PRODUCT}, case when turn <= (select units from taken) then 'sold' else 'sold-out' end from fresh
      returning order_id, outcome)
    select order_id, outcome from known union all select order_id, outcome from placed`
  return outcomesOf(rows)
}

/** Orders that are there, and how many units are left. */
export async function findOrders(
  { sql }: Statements,
  orderIds: readonly string[],
): Promise<{ known: Outcomes; left: number }> {
  const rows = await sql<{ units_left: number; order_id: string | null; outcome: Outcome }>`
    select units_left, order_id, outcome
    from products left join orders on order_id = any(${orderIds}::text[])
    where products.product_id = ${PRODUCT}`
  const known = rows.flatMap((row) => (row.order_id === null ? [] : [[row.order_id, row.outcome] as const]))
  return { known: new Map(known), left: rows[0]?.units_left ?? 0 }
}

/** Writes down what was decided elsewhere. */
export async function recordSales({ write }: Statements, orderIds: readonly string[]): Promise<Outcomes> {
  await write`
    insert into orders (order_id, product_id, outcome)
    select order_id, ${PRODUCT}, 'sold' from unnest(${orderIds}::text[]) as sales (order_id)
    on conflict do nothing`
  return new Map(orderIds.map((orderId) => [orderId, 'sold']))
}

/** What was put on sale, and how many rows say that one was sold. */
export async function countSales({ sql }: Database): Promise<{ units: number; sold: number }> {
  const [counted] = await sql<{ units: number; sold: number }>`
    select units, (select count(*)::int from orders where outcome = 'sold') as sold from products
    where product_id = ${PRODUCT}`
  if (counted === undefined) throw new Error('The product is gone')
  return counted
}

export async function readBooks({ sql }: Database): Promise<Books> {
  const [[product], rows] = await Promise.all([
    sql<{ units: number; units_left: number }>`select units, units_left from products where product_id = ${PRODUCT}`,
    sql<Row>`select order_id, outcome from orders`,
  ])
  if (product === undefined) throw new Error('The product is gone')
  const sold = rows.filter(({ outcome }) => outcome === 'sold').map((row) => row.order_id)
  return { units: product.units, left: product.units_left, sold: new Set(sold), rows: rows.length }
}

function outcomesOf(rows: readonly Row[]): Outcomes {
  return new Map(rows.map((row) => [row.order_id, row.outcome]))
}
