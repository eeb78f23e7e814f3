import type { ORDER_CHANGES, OrderChange } from '@timesale/contracts/my-order-api'
import type { OrderStatus, OrderView } from '@timesale/contracts/order-api'

const NAMES: Readonly<Record<OrderStatus, (typeof ORDER_CHANGES)[number]>> = {
  PLACED: 'placed',
  CONFIRMED: 'confirmed',
  REJECTED: 'rejected',
  CANCELLED: 'cancelled',
}

/** An event of a stream (HTML standard, 9.2). */
export interface ChangeEvent {
  readonly id: string
  readonly event: (typeof ORDER_CHANGES)[number]
  readonly data: OrderChange
}

/** What happened to an order after this version, in its order. */
export function changesAfter({ orderId, reason, history }: OrderView, after: number): ChangeEvent[] {
  return history
    .filter(({ version }) => version > after)
    .map(({ version, status, at }) => ({
      id: String(version),
      event: NAMES[status],
      data: { orderId, status, version, at, ...(status === 'REJECTED' && reason !== undefined ? { reason } : {}) },
    }))
}

/** Nothing will happen to it any more. */
export function isDecided({ status }: OrderView): boolean {
  return status !== 'PLACED'
}
