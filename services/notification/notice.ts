import type { Notice } from '@timesale/contracts/notification-api'
import { OrderCancelled, OrderConfirmed, OrderRejected } from '@timesale/contracts/order-events'
import { isEvent, type ReceivedEvent } from '@timesale/kafka/decode'

export type NewNotice = Omit<Notice, 'at'> & { readonly buyerId: string; readonly at: Date }

/** What a buyer is told of an event about their order, if anything. */
export function noticeOf(event: ReceivedEvent): NewNotice | undefined {
  if (isEvent(event, OrderConfirmed)) return { ...about(event), kind: 'CONFIRMED' }
  if (isEvent(event, OrderRejected)) return { ...about(event), kind: 'REJECTED' }
  if (isEvent(event, OrderCancelled)) return { ...about(event), kind: 'CANCELLED' }
  return undefined
}

function about(event: ReceivedEvent<{ orderId: string; buyerId: string }>): Omit<NewNotice, 'kind'> {
  return { orderId: event.data.orderId, buyerId: event.data.buyerId, at: event.time }
}
