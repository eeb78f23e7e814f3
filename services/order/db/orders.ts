import type { OrderStatus, OrderSummary, OrderView } from '@timesale/contracts/order-api'
import type { Database } from '@timesale/postgres/database'
import { isNotNullViolation, isUniqueViolation } from '@timesale/postgres/errors'
import { TEXT_SEPARATOR, type Sql, type Tx } from '@timesale/postgres/sql'
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
}

/** A row of the outbox that tells of the orders it is inserted with. */
interface OutboxRow {
  readonly events: number
  readonly bytes: number
  readonly lines: string
}

/**
 * Inserts orders with their history and outbox in one statement, which is a transaction of its own: one round trip, and
 * nothing is looked up before. False, and nothing is done, where one of them is not as presumed: its id is taken, or
 * its price is not (or no longer) what the catalogue says. Throws CommitOutcomeUnknown where the answer was lost.
 */
export async function insertPresumedNew(
  db: Database,
  orders: readonly NewOrder[],
  outbox: readonly OutboxRow[],
  at: Date,
): Promise<boolean> {
  const sorted = sortById(orders)
  const ids = sorted.map(({ order }) => order.orderId)
  try {
    // Where the price is another one, none is found, and the column takes no null.
    await db.write`
      with placed as (
        insert into orders (order_id, buyer_id, product_id, quantity, unit_price_minor, currency,
          status, version, placed_at)
        select wish.order_id, wish.buyer_id, wish.product_id, wish.quantity, (
            select copy.unit_price_minor
            from product_copies as copy
            where copy.product_id = wish.product_id and copy.stocked
              and copy.unit_price_minor = wish.unit_price_minor and copy.currency = wish.currency),
          wish.currency, 'PLACED', 1, ${at}::timestamptz
        from unnest(
          ${ids}::text[],
          ${sorted.map(({ order }) => order.buyerId)}::text[],
          ${sorted.map(({ order }) => order.productId)}::text[],
          ${sorted.map(({ order }) => order.quantity)}::int[],
          ${sorted.map(({ order }) => order.unitPriceMinor)}::bigint[],
          ${sorted.map(({ order }) => order.currency)}::text[])
          as wish (order_id, buyer_id, product_id, quantity, unit_price_minor, currency)
      ), history as (
        insert into order_history (order_id, version, status, cause, at)
        select order_id, 1, 'PLACED', 'POST /orders', ${at}::timestamptz
        from unnest(${ids}::text[]) as placed (order_id)
      )
      insert into outbox (events, bytes, lines)
      select * from unnest(
        ${outbox.map((row) => row.events)}::int[],
        ${outbox.map((row) => row.bytes)}::int[],
        string_to_array(${outbox.map((row) => row.lines).join(TEXT_SEPARATOR)}, ${TEXT_SEPARATOR}))`
    return true
  } catch (error) {
    // Of the order or of its history, whichever the server came to first.
    if (isUniqueViolation(error) || isNotNullViolation(error)) return false
    throw error
  }
}

/** Inserts orders. Answers the ids that are new; the others were there, or came in another replica's flush just now. */
export async function insertOrders(tx: Tx, orders: readonly NewOrder[], at: Date): Promise<Set<string>> {
  if (orders.length === 0) return new Set()
  const sorted = sortById(orders)
  const rows = await tx<{ order_id: string }>`
    insert into orders (order_id, buyer_id, product_id, quantity, unit_price_minor, currency,
      status, version, placed_at)
    select *, 'PLACED', 1, ${at}::timestamptz from unnest(
      ${sorted.map(({ order }) => order.orderId)}::text[],
      ${sorted.map(({ order }) => order.buyerId)}::text[],
      ${sorted.map(({ order }) => order.productId)}::text[],
      ${sorted.map(({ order }) => order.quantity)}::int[],
      ${sorted.map(({ order }) => order.unitPriceMinor)}::bigint[],
      ${sorted.map(({ order }) => order.currency)}::text[])
    on conflict (order_id) do nothing
    returning order_id`
  return new Set(rows.map((row) => row.order_id))
}

// By id, so that two replicas that accept the same ids wait for each other instead of deadlocking.
function sortById(orders: readonly NewOrder[]): NewOrder[] {
  return [...orders].sort((one, other) => (one.order.orderId < other.order.orderId ? -1 : 1))
}

export interface PlacedBefore {
  readonly buyerId: string
  readonly productId: string
  readonly quantity: number
}

/** What was asked for under those of these ids that are orders. */
export async function findPlaced(sql: Sql, orderIds: readonly string[]): Promise<Map<string, PlacedBefore>> {
  if (orderIds.length === 0) return new Map()
  const rows = await sql<{ order_id: string; buyer_id: string; product_id: string; quantity: number }>`
    select order_id, buyer_id, product_id, quantity from orders where order_id = any(${orderIds}::text[])`
  return new Map(
    rows.map(({ order_id: orderId, buyer_id: buyerId, product_id: productId, quantity }) => [
      orderId,
      { buyerId, productId, quantity },
    ]),
  )
}

/** Locked until the transaction ends, in the order of ids. */
export async function lockOrders(tx: Tx, orderIds: readonly string[]): Promise<Map<string, Order>> {
  if (orderIds.length === 0) return new Map()
  const rows = await tx<Row>`
    select * from orders where order_id = any(${orderIds}::text[]) order by order_id for update`
  return new Map(rows.map((row) => [row.order_id, toOrder(row)]))
}

/** Status and version of orders that a decision has changed; most of a batch go the same way. */
export async function saveOrders(tx: Tx, orders: readonly Order[]): Promise<void> {
  const ways = Map.groupBy(orders, ({ status, version }) => `${status} ${version}`)
  await Promise.all([...ways.values()].map((alike) => saveAlike(tx, alike)))
}

async function saveAlike(tx: Tx, orders: readonly Order[]): Promise<void> {
  const saved = await tx`
    update orders
    set status = ${orders[0]?.status}, version = ${orders[0]?.version}::int
    where order_id = any(${orders.map((order) => order.orderId)}::text[]) and version < ${orders[0]?.version}::int
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
