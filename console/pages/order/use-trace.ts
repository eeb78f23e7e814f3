import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { OrderTrace } from '@timesale/contracts/trace-api'
import { call } from '../../api/call.ts'
import { followEvents } from '../../api/event-stream.ts'
import { isFinal } from '../../api/problem.ts'
import { isUnfinished } from './hop-story.ts'

const EVERY_MS = 2_000

/** Every hop of an order, read again while more is to come, and at once when the order changes. */
export function useTrace(orderId: string): UseQueryResult<OrderTrace> {
  const queries = useQueryClient()
  const path = `/api/orders/${encodeURIComponent(orderId)}`
  const trace = useQuery({
    queryKey: ['operator', `${path}/trace`],
    queryFn: ({ signal }) => call<OrderTrace>('operator', `${path}/trace`, { signal }),
    refetchInterval({ state: { data, error } }) {
      // There is no such order, and asking does not make one.
      if (isFinal(error)) return false
      return data === undefined || isUnfinished(data) ? EVERY_MS : false
    },
  })
  const isOpen = trace.data?.status === 'PLACED'
  useEffect(() => {
    if (!isOpen) return
    const enough = new AbortController()
    void followEvents({
      seat: 'operator',
      path: `${path}/events`,
      signal: enough.signal,
      onEvent: () => void queries.invalidateQueries({ queryKey: ['operator', `${path}/trace`] }),
      // Without it the page looks every two seconds all the same.
      onState: () => undefined,
    })
    return () => enough.abort()
  }, [isOpen, path, queries])
  return trace
}
