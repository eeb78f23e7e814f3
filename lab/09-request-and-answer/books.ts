import type { Sql } from '@timesale/postgres/sql'
import { commonTables } from '../framework/common-tables.ts'
import { runStatements } from '../framework/run-statements.ts'

// What the two services keep, each in a database of its own; the same tables and statements for both ways.

export const PRODUCT = 'hot'
/** More than anybody asks for. */
const PLENTY = 1_000_000

/** Databases of one server. Each has the outbox and inbox that every service of the shop has. */
export const DATABASES = {
  orders: 'create table orders (order_id text primary key, status text not null)',
  stock: `
    create table stock (product_id text primary key, available integer not null check (available >= 0));
    create table reservations (order_id text primary key, product_id text not null);
    insert into stock values ('${PRODUCT}', ${PLENTY})`,
} as const

export async function makeDatabases(serverUrl: string): Promise<Readonly<Record<keyof typeof DATABASES, string>>> {
  const urlOf = (name: string): string => serverUrl.replace(/[^/]+$/, name)
  for (const [name, tables] of Object.entries(DATABASES)) {
    await runStatements(serverUrl, [`create database ${name}`])
    await runStatements(urlOf(name), [tables, ...(await commonTables())])
  }
  return { orders: urlOf('orders'), stock: urlOf('stock') }
}

export async function insertOrder(sql: Sql, orderId: string): Promise<void> {
  await sql`insert into orders (order_id, status) values (${orderId}, 'PLACED')`
}

export async function confirmOrders(sql: Sql, orderIds: readonly string[]): Promise<void> {
  await sql`update orders set status = 'CONFIRMED' where order_id = any(${orderIds}::text[])`
}

/** Sets one unit aside, once for each order however often it is asked; false where none is left. */
export async function reserve(sql: Sql, orderId: string): Promise<boolean> {
  const rows = await sql`
    with held as (
      select order_id from reservations where order_id = ${orderId}),
    taken as (
      update stock set available = available - 1
      where product_id = ${PRODUCT} and available >= 1 and not exists (select 1 from held)
      returning product_id),
    reserved as (
      insert into reservations (order_id, product_id) select ${orderId}::text, product_id from taken returning order_id)
    select order_id from held union all select order_id from reserved`
  return rows.length === 1
}

/** How many orders of those whose ids begin so are confirmed, and how many have a unit set aside. */
export async function countConfirmed(sql: Sql, prefix: string): Promise<number> {
  const [row] = await sql<{ count: number }>`
    select count(*)::int as count from orders where status = 'CONFIRMED' and order_id like ${`${prefix}%`}`
  return row?.count ?? 0
}

export async function countReserved(sql: Sql, prefix: string): Promise<number> {
  const [row] = await sql<{ count: number }>`
    select count(*)::int as count from reservations where order_id like ${`${prefix}%`}`
  return row?.count ?? 0
}
