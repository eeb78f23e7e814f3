import type { ServiceTrace } from '@timesale/contracts/trace-api'
import type { Sql, Tx } from '@timesale/postgres/sql'
import type { Movement, Reservation } from '../stock.ts'

interface Row {
  order_id: string
  product_id: string
  quantity: number
  state: Reservation['state']
  version: number
  sale_id: string | null
  buyer_id: string | null
}

export async function lockReservations(tx: Tx, orderIds: readonly string[]): Promise<Map<string, Reservation>> {
  if (orderIds.length === 0) return new Map()
  const rows = await tx<Row>`
    select * from reservations where order_id = any(${orderIds}::text[]) order by order_id for update`
  return new Map(rows.map((row) => [row.order_id, toReservation(row)]))
}

/** Writes reservations, those in `stored` over their rows, which are locked. */
export async function saveReservations(
  tx: Tx,
  reservations: readonly Reservation[],
  stored: ReadonlyMap<string, Reservation>,
): Promise<void> {
  await Promise.all([
    insertReservations(
      tx,
      reservations.filter(({ orderId }) => !stored.has(orderId)),
    ),
    updateReservations(
      tx,
      reservations.filter(({ orderId }) => stored.has(orderId)),
    ),
  ])
}

async function insertReservations(tx: Tx, reservations: readonly Reservation[]): Promise<void> {
  if (reservations.length === 0) return
  await tx`
    insert into reservations (order_id, product_id, quantity, state, version, sale_id, buyer_id)
    select * from unnest(
      ${reservations.map((one) => one.orderId)}::text[],
      ${reservations.map((one) => one.productId)}::text[],
      ${reservations.map((one) => one.quantity)}::int[],
      ${reservations.map((one) => one.state)}::text[],
      ${reservations.map((one) => one.version)}::int[],
      ${reservations.map((one) => one.sale?.saleId ?? null)}::text[],
      ${reservations.map((one) => one.sale?.buyerId ?? null)}::text[])`
}

// Most of a batch go the same way.
async function updateReservations(tx: Tx, reservations: readonly Reservation[]): Promise<void> {
  const ways = Map.groupBy(reservations, ({ state, version }) => `${state} ${version}`)
  await Promise.all(
    [...ways.values()].map(
      (alike) => tx`
        update reservations
        set state = ${alike[0]?.state}, version = ${alike[0]?.version}::int
        where order_id = any(${alike.map(({ orderId }) => orderId)}::text[])`,
    ),
  )
}

export async function appendMovements(tx: Tx, movements: readonly Movement[]): Promise<void> {
  if (movements.length === 0) return
  await tx`
    insert into stock_ledger (product_id, order_id, version, kind, quantity)
    select * from unnest(
      ${movements.map((movement) => movement.productId)}::text[],
      ${movements.map((movement) => movement.orderId)}::text[],
      ${movements.map((movement) => movement.version)}::int[],
      ${movements.map((movement) => movement.kind)}::text[],
      ${movements.map((movement) => movement.quantity)}::int[])`
}

function toReservation(row: Row): Reservation {
  const { order_id: orderId, product_id: productId, quantity, state, version, sale_id: saleId, buyer_id: buyerId } = row
  const reservation = { orderId, productId, quantity, state, version }
  return saleId === null || buyerId === null ? reservation : { ...reservation, sale: { saleId, buyerId } }
}

/** What was moved for an order, oldest first. */
export async function findMovements(sql: Sql, orderId: string): Promise<ServiceTrace['movements']> {
  const rows = await sql<Omit<ServiceTrace['movements'][number], 'at'> & { at: Date }>`
    select at, version, kind, quantity from stock_ledger where order_id = ${orderId} order by version`
  return rows.map(({ at, ...movement }) => ({ ...movement, at: at.toISOString() }))
}
