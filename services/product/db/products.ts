import type { Sql, Tx } from '@timesale/postgres/sql'
import type { Product } from '../product.ts'

interface Row {
  product_id: string
  name_ko: string
  name_en: string
  price_minor: string
  currency: string
  units_on_sale: number
  shop_id: string | null
  sale_id: string | null
  sale_price_minor: string
  sale_units: number
  sale_starts_at: Date
  sale_ends_at: Date
  sale_limit_per_buyer: number | null
  version: number
}

// `member` is the account whose shops' products are meant; undefined means everybody's, and those of no shop.

export async function findProduct(
  sql: Sql,
  productId: string,
  member: string | undefined,
): Promise<Product | undefined> {
  const [row] = await sql<Row>`
    select * from products
    where product_id = ${productId} and (${member ?? null}::text is null or exists (
      select 1 from shop_members
      where shop_members.shop_id = products.shop_id and account_id = ${member ?? null}))`
  return row === undefined ? undefined : toProduct(row)
}

/** With the time by the database's clock. */
export async function lockProduct(
  tx: Tx,
  productId: string,
  member: string | undefined,
): Promise<{ product: Product; now: Date } | undefined> {
  const [row] = await tx<Row & { now: Date }>`
    select *, now() as now from products
    where product_id = ${productId} and (${member ?? null}::text is null or exists (
      select 1 from shop_members
      where shop_members.shop_id = products.shop_id and account_id = ${member ?? null}))
    for update`
  return row === undefined ? undefined : { product: toProduct(row), now: row.now }
}

/** A page in the order of ids, after the one given. */
export async function listProducts(
  sql: Sql,
  member: string | undefined,
  page: { after: string; limit: number },
): Promise<Product[]> {
  const rows =
    member === undefined
      ? await sql<Row>`
          select * from products
          where product_id > ${page.after}
          order by product_id
          limit ${page.limit}`
      : await sql<Row>`
          select * from products
          where shop_id = any(array(select shop_id from shop_members where account_id = ${member}))
            and product_id > ${page.after}
          order by product_id
          limit ${page.limit}`
  return rows.map(toProduct)
}

/** False where the id is taken. */
export async function insertProduct(tx: Tx, product: Product): Promise<boolean> {
  const rows = await tx`
    insert into products (product_id, name_ko, name_en, price_minor, currency, units_on_sale, shop_id, version)
    values (${product.productId}, ${product.name.ko}, ${product.name.en}, ${product.priceMinor}, ${product.currency},
      ${product.unitsOnSale}, ${product.shopId ?? null}, ${product.version})
    on conflict do nothing
    returning 1`
  return rows.length === 1
}

export async function saveProduct(tx: Tx, product: Product): Promise<void> {
  const { sale } = product
  await tx`
    update products
    set name_ko = ${product.name.ko}, name_en = ${product.name.en}, price_minor = ${product.priceMinor},
      units_on_sale = ${product.unitsOnSale}, sale_id = ${sale?.saleId ?? null},
      sale_price_minor = ${sale?.priceMinor ?? null}, sale_units = ${sale?.units ?? null},
      sale_starts_at = ${sale?.startsAt ?? null}, sale_ends_at = ${sale?.endsAt ?? null},
      sale_limit_per_buyer = ${sale?.limitPerBuyer ?? null}, version = ${product.version}, changed_at = now()
    where product_id = ${product.productId}`
}

/** False where another product has, or had, a sale of this id. */
export async function takeSaleId(tx: Tx, saleId: string, productId: string): Promise<boolean> {
  await tx`insert into sale_ids (sale_id, product_id) values (${saleId}, ${productId}) on conflict do nothing`
  const [taken] = await tx<{ product_id: string }>`select product_id from sale_ids where sale_id = ${saleId}`
  return taken?.product_id === productId
}

function toProduct(row: Row): Product {
  return {
    productId: row.product_id,
    name: { ko: row.name_ko, en: row.name_en },
    priceMinor: Number(row.price_minor),
    currency: row.currency,
    unitsOnSale: row.units_on_sale,
    ...(row.shop_id === null ? {} : { shopId: row.shop_id }),
    ...(row.sale_id === null ? {} : { sale: toSale(row, row.sale_id) }),
    version: row.version,
  }
}

function toSale(row: Row, saleId: string): NonNullable<Product['sale']> {
  return {
    saleId,
    priceMinor: Number(row.sale_price_minor),
    units: row.sale_units,
    startsAt: row.sale_starts_at.toISOString(),
    endsAt: row.sale_ends_at.toISOString(),
    ...(row.sale_limit_per_buyer === null ? {} : { limitPerBuyer: row.sale_limit_per_buyer }),
  }
}
