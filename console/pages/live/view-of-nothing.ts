import type { LiveView } from '@timesale/contracts/console-api'

/** A shop of which nothing could be read. */
export const NOTHING: LiveView = {
  at: new Date(0).toISOString(),
  ...{ parts: null, topics: null, groups: null, orders: null, stock: null, rush: null },
  outboxes: [],
  redis: { asOf: new Date(0).toISOString(), reachable: false },
}
