import type { SalesMinute, TopProduct } from '@timesale/contracts/analytics-api'
import type { Sql, Tx } from '@timesale/postgres/sql'
import type { SalesOfBatch } from '../sales.ts'

/** Adds a batch to the sums. Rows are touched in the order of their keys, so that two batches cannot deadlock. */
export async function addSales(tx: Tx, { minutes, products, events }: SalesOfBatch): Promise<void> {
  await Promise.all([addMinutes(tx, minutes), addProducts(tx, products), addEvents(tx, events)])
}

async function addMinutes(tx: Tx, minutes: SalesOfBatch['minutes']): Promise<void> {
  if (minutes.length === 0) return
  await tx`
    insert into sales_by_minute (minute, currency, orders, units, revenue_minor)
    select * from unnest(
      ${minutes.map((sum) => sum.by)}::timestamptz[],
      ${minutes.map((sum) => sum.currency)}::text[],
      ${minutes.map((sum) => sum.orders)}::bigint[],
      ${minutes.map((sum) => sum.units)}::bigint[],
      ${minutes.map((sum) => sum.revenueMinor.toString())}::numeric[]) as added (minute, currency)
    order by minute, currency
    on conflict (minute, currency) do update
    set orders = sales_by_minute.orders + excluded.orders, units = sales_by_minute.units + excluded.units,
      revenue_minor = sales_by_minute.revenue_minor + excluded.revenue_minor`
}

async function addProducts(tx: Tx, products: SalesOfBatch['products']): Promise<void> {
  if (products.length === 0) return
  await tx`
    insert into sales_by_product (product_id, currency, orders, units, revenue_minor)
    select * from unnest(
      ${products.map((sum) => sum.by)}::text[],
      ${products.map((sum) => sum.currency)}::text[],
      ${products.map((sum) => sum.orders)}::bigint[],
      ${products.map((sum) => sum.units)}::bigint[],
      ${products.map((sum) => sum.revenueMinor.toString())}::numeric[]) as added (product_id, currency)
    order by product_id, currency
    on conflict (product_id, currency) do update
    set orders = sales_by_product.orders + excluded.orders, units = sales_by_product.units + excluded.units,
      revenue_minor = sales_by_product.revenue_minor + excluded.revenue_minor`
}

async function addEvents(tx: Tx, events: SalesOfBatch['events']): Promise<void> {
  if (events.length === 0) return
  await tx`
    insert into events_by_minute (minute, type, events)
    select * from unnest(
      ${events.map((one) => one.minute)}::timestamptz[],
      ${events.map((one) => one.type)}::text[],
      ${events.map((one) => one.events)}::bigint[]) as added (minute, type)
    order by minute, type
    on conflict (minute, type) do update set events = events_by_minute.events + excluded.events`
}

interface Totals {
  currency: string
  orders: string
  units: string
  revenue_minor: string
}

/** Minutes within [from, to) that had sales, oldest first. */
export async function findSales(sql: Sql, from: Date, to: Date): Promise<SalesMinute[]> {
  const rows = await sql<Totals & { minute: Date }>`
    select * from sales_by_minute
    where minute >= ${from}::timestamptz and minute < ${to}::timestamptz
    order by minute, currency`
  return rows.map((row) => ({ minute: row.minute.toISOString(), ...toTotals(row) }))
}

/** By units sold, most first. */
export async function findTopProducts(sql: Sql, limit: number): Promise<TopProduct[]> {
  const rows = await sql<Totals & { product_id: string }>`
    select * from sales_by_product order by units desc, product_id, currency limit ${limit}`
  return rows.map((row) => ({ productId: row.product_id, ...toTotals(row) }))
}

function toTotals(row: Totals): { currency: string; orders: number; units: number; revenueMinor: number } {
  return {
    currency: row.currency,
    orders: Number(row.orders),
    units: Number(row.units),
    revenueMinor: Number(row.revenue_minor),
  }
}
