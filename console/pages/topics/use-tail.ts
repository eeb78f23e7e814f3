import { useEffect, useState } from 'react'
import type { RecordView, TailEvent } from '@timesale/contracts/console-api'
import { followEvents, type StreamState } from '../../api/event-stream.ts'

const SHOWN_MAX = 200

/** New records of a topic while `on`, newest first; `skipped`: how many were left out since it began. */
export function useTail(
  topic: string,
  on: boolean,
): { records: readonly RecordView[]; skipped: number; stream: StreamState } {
  const [records, setRecords] = useState<readonly RecordView[]>([])
  const [skipped, setSkipped] = useState(0)
  const [stream, setStream] = useState<StreamState>({ is: 'connecting' })
  useEffect(() => {
    if (!on) return undefined
    const leaving = new AbortController()
    setRecords([])
    setSkipped(0)
    void followEvents({
      seat: 'operator',
      path: `/api/console/topics/${topic}/tail`,
      signal: leaving.signal,
      onState: setStream,
      onEvent: ({ name, data }) => {
        if (name !== 'records') return
        const told = data as TailEvent
        setRecords((before) => [...told.records.toReversed(), ...before].slice(0, SHOWN_MAX))
        setSkipped((before) => before + told.skipped)
      },
    })
    return () => leaving.abort()
  }, [topic, on])
  return { records, skipped, stream }
}
