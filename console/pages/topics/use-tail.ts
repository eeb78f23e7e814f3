import { useEffect, useState } from 'react'
import type { RecordView, TailEvent } from '@timesale/contracts/console-api'
import { followEvents, type StreamState } from '../../api/event-stream.ts'

const SHOWN_MAX = 200

export interface Tail {
  readonly records: readonly RecordView[]
  /** How many were left out since it began. */
  readonly skipped: number
  readonly stream: StreamState
  /** What was heard last: when, and whether Kafka answered. Something is heard each five seconds. */
  readonly heard: Pick<TailEvent, 'at' | 'reachable'> | undefined
}

/** New records of a topic while `on`, newest first. */
export function useTail(topic: string, on: boolean): Tail {
  const [records, setRecords] = useState<readonly RecordView[]>([])
  const [skipped, setSkipped] = useState(0)
  const [stream, setStream] = useState<StreamState>({ is: 'connecting' })
  const [heard, setHeard] = useState<Tail['heard']>()
  useEffect(() => {
    if (!on) return undefined
    const leaving = new AbortController()
    setRecords([])
    setSkipped(0)
    setHeard(undefined)
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
        setHeard(told)
      },
    })
    return () => leaving.abort()
  }, [topic, on])
  return { records, skipped, stream, heard }
}
