import type { OrderStatus, OrderSummary, OrderView } from '@timesale/contracts/order-api'
import type { Sql, Tx } from '@timesale/postgres/sql'
import type { Order } from '../order.ts'

interface Row {
  order_id: string
  buyer_id: string
  product_id: string
  quantity: number
  unit_price_minor: string
  currency: string
  status: OrderStatus
  version: number
  placed_at: Date
}

export interface NewOrder {
  readonly order: Order
  readonly bodyHash: string
}

/**
 * Inserts orders in the order of their ids, so that two replicas that accept the same ids wait for each other instead
 * of deadlocking. Answers the ids that are new; the others were there, or came in another replica's flush just now.
 */
export async function insertOrders(tx: Tx, orders: readonly NewOrder[], at: Date): Promise<Set<string>> {
  if (orders.length === 0) return new Set()
  const rows = await tx<{ order_id: string }>`
    insert into orders (order_id, buyer_id, product_id, quantity, unit_price_minor, currency, body_hash,
      status, version, placed_at)
    select *, 'PLACED', 1, ${at}::timestamptz from unnest(
      ${orders.map(({ order }) => order.orderId)}::text[],
      ${orders.map(({ order }) => order.buyerId)}::text[],
      ${orders.map(({ order }) => order.productId)}::text[],
      ${orders.map(({ order }) => order.quantity)}::int[],
      ${orders.map(({ order }) => order.unitPriceMinor)}::bigint[],
      ${orders.map(({ order }) => order.currency)}::text[],
      ${orders.map(({ bodyHash }) => bodyHash)}::text[]) as wish (order_id)
    order by order_id
    on conflict (order_id) do nothing
    returning order_id`
  return new Set(rows.map((row) => row.order_id))
}

/** The body hashes of those of these ids that are orders. */
export async function findBodyHashes(sql: Sql, orderIds: readonly string[]): Promise<Map<string, string>> {
  if (orderIds.length === 0) return new Map()
  const rows = await sql<{ order_id: string; body_hash: string }>`
    select order_id, body_hash from orders where order_id = any(${orderIds}::text[])`
  return new Map(rows.map((row) => [row.order_id, row.body_hash]))
}

/** Locked until the transaction ends, in the order of ids. */
export async function lockOrders(tx: Tx, orderIds: readonly string[]): Promise<Map<string, Order>> {
  if (orderIds.length === 0) return new Map()
  const rows = await tx<Row>`
    select * from orders where order_id = any(${orderIds}::text[]) order by order_id for update`
  return new Map(rows.map((row) => [row.order_id, toOrder(row)]))
}

/** Status and version of orders that a decision has changed. */
export async function saveOrders(tx: Tx, orders: readonly Order[]): Promise<void> {
  if (orders.length === 0) return
  const saved = await tx`
    update orders
    set status = decided.status, version = decided.version
    from unnest(
      ${orders.map((order) => order.orderId)}::text[],
      ${orders.map((order) => order.status)}::text[],
      ${orders.map((order) => order.version)}::int[]) as decided (order_id, status, version)
    where orders.order_id = decided.order_id and orders.version < decided.version
    returning 1`
  if (saved.length !== orders.length) throw new Error('An order was decided by somebody who did not lock it.')
}

export interface HistoryEntry {
  readonly orderId: string
  readonly version: number
  readonly status: OrderStatus
  readonly cause: string
}

export async function appendHistory(tx: Tx, entries: readonly HistoryEntry[], at: Date): Promise<void> {
  if (entries.length === 0) return
  await tx`
    insert into order_history (order_id, version, status, cause, at)
    select *, ${at}::timestamptz from unnest(
      ${entries.map((entry) => entry.orderId)}::text[],
      ${entries.map((entry) => entry.version)}::int[],
      ${entries.map((entry) => entry.status)}::text[],
      ${entries.map((entry) => entry.cause)}::text[])`
}

export async function findOrder(sql: Sql, orderId: string): Promise<OrderView | undefined> {
  const [row] = await sql<Row & { history: OrderView['history'] }>`
    select orders.*, (
      select json_agg(json_build_object('version', version, 'status', status, 'at', at, 'cause', cause) order by version)
      from order_history
      where order_history.order_id = orders.order_id) as history
    from orders
    where order_id = ${orderId}`
  if (row === undefined) return undefined
  const { version: _version, ...order } = toOrder(row)
  const history = row.history.map((entry) => ({ ...entry, at: new Date(entry.at).toISOString() }))
  return { ...order, history }
}

export interface Place {
  readonly placedAt: Date
  readonly orderId: string
}

/** Newest first, after the place given. */
export async function listOrders(sql: Sql, page: { after: Place | undefined; limit: number }): Promise<OrderSummary[]> {
  const rows =
    page.after === undefined
      ? await sql<Row>`select * from orders order by placed_at desc, order_id desc limit ${page.limit}`
      : await sql<Row>`
        select * from orders
        where (placed_at, order_id) < (${page.after.placedAt}::timestamptz, ${page.after.orderId})
        order by placed_at desc, order_id desc
        limit ${page.limit}`
  return rows.map((row) => {
    const { version: _version, ...order } = toOrder(row)
    return { ...order, placedAt: row.placed_at.toISOString() }
  })
}

function toOrder(row: Row): Order {
  return {
    orderId: row.order_id,
    buyerId: row.buyer_id,
    productId: row.product_id,
    quantity: row.quantity,
    unitPriceMinor: Number(row.unit_price_minor),
    currency: row.currency,
    status: row.status,
    version: row.version,
  }
}
