import type { Database } from '@timesale/postgres/database'
import type { Sql } from '@timesale/postgres/sql'
import { productId } from '@timesale/bench/generator/order-request'

export const PRODUCTS = 100
const FIRST_PRICE = 12_900

/** What a visitor sees of a product. */
interface Page {
  readonly productId: string
  readonly name: string
  readonly about: string
  readonly priceMinor: number
  readonly currency: string
  readonly stockLeft: number
}

export async function makeShop({ write }: Database): Promise<void> {
  await write`
    create table products (
      product_id text primary key, name text not null, about text not null,
      price_minor integer not null, currency text not null)`
  await write`create table stock (product_id text primary key, units_left integer not null)`
  const ids = Array.from({ length: PRODUCTS }, (_, number) => productId(number))
  await write`
    insert into products
    select id, 'Product ' || id, repeat('Picked this morning. ', 10), ${FIRST_PRICE}, 'KRW' from unnest(${ids}::text[]) as id`
  await write`insert into stock select id, 100 from unnest(${ids}::text[]) as id`
  await write`analyze`
}

/** JSON of a page, from two rows that are each found by their primary key. */
export async function readPage(sql: Sql, id: string): Promise<string | undefined> {
  const [page] = await sql<Page>`
    select product_id as "productId", name, about, price_minor as "priceMinor", currency,
      (select units_left from stock where stock.product_id = products.product_id) as "stockLeft"
    from products
    where product_id = ${id}`
  return page === undefined ? undefined : JSON.stringify(page)
}

/** The new price. Committed when this resolves. */
export async function raisePrice({ write }: Database, id: string): Promise<number> {
  const [row] = await write<{ price_minor: number }>`
    update products set price_minor = price_minor + 100 where product_id = ${id} returning price_minor`
  if (row === undefined) throw new Error(`There is no product ${id}`)
  return row.price_minor
}

export function priceOn(page: string): number {
  return (JSON.parse(page) as Page).priceMinor
}
