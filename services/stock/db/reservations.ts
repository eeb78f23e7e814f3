import type { Tx } from '@timesale/postgres/sql'
import type { Movement, Reservation } from '../stock.ts'

interface Row {
  order_id: string
  product_id: string
  quantity: number
  state: Reservation['state']
  version: number
}

export async function lockReservations(tx: Tx, orderIds: readonly string[]): Promise<Map<string, Reservation>> {
  if (orderIds.length === 0) return new Map()
  const rows = await tx<Row>`
    select * from reservations where order_id = any(${orderIds}::text[]) order by order_id for update`
  return new Map(
    rows.map(({ order_id: orderId, product_id: productId, quantity, state, version }) => [
      orderId,
      { orderId, productId, quantity, state, version },
    ]),
  )
}

export async function saveReservations(tx: Tx, reservations: readonly Reservation[]): Promise<void> {
  if (reservations.length === 0) return
  await tx`
    insert into reservations (order_id, product_id, quantity, state, version)
    select * from unnest(
      ${reservations.map((one) => one.orderId)}::text[],
      ${reservations.map((one) => one.productId)}::text[],
      ${reservations.map((one) => one.quantity)}::int[],
      ${reservations.map((one) => one.state)}::text[],
      ${reservations.map((one) => one.version)}::int[])
    on conflict (order_id) do update set state = excluded.state, version = excluded.version`
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
