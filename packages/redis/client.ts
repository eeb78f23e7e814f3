import { createClient } from 'redis'
import type { Logger } from '@timesale/telemetry/logger'

export type Client = ReturnType<typeof createClient>

export interface ClientOptions {
  readonly url: string
  readonly logger: Logger
  /** A connection on which nothing comes for so long is given up. */
  readonly socketTimeoutMs: number
  readonly reconnectWithinMs: number
  /** What it means that Redis is away, for the log. */
  readonly whenLost: string
}

/** A client that queues nothing while Redis is away and sends nothing twice, comes back by itself, and says so once each time. */
export function makeClient(options: ClientOptions): Client {
  const client: Client = createClient({
    url: options.url,
    // What is sent late is no longer wanted: a hint is wrong then, and a script may run a second time.
    disableOfflineQueue: true,
    pingInterval: 2_000,
    socket: {
      connectTimeout: 1_000,
      socketTimeout: options.socketTimeoutMs,
      // The default strategy does not come back after a socket timeout.
      reconnectStrategy: (retries) => Math.min(100 + retries * 100, options.reconnectWithinMs),
    },
  })
  // Reconnecting fails again and again while Redis is away: said once each time it goes, and once when it is back.
  let lost = false
  client.on('error', (error: Error) => {
    if (!lost) options.logger.warn({ err: error }, options.whenLost)
    lost = true
  })
  client.on('ready', () => {
    if (lost) options.logger.info('redis: back')
    lost = false
  })
  return client
}
