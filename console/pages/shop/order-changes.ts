import type { OrderChange } from '@timesale/contracts/my-order-api'
import type { OrderView } from '@timesale/contracts/order-api'

/** What a stream would have told of an order that was read. */
export function changesOf({ orderId, history, reason }: OrderView): readonly OrderChange[] {
  return history.map(({ version, status, at }) => ({
    ...{ orderId, version, status, at },
    ...(status === 'REJECTED' && reason !== undefined ? { reason } : {}),
  }))
}

/** Each change once, oldest first. */
export function allChanges(known: readonly OrderChange[], more: readonly OrderChange[]): readonly OrderChange[] {
  const byVersion = new Map([...known, ...more].map((change) => [change.version, change]))
  return [...byVersion.values()].toSorted((one, other) => one.version - other.version)
}
