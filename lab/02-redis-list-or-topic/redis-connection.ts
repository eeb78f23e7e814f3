import { createClient } from 'redis'

export type Redis = ReturnType<typeof connect>

/** Not connected yet; comes back by itself after Redis was killed. */
export function connect(url: string) {
  const client = createClient({ url, socket: { reconnectStrategy: 200 } })
  // It is killed on purpose.
  client.on('error', () => undefined)
  return client
}
