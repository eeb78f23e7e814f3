import type { Database } from '@timesale/postgres/database'

/** What is left of the one product, and a row for each sale of it. */
export interface Books {
  readonly left: number
  readonly sold: number
}

const PRODUCT = 'hot'

// No CHECK that forbids overselling: whether it happens is what is looked for.
export async function makeTables({ write }: Database): Promise<void> {
  await write`create table products (product_id text primary key, units_left integer not null, fence bigint not null)`
  await write`
    create table sales (
      sale_id bigint generated always as identity primary key, product_id text not null, buyer text not null)`
  await write`insert into products values (${PRODUCT}, 0, 0)`
}

/** So many units, and nothing sold of them yet. */
export async function restock({ write }: Database, units: number): Promise<void> {
  await write`truncate sales`
  await write`update products set units_left = ${units}, fence = 0 where product_id = ${PRODUCT}`
}

export async function readBooks({ sql }: Database): Promise<Books> {
  const [books] = await sql<Books>`
    select units_left as "left", (select count(*)::int from sales) as sold from products where product_id = ${PRODUCT}`
  if (books === undefined) throw new Error('The product is gone')
  return books
}

export async function readLeft({ sql }: Database): Promise<number> {
  const [row] = await sql<{ units_left: number }>`select units_left from products where product_id = ${PRODUCT}`
  return row?.units_left ?? 0
}

/** Sells one by writing what the reader has worked out is left. */
export async function writeLeft({ write }: Database, left: number, buyer: string): Promise<boolean> {
  const sold = await write`
    with written as (
      update products set units_left = ${left} where product_id = ${PRODUCT} returning product_id)
    insert into sales (product_id, buyer) select product_id, ${buyer}::text from written returning 1`
  return sold.length === 1
}

/** The same; refused where a write with a greater token has been here. */
export async function writeLeftFenced(
  { write }: Database,
  left: number,
  buyer: string,
  fence: number,
): Promise<boolean> {
  const sold = await write`
    with written as (
      update products set units_left = ${left}, fence = ${fence}
      where product_id = ${PRODUCT} and fence <= ${fence}
      returning product_id)
    insert into sales (product_id, buyer) select product_id, ${buyer}::text from written returning 1`
  return sold.length === 1
}

/** Sells one where one is left: the database reads, decides and writes in one statement, and locks the row for it. */
export async function sellGuarded({ write }: Database, buyer: string): Promise<boolean> {
  const sold = await write`
    with taken as (
      update products set units_left = units_left - 1
      where product_id = ${PRODUCT} and units_left > 0
      returning product_id)
    insert into sales (product_id, buyer) select product_id, ${buyer}::text from taken returning 1`
  return sold.length === 1
}

/** Sells one to each as long as there are any, first come, first served, in one transaction. How many were served. */
export async function sellBatch(db: Database, buyers: readonly string[]): Promise<number> {
  return await db.tx(async (sql) => {
    const [row] = await sql<{ units_left: number }>`
      select units_left from products where product_id = ${PRODUCT} for update`
    const left = row?.units_left ?? 0
    const served = buyers.slice(0, left)
    if (served.length === 0) return 0
    await Promise.all([
      sql`update products set units_left = ${left - served.length} where product_id = ${PRODUCT}`,
      sql`insert into sales (product_id, buyer) select ${PRODUCT}, buyer from unnest(${served}::text[]) as buyer`,
    ])
    return served.length
  })
}
