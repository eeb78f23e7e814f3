import { useEffect, useState } from 'react'
import type { TailEvent } from '@timesale/contracts/console-api'
import { followEvents } from '../../api/event-stream.ts'
import { NEW_TAIL, withHeard, withStream, type Tail } from './tail.ts'

/** New records of a topic while `on`, newest first. */
export function useTail(topic: string, on: boolean): Tail {
  const [tail, setTail] = useState(NEW_TAIL)
  useEffect(() => {
    if (!on) return undefined
    const leaving = new AbortController()
    setTail(NEW_TAIL)
    void followEvents({
      seat: 'operator',
      path: `/api/console/topics/${topic}/tail`,
      signal: leaving.signal,
      onState: (stream) => setTail((before) => withStream(before, stream)),
      onEvent: ({ name, data }) => {
        if (name === 'records') setTail((before) => withHeard(before, data as TailEvent))
      },
    })
    return () => leaving.abort()
  }, [topic, on])
  return tail
}
