import { connectionsApiChannel } from '@platformatic/kafka'

/** Requests that this process has sent to brokers since its start. */
export interface KafkaRequests {
  readonly sends: number
  readonly fetches: number
  /** Heartbeats, commits of offsets, and what is asked once. */
  readonly others: number
}

const PRODUCE_KEY = 0
const FETCH_KEY = 1

/** Begins to count; what it gives back tells how far it is. */
export function countKafkaRequests(): () => KafkaRequests {
  const count = { sends: 0, fetches: 0, others: 0 }
  connectionsApiChannel.start.subscribe((message) => {
    const { apiKey } = message as { apiKey?: number }
    if (apiKey === PRODUCE_KEY) count.sends += 1
    else if (apiKey === FETCH_KEY) count.fetches += 1
    else count.others += 1
  })
  return () => ({ ...count })
}
