import type { RecordView, TailEvent } from '@timesale/contracts/console-api'
import type { StreamState } from '../../api/event-stream.ts'

const SHOWN_MAX = 200

export interface Tail {
  readonly records: readonly RecordView[]
  /** How many were left out since it began. */
  readonly skipped: number
  readonly stream: StreamState
  /** What was heard last: when, and whether Kafka answered. Something is heard each five seconds. */
  readonly heard: Pick<TailEvent, 'at' | 'reachable'> | undefined
  /** When the topic was last read; undefined before it was for the first time. */
  readonly readAt: string | undefined
  /** When it was last read before the stream was opened anew: from then on records may not be here. */
  readonly lostAt: string | undefined
}

export const NEW_TAIL: Tail = {
  ...{ records: [], skipped: 0, stream: { is: 'connecting' } },
  ...{ heard: undefined, readAt: undefined, lostAt: undefined },
}

/** With what was heard, newest first. */
export function withHeard(tail: Tail, heard: TailEvent): Tail {
  return {
    ...tail,
    records: [...heard.records.toReversed(), ...tail.records].slice(0, SHOWN_MAX),
    skipped: tail.skipped + heard.skipped,
    heard,
    readAt: heard.reachable ? heard.at : tail.readAt,
  }
}

/** A stream that is opened again begins at the end of the topic, whatever was written meanwhile. */
export function withStream(tail: Tail, stream: StreamState): Tail {
  return { ...tail, stream, lostAt: stream.is === 'open' ? (tail.lostAt ?? tail.readAt) : tail.lostAt }
}
