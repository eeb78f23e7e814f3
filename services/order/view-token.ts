import { OrderPlaced } from '@timesale/contracts/order-events'
import { writeViewToken } from '@timesale/contracts/view-token'

/** The token of the fact that this version of an order is. */
export function orderViewToken(orderId: string, version: number): string {
  return writeViewToken({ source: OrderPlaced.source, aggregateId: orderId, version })
}
