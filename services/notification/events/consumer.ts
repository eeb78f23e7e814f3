import { OrderCancelled, OrderConfirmed, OrderRejected } from '@timesale/contracts/order-events'
import type { Apply } from '@timesale/kafka/apply-batch'
import { insertNotices } from '../db/notices.ts'
import { noticeOf } from '../notice.ts'

export const NOTIFICATION_USES = [OrderConfirmed, OrderRejected, OrderCancelled] as const

export const applyToNotices: Apply = async (tx, events) => {
  await insertNotices(
    tx,
    events.flatMap((event) => noticeOf(event) ?? []),
  )
  return []
}
