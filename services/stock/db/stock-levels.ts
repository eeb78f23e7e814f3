import type { StockTotals } from '@timesale/contracts/console-api'
import type { Sql, Tx } from '@timesale/postgres/sql'
import type { StockLevel } from '../stock.ts'

interface Row {
  product_id: string
  initial: number
  available: number
  reserved: number
  sold: number
  version: string
  announced: number
}

export async function findLevels(sql: Sql, productIds: readonly string[]): Promise<StockLevel[]> {
  const rows = await sql<Row>`select * from stock_levels where product_id = any(${productIds}::text[])`
  return rows.map(toLevel)
}

/** Locked in the order of product ids, so that two batches never wait for each other in a circle. */
export async function lockLevels(tx: Tx, productIds: readonly string[]): Promise<Map<string, StockLevel>> {
  const rows = await tx<Row>`
    select * from stock_levels where product_id = any(${productIds}::text[]) order by product_id for update`
  return new Map(rows.map((row) => [row.product_id, toLevel(row)]))
}

/** Writes rows that were locked, or are new: two that announce one product at once meet on its key, and one tries again. */
export async function saveLevels(tx: Tx, levels: readonly StockLevel[]): Promise<void> {
  if (levels.length === 0) return
  const saved = await tx`
    insert into stock_levels (product_id, initial, available, reserved, sold, version, announced)
    select * from unnest(
      ${levels.map((level) => level.productId)}::text[],
      ${levels.map((level) => level.initial)}::int[],
      ${levels.map((level) => level.available)}::int[],
      ${levels.map((level) => level.reserved)}::int[],
      ${levels.map((level) => level.sold)}::int[],
      ${levels.map((level) => level.version)}::bigint[],
      ${levels.map((level) => level.announced)}::int[])
    on conflict (product_id) do update
    set initial = excluded.initial, available = excluded.available, reserved = excluded.reserved,
      sold = excluded.sold, version = excluded.version, announced = excluded.announced
    where stock_levels.version < excluded.version
    returning 1`
  if (saved.length !== levels.length) throw new Error('A stock level was changed by somebody who did not lock it.')
}

/** Of all products together, at one moment. */
export async function sumLevels(sql: Sql): Promise<StockTotals> {
  // Sums of integers are bigint, which the driver would give as text; 2^53 units nobody has.
  const [sums] = await sql<StockTotals>`
    select count(*)::int as products,
      coalesce(sum(initial), 0)::float8 as initial, coalesce(sum(available), 0)::float8 as available,
      coalesce(sum(reserved), 0)::float8 as reserved, coalesce(sum(sold), 0)::float8 as sold
    from stock_levels`
  return sums ?? { products: 0, initial: 0, available: 0, reserved: 0, sold: 0 }
}

function toLevel(row: Row): StockLevel {
  return {
    productId: row.product_id,
    initial: row.initial,
    available: row.available,
    reserved: row.reserved,
    sold: row.sold,
    version: Number(row.version),
    announced: row.announced,
  }
}
