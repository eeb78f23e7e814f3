import type { Sql, Tx } from '@timesale/postgres/sql'
import type { Product } from '../product.ts'

interface Row {
  product_id: string
  name_ko: string
  name_en: string
  price_minor: string
  currency: string
  units_on_sale: number
  version: number
}

export async function findProduct(sql: Sql, productId: string): Promise<Product | undefined> {
  const [row] = await sql<Row>`select * from products where product_id = ${productId}`
  return row === undefined ? undefined : toProduct(row)
}

export async function lockProduct(tx: Tx, productId: string): Promise<Product | undefined> {
  const [row] = await tx<Row>`select * from products where product_id = ${productId} for update`
  return row === undefined ? undefined : toProduct(row)
}

/** A page in the order of ids, after the one given. */
export async function listProducts(sql: Sql, page: { after: string; limit: number }): Promise<Product[]> {
  const rows = await sql<Row>`
    select * from products
    where product_id > ${page.after}
    order by product_id
    limit ${page.limit}`
  return rows.map(toProduct)
}

/** False where the id is taken. */
export async function insertProduct(tx: Tx, product: Product): Promise<boolean> {
  const rows = await tx`
    insert into products (product_id, name_ko, name_en, price_minor, currency, units_on_sale, version)
    values (${product.productId}, ${product.name.ko}, ${product.name.en}, ${product.priceMinor}, ${product.currency},
      ${product.unitsOnSale}, ${product.version})
    on conflict do nothing
    returning 1`
  return rows.length === 1
}

export async function saveProduct(tx: Tx, product: Product): Promise<void> {
  await tx`
    update products
    set name_ko = ${product.name.ko}, name_en = ${product.name.en}, price_minor = ${product.priceMinor},
      units_on_sale = ${product.unitsOnSale}, version = ${product.version}, changed_at = now()
    where product_id = ${product.productId}`
}

function toProduct(row: Row): Product {
  return {
    productId: row.product_id,
    name: { ko: row.name_ko, en: row.name_en },
    priceMinor: Number(row.price_minor),
    currency: row.currency,
    unitsOnSale: row.units_on_sale,
    version: row.version,
  }
}
