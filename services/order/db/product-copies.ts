import type { Sale as SaleState } from '@timesale/contracts/fields'
import type { Sql, Tx } from '@timesale/postgres/sql'
import type { Sale } from '../sale.ts'

/** On what terms a product can be ordered. */
export interface Offer {
  readonly productId: string
  /** Of the sale, where there is one. */
  readonly unitPriceMinor: number
  readonly currency: string
  readonly sale?: Sale
}

/** Offers of one moment by the database's clock, in milliseconds of the epoch; without any, nobody has asked the time. */
export interface Offers {
  readonly byProduct: ReadonlyMap<string, Offer>
  readonly nowMs: number | undefined
}

interface Row {
  product_id: string
  unit_price_minor: string
  currency: string
  sale_id: string | null
  sale_price_minor: string | null
  sale_units: number | null
  sale_limit_per_buyer: number | null
  starts_at_ms: number | null
  ends_at_ms: number | null
  now_ms: number
}

/** Those of these products that can be ordered, now or in their sale. In a transaction the moment is its beginning. */
export async function findOffers(sql: Sql, productIds: readonly string[]): Promise<Offers> {
  // Milliseconds, of a sale with a fraction: a double holds the microseconds of our time, and a Date does not.
  const rows = await sql<Row>`
    select product_id, unit_price_minor, currency, sale_id, sale_price_minor, sale_units, sale_limit_per_buyer,
      (extract(epoch from sale_starts_at) * 1000)::float8 as starts_at_ms,
      (extract(epoch from sale_ends_at) * 1000)::float8 as ends_at_ms,
      (extract(epoch from date_trunc('milliseconds', now())) * 1000)::float8 as now_ms
    from product_copies
    where product_id = any(${productIds}::text[]) and stocked and unit_price_minor is not null`
  return { byProduct: new Map(rows.map((row) => [row.product_id, toOffer(row)])), nowMs: rows[0]?.now_ms }
}

function toOffer(row: Row): Offer {
  const { product_id: productId, currency } = row
  const sale = toSale(row)
  if (sale === undefined) return { productId, unitPriceMinor: Number(row.unit_price_minor), currency }
  return { productId, unitPriceMinor: Number(row.sale_price_minor), currency, sale }
}

function toSale(row: Row): Sale | undefined {
  const { sale_id: saleId, sale_units: units, sale_limit_per_buyer: limitPerBuyer } = row
  const { starts_at_ms: startsAtMs, ends_at_ms: endsAtMs } = row
  if (saleId === null || units === null || startsAtMs === null || endsAtMs === null) return undefined
  return { terms: { saleId, units, ...(limitPerBuyer === null ? {} : { limitPerBuyer }) }, startsAtMs, endsAtMs }
}

/** What was heard of a product: its price, and its time sale if it has one. */
export interface ProductCopy {
  readonly productId: string
  readonly unitPriceMinor: number
  readonly currency: string
  readonly sale: SaleState | undefined
}

/** Prices and sales heard from product, the newest of each product. */
export async function saveProducts(tx: Tx, copies: readonly ProductCopy[]): Promise<void> {
  if (copies.length === 0) return
  await tx`
    insert into product_copies (product_id, unit_price_minor, currency,
      sale_id, sale_price_minor, sale_units, sale_limit_per_buyer, sale_starts_at, sale_ends_at)
    select * from unnest(
      ${copies.map((copy) => copy.productId)}::text[],
      ${copies.map((copy) => copy.unitPriceMinor)}::bigint[],
      ${copies.map((copy) => copy.currency)}::text[],
      ${copies.map(({ sale }) => sale?.saleId ?? null)}::text[],
      ${copies.map(({ sale }) => sale?.priceMinor ?? null)}::bigint[],
      ${copies.map(({ sale }) => sale?.units ?? null)}::int[],
      ${copies.map(({ sale }) => sale?.limitPerBuyer ?? null)}::int[],
      ${copies.map(({ sale }) => sale?.startsAt ?? null)}::timestamptz[],
      ${copies.map(({ sale }) => sale?.endsAt ?? null)}::timestamptz[])
    on conflict (product_id) do update
    set unit_price_minor = excluded.unit_price_minor, currency = excluded.currency,
      sale_id = excluded.sale_id, sale_price_minor = excluded.sale_price_minor, sale_units = excluded.sale_units,
      sale_limit_per_buyer = excluded.sale_limit_per_buyer,
      sale_starts_at = excluded.sale_starts_at, sale_ends_at = excluded.sale_ends_at`
}

/** Products that stock has announced. */
export async function markStocked(tx: Tx, productIds: readonly string[]): Promise<void> {
  if (productIds.length === 0) return
  await tx`
    insert into product_copies (product_id, stocked)
    select product_id, true from unnest(${productIds}::text[]) as announced (product_id)
    on conflict (product_id) do update set stocked = true`
}
