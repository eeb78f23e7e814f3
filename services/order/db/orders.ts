import type { OrderStatus, OrderSummary, OrderView } from '@timesale/contracts/order-api'
import type { SaleTerms } from '@timesale/contracts/order-events'
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
  sale_id: string | null
  placed_at: Date
}

export interface NewOrder {
  readonly order: Order
  /** The sale it is placed in. */
  readonly sale: SaleTerms | undefined
  readonly key: OrderKey | undefined
}

/** A row of the outbox that tells of the orders it is inserted with. */
interface OutboxRow {
  readonly events: number
  readonly bytes: number
  readonly lines: string
}

// The time of an order is the database's, in whole milliseconds: as exact as whoever reads it, so that a place in the list
// is one, and the same moment is judged by and written down.

/**
 * Inserts orders with their history, keys and outbox in one statement, which is a transaction of its own: one round trip,
 * and nothing is looked up before. Undefined, and nothing is done, where one of them is not as presumed: its id or its
 * key is taken, its price or its sale is not (or no longer) what the catalogue says, or the sale is not open. Else the
 * time of the database, in milliseconds of the epoch. Throws CommitOutcomeUnknown where the answer was lost.
 */
export async function insertPresumedNew(
  db: Database,
  orders: readonly NewOrder[],
  outbox: readonly OutboxRow[],
): Promise<number | undefined> {
  const sorted = sortById(orders)
  const ids = sorted.map(({ order }) => order.orderId)
  const keys = sortKeys(orders.flatMap(({ key }) => (key === undefined ? [] : [key])))
  try {
    // Where the offer is another one, none is found, and the column takes no null. The server goes from the last of these
    // to the first: orders, history, keys, outbox, as `placeOrders` does, or the two could wait for each other.
    const [row] = await db.write<{ now_ms: number }>`
      with moment as (select date_trunc('milliseconds', now()) as at
      ), told as (
        insert into outbox (events, bytes, lines)
        select * from unnest(
          ${outbox.map((row) => row.events)}::int[],
          ${outbox.map((row) => row.bytes)}::int[],
          string_to_array(${outbox.map((row) => row.lines).join(TEXT_SEPARATOR)}, ${TEXT_SEPARATOR}))
      ), named as (
        insert into order_keys (buyer_id, key, order_id)
        select * from unnest(
          ${keys.map(({ buyerId }) => buyerId)}::text[],
          ${keys.map(({ key }) => key)}::text[],
          ${keys.map(({ orderId }) => orderId)}::text[])
      ), history as (
        insert into order_history (order_id, version, status, cause, at)
        select order_id, 1, 'PLACED', 'POST /orders', (select at from moment)
        from unnest(${ids}::text[]) as placed (order_id)
      ), placed as (
        insert into orders (order_id, buyer_id, product_id, quantity, unit_price_minor, currency,
          sale_id, status, version, placed_at)
        select wish.order_id, wish.buyer_id, wish.product_id, wish.quantity, (
            select wish.unit_price_minor
            from product_copies as copy
            where copy.product_id = wish.product_id and copy.stocked and copy.currency = wish.currency
              and case when wish.sale_id is null
                then copy.sale_id is null and copy.unit_price_minor = wish.unit_price_minor
                else copy.sale_id = wish.sale_id and copy.sale_price_minor = wish.unit_price_minor
                  and copy.sale_units = wish.sale_units
                  and copy.sale_limit_per_buyer is not distinct from wish.sale_limit_per_buyer
                  and (select at from moment) >= copy.sale_starts_at and (select at from moment) < copy.sale_ends_at
                end),
          wish.currency, wish.sale_id, 'PLACED', 1, (select at from moment)
        from unnest(
          ${ids}::text[],
          ${sorted.map(({ order }) => order.buyerId)}::text[],
          ${sorted.map(({ order }) => order.productId)}::text[],
          ${sorted.map(({ order }) => order.quantity)}::int[],
          ${sorted.map(({ order }) => order.unitPriceMinor)}::bigint[],
          ${sorted.map(({ order }) => order.currency)}::text[],
          ${sorted.map(({ sale }) => sale?.saleId)}::text[],
          ${sorted.map(({ sale }) => sale?.units)}::int[],
          ${sorted.map(({ sale }) => sale?.limitPerBuyer)}::int[])
          as wish (order_id, buyer_id, product_id, quantity, unit_price_minor, currency,
            sale_id, sale_units, sale_limit_per_buyer)
      )
      select (extract(epoch from at) * 1000)::float8 as now_ms from moment`
    return row?.now_ms
  } catch (error) {
    // Of the order, its history or its key, whichever the server came to first.
    if (isUniqueViolation(error) || isNotNullViolation(error)) return undefined
    throw error
  }
}

/** Inserts orders. Answers the ids that are new; the others were there, or came in another replica's flush just now. */
export async function insertOrders(tx: Tx, orders: readonly NewOrder[]): Promise<Set<string>> {
  if (orders.length === 0) return new Set()
  const sorted = sortById(orders)
  const rows = await tx<{ order_id: string }>`
    insert into orders (order_id, buyer_id, product_id, quantity, unit_price_minor, currency,
      sale_id, status, version, placed_at)
    select *, 'PLACED', 1, (select date_trunc('milliseconds', now())) from unnest(
      ${sorted.map(({ order }) => order.orderId)}::text[],
      ${sorted.map(({ order }) => order.buyerId)}::text[],
      ${sorted.map(({ order }) => order.productId)}::text[],
      ${sorted.map(({ order }) => order.quantity)}::int[],
      ${sorted.map(({ order }) => order.unitPriceMinor)}::bigint[],
      ${sorted.map(({ order }) => order.currency)}::text[],
      ${sorted.map(({ sale }) => sale?.saleId)}::text[])
    on conflict (order_id) do nothing
    returning order_id`
  return new Set(rows.map((row) => row.order_id))
}

/** Takes back orders that this transaction has inserted, before anybody was told of them. */
export async function takeBack(tx: Tx, orderIds: readonly string[]): Promise<void> {
  await tx`delete from orders where order_id = any(${orderIds}::text[])`
}

// By id, so that two replicas that accept the same ids wait for each other instead of deadlocking.
function sortById(orders: readonly NewOrder[]): NewOrder[] {
  return [...orders].sort((one, other) => (one.order.orderId < other.order.orderId ? -1 : 1))
}

/** What a buyer called the request of an order. */
export interface OrderKey {
  readonly buyerId: string
  readonly key: string
  readonly orderId: string
}

/** Names orders by the keys of their requests. A key that names an order goes on naming that one. */
export async function claimKeys(tx: Tx, keys: readonly OrderKey[]): Promise<void> {
  if (keys.length === 0) return
  const sorted = sortKeys(keys)
  await tx`
    insert into order_keys (buyer_id, key, order_id)
    select * from unnest(
      ${sorted.map(({ buyerId }) => buyerId)}::text[],
      ${sorted.map(({ key }) => key)}::text[],
      ${sorted.map(({ orderId }) => orderId)}::text[])
    on conflict (buyer_id, key) do nothing`
}

/** Of each of these orders, by its id: which order its key names, if it names one. */
export async function findNamed(sql: Sql, keys: readonly OrderKey[]): Promise<Map<string, string>> {
  if (keys.length === 0) return new Map()
  const rows = await sql<{ order_id: string; named: string | null }>`
    select wish.order_id, (
        select order_keys.order_id from order_keys
        where order_keys.buyer_id = wish.buyer_id and order_keys.key = wish.key) as named
    from unnest(
      ${keys.map(({ orderId }) => orderId)}::text[],
      ${keys.map(({ buyerId }) => buyerId)}::text[],
      ${keys.map(({ key }) => key)}::text[]) as wish (order_id, buyer_id, key)`
  return new Map(rows.flatMap(({ order_id: orderId, named }) => (named === null ? [] : [[orderId, named]])))
}

// In one order everywhere, as orders are by id. Neither part has blanks.
function sortKeys(keys: readonly OrderKey[]): OrderKey[] {
  const name = ({ buyerId, key }: OrderKey): string => `${buyerId} ${key}`
  return [...keys].sort((one, other) => (name(one) < name(other) ? -1 : 1))
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

/** One order, locked until the transaction ends; of its owner alone, where there is one. */
export async function lockOwned(tx: Tx, orderId: string, owner: string | undefined): Promise<Order | undefined> {
  const [row] = await tx<Row>`
    select * from orders
    where order_id = ${orderId} and (${owner}::text is null or buyer_id = ${owner})
    for update`
  return row === undefined ? undefined : toOrder(row)
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
  /** Why an order was rejected. */
  readonly reason?: string | undefined
}

export async function appendHistory(tx: Tx, entries: readonly HistoryEntry[]): Promise<void> {
  if (entries.length === 0) return
  await tx`
    insert into order_history (order_id, version, status, cause, reason, at)
    select *, (select date_trunc('milliseconds', now())) from unnest(
      ${entries.map((entry) => entry.orderId)}::text[],
      ${entries.map((entry) => entry.version)}::int[],
      ${entries.map((entry) => entry.status)}::text[],
      ${entries.map((entry) => entry.cause)}::text[],
      ${entries.map((entry) => entry.reason)}::text[])`
}

/** An order with its history; of its owner alone, where there is one. */
export async function findOrder(sql: Sql, orderId: string, owner: string | undefined): Promise<OrderView | undefined> {
  const [row] = await sql<Row & { history: (OrderView['history'][number] & { reason: string | null })[] }>`
    select orders.*, (
      select json_agg(json_build_object('version', version, 'status', status, 'at', at, 'cause', cause, 'reason', reason)
        order by version)
      from order_history
      where order_history.order_id = orders.order_id) as history
    from orders
    where order_id = ${orderId} and (${owner}::text is null or buyer_id = ${owner})`
  if (row === undefined) return undefined
  const { version: _version, ...order } = toOrder(row)
  const reason = row.history.at(-1)?.reason ?? undefined
  const history = row.history.map(({ reason: _reason, ...entry }) => ({
    ...entry,
    at: new Date(entry.at).toISOString(),
  }))
  return { ...order, ...(reason === undefined ? {} : { reason }), history }
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
    ...(row.sale_id === null ? {} : { saleId: row.sale_id }),
  }
}
