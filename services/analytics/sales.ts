import { OrderConfirmed } from '@timesale/contracts/order-events'
import { isEvent, type ReceivedEvent } from '@timesale/kafka/decode'

/** What is to be added under one key. Revenue is a bigint: sums outgrow what a number holds exactly. */
export interface Sum {
  readonly by: string
  readonly currency: string
  orders: number
  units: number
  revenueMinor: bigint
}

export interface SalesOfBatch {
  /** By minute of the event's own time (ISO), so that a late reader counts like a prompt one. */
  readonly minutes: readonly Sum[]
  readonly products: readonly Sum[]
  readonly events: readonly EventsOfMinute[]
}

interface EventsOfMinute {
  readonly minute: string
  readonly type: string
  events: number
}

/** What a batch of events adds to the rollups. Pure. */
export function sumUp(batch: readonly ReceivedEvent[]): SalesOfBatch {
  const minutes = new Map<string, Sum>()
  const products = new Map<string, Sum>()
  const events = new Map<string, Map<string, EventsOfMinute>>()
  let lastTime: Date | undefined
  let minute = ''
  let ofMinute = new Map<string, EventsOfMinute>()
  for (const event of batch) {
    // Events of one flush have one time between them.
    if (event.time !== lastTime) {
      lastTime = event.time
      minute = `${event.time.toISOString().slice(0, 16)}:00.000Z`
      ofMinute = events.get(minute) ?? new Map<string, EventsOfMinute>()
      events.set(minute, ofMinute)
    }
    const seen = ofMinute.get(event.type)
    if (seen === undefined) ofMinute.set(event.type, { minute, type: event.type, events: 1 })
    else seen.events += 1
    if (!isEvent(event, OrderConfirmed)) continue
    add(minutes, minute, event.data)
    add(products, event.data.productId, event.data)
  }
  return {
    minutes: [...minutes.values()],
    products: [...products.values()],
    events: [...events.values()].flatMap((one) => [...one.values()]),
  }
}

function add(
  sums: Map<string, Sum>,
  by: string,
  order: { currency: string; quantity: number; unitPriceMinor: number },
): void {
  const key = `${by} ${order.currency}`
  const sum = sums.get(key) ?? { by, currency: order.currency, orders: 0, units: 0, revenueMinor: 0n }
  sum.orders += 1
  sum.units += order.quantity
  // Exact: at most 1,000 units of 10^12 each (contracts/fields.ts).
  sum.revenueMinor += BigInt(order.quantity * order.unitPriceMinor)
  sums.set(key, sum)
}
