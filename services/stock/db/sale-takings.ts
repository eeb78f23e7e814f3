import type { Tx } from '@timesale/postgres/sql'
import { takingKey, type SaleBuyer, type Taking } from '../stock.ts'

interface Row {
  product_id: string
  sale_id: string
  buyer_id: string
  units: number
  most: number | null
}

/**
 * Of time sales of products whose rows are locked, after they were: that lock serialises all orders of a product, so
 * these rows need none of their own. By `takingKey`.
 */
export async function findTakings(
  tx: Tx,
  takings: readonly (SaleBuyer & { readonly productId: string })[],
): Promise<Map<string, Taking>> {
  if (takings.length === 0) return new Map()
  const rows = await tx<Row>`
    select sale_takings.* from sale_takings join unnest(
      ${takings.map((one) => one.productId)}::text[],
      ${takings.map((one) => one.saleId)}::text[],
      ${takings.map((one) => one.buyerId)}::text[]) as asked (product_id, sale_id, buyer_id)
    using (product_id, sale_id, buyer_id)`
  return new Map(rows.map(toTaking).map((taking) => [takingKey(taking.productId, taking), taking]))
}

/** Each once, under the locks that `findTakings` speaks of. */
export async function saveTakings(tx: Tx, takings: readonly Taking[]): Promise<void> {
  if (takings.length === 0) return
  await tx`
    insert into sale_takings (product_id, sale_id, buyer_id, units, most)
    select * from unnest(
      ${takings.map((one) => one.productId)}::text[],
      ${takings.map((one) => one.saleId)}::text[],
      ${takings.map((one) => one.buyerId)}::text[],
      ${takings.map((one) => one.units)}::int[],
      ${takings.map((one) => one.most)}::int[])
    on conflict (product_id, sale_id, buyer_id) do update set units = excluded.units, most = excluded.most`
}

function toTaking(row: Row): Taking {
  return { productId: row.product_id, saleId: row.sale_id, buyerId: row.buyer_id, units: row.units, most: row.most }
}
