import { useEffect, useState } from 'react'
import type { OrderChange } from '@timesale/contracts/my-order-api'
import type { OrderView } from '@timesale/contracts/order-api'
import { followEvents } from '../../api/event-stream.ts'
import { useGet } from '../../api/use-get.ts'
import { allChanges, changesOf } from './order-changes.ts'

const EVERY_MS = 1_500

/** What has become of an order since it was accepted, oldest first: as it happens for the newest one, asked after for others. */
export function useChanges(
  orderId: string,
  { isAccepted, isNewest }: { readonly isAccepted: boolean; readonly isNewest: boolean },
): readonly OrderChange[] {
  const [told, setTold] = useState<readonly OrderChange[]>([])
  const isOver = told.some(({ status }) => status !== 'PLACED')
  const isTold = isAccepted && isNewest && !isOver
  useEffect(() => {
    if (!isTold) return undefined
    const leaving = new AbortController()
    void followEvents({
      seat: 'buyer',
      path: `/api/orders/${orderId}/events`,
      signal: leaving.signal,
      onState: () => undefined,
      onEvent: ({ data }) => setTold((before) => allChanges(before, [data as OrderChange])),
    })
    return () => leaving.abort()
  }, [isTold, orderId])
  const asked = useGet<OrderView>('buyer', `/api/orders/${orderId}`, {
    enabled: isAccepted && !isNewest && !isOver,
    everyMs: EVERY_MS,
    isLast: ({ status }) => status !== 'PLACED',
  })
  return asked.data === undefined ? told : allChanges(told, changesOf(asked.data))
}
