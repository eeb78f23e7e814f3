import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Database } from '@timesale/postgres/database'
import { insertEffect } from './tables.ts'
import type { Listener, Way } from './ways.ts'

const KEPT_FOR_MS = 60_000

// What is called over HTTP: `PUT /ORDER_ID`, the same call however often it is made.

/** Of the order program: 202 once an order is accepted, 503 where it is not. */
export function takeOrders(port: number, place: (orderId: string) => Promise<void>): Promise<void> {
  return listen(port, 202, place)
}

/** Of a listener: 204 once it has done what it does for an order. */
export function listenToCalls(
  port: number,
  { way, listener }: { way: Way; listener: Listener },
  db: Database,
): Promise<void> {
  return listen(port, 204, (orderId) => insertEffect(db.write, way, listener, orderId))
}

async function listen(port: number, done: number, work: (orderId: string) => Promise<void>): Promise<void> {
  // Connections are kept: one that is closed just when it is used again would be an order without an answer.
  const server = createServer({ keepAliveTimeout: KEPT_FOR_MS }, (request, response) => {
    request.resume()
    const answer = (status: number) => (): void => void response.writeHead(status).end()
    work((request.url ?? '').slice(1)).then(answer(done), answer(503))
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
}
