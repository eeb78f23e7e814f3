import type { LiveView } from '@timesale/contracts/console-api'

/**
 * A view in which what could not be read now is what was read last. Each keeps the time when it was read, so that it is shown
 * as old; parts do not stay, since what ran a minute ago may run no more.
 */
export function withLastKnown(last: LiveView | undefined, view: LiveView): LiveView {
  if (last === undefined) return view
  return {
    ...view,
    topics: view.topics ?? last.topics,
    groups: view.groups ?? last.groups,
    orders: view.orders ?? last.orders,
    stock: view.stock ?? last.stock,
  }
}
