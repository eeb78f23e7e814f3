import type { Sql, Tx } from '@timesale/postgres/sql'

export interface Price {
  readonly productId: string
  readonly unitPriceMinor: number
  readonly currency: string
}

/** Those of these products that can be ordered now, with their prices. */
export async function findOrderable(sql: Sql, productIds: readonly string[]): Promise<Map<string, Price>> {
  const rows = await sql<{ product_id: string; unit_price_minor: string; currency: string }>`
    select product_id, unit_price_minor, currency
    from product_copies
    where product_id = any(${productIds}::text[]) and stocked and unit_price_minor is not null`
  return new Map(
    rows.map((row) => [
      row.product_id,
      { productId: row.product_id, unitPriceMinor: Number(row.unit_price_minor), currency: row.currency },
    ]),
  )
}

/** Prices heard from product, the newest of each product. */
export async function savePrices(tx: Tx, prices: readonly Price[]): Promise<void> {
  if (prices.length === 0) return
  await tx`
    insert into product_copies (product_id, unit_price_minor, currency)
    select * from unnest(
      ${prices.map((price) => price.productId)}::text[],
      ${prices.map((price) => price.unitPriceMinor)}::bigint[],
      ${prices.map((price) => price.currency)}::text[])
    on conflict (product_id) do update
    set unit_price_minor = excluded.unit_price_minor, currency = excluded.currency`
}

/** Products that stock has announced. */
export async function markStocked(tx: Tx, productIds: readonly string[]): Promise<void> {
  if (productIds.length === 0) return
  await tx`
    insert into product_copies (product_id, stocked)
    select product_id, true from unnest(${productIds}::text[]) as announced (product_id)
    on conflict (product_id) do update set stocked = true`
}
