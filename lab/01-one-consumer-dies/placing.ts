import { insertOutboxRows } from '@timesale/kafka/outbox'
import { looseRow } from '@timesale/kafka/outbox-lines'
import { Relay } from '@timesale/kafka/relay'
import type { Database } from '@timesale/postgres/database'
import { createLogger } from '@timesale/telemetry/logger'
import { createRegistry } from '@timesale/telemetry/metrics'
import { until } from '@timesale/testkit/until'
import { Calls } from './calls.ts'
import { TOPIC } from './consumer.ts'
import { insertOrder } from './tables.ts'
import type { Given } from './ways.ts'

/** Resolves when the order is accepted, and rejects when it is not. */
type Place = (orderId: string) => Promise<void>

/** How long a buyer is kept waiting for somebody who does not answer. */
const PATIENCE_MS = 2_000

/** How the order program accepts an order, and has others told of it. */
export function placing(given: Given, db: Database): Promise<Place> | Place {
  switch (given.way) {
    case 'in-request':
      return tellInRequest(given, db)
    case 'afterwards':
      return tellAfterwards(given, db)
    case 'events':
      return tellByEvents(given, db)
  }
}

function tellInRequest({ way, ports }: Given, db: Database): Place {
  const [stock, notification] = [new Calls(ports.stock), new Calls(ports.notification)]
  return async (orderId) => {
    // Without stock's yes there is no order.
    await stock.tell(orderId, PATIENCE_MS)
    await insertOrder(db.write, way, orderId)
    // For want of a notice nobody takes an order back.
    await notification.tell(orderId, PATIENCE_MS).catch(() => undefined)
  }
}

/** What is still to be told is in the memory of this program, and nowhere else. */
function tellAfterwards({ way, ports }: Given, db: Database): Place {
  const listeners = [new Calls(ports.stock), new Calls(ports.notification)]
  return async (orderId) => {
    await insertOrder(db.write, way, orderId)
    for (const listener of listeners) void listener.tell(orderId, Number.POSITIVE_INFINITY)
  }
}

/** One transaction for the order and for what is to be said of it; the relay says it, from the database alone. */
async function tellByEvents({ way, brokers, postgresUrl }: Given, db: Database): Promise<Place> {
  const relay = new Relay({
    ...{ service: 'lab', dbUrl: postgresUrl, brokers: brokers.split(',') },
    logger: createLogger({ service: 'lab', level: 'error' }),
    registry: createRegistry('lab'),
  })
  relay.start()
  await until('the relay leads', () => relay.state === 'leading')
  return async (orderId) => {
    await db.tx(async (tx) => {
      const value = Buffer.from(JSON.stringify({ orderId, status: 'PLACED' }))
      const row = looseRow({ topic: TOPIC, key: orderId, headers: [], value })
      await Promise.all([insertOrder(tx, way, orderId), insertOutboxRows(tx, [row])])
    })
    relay.wake()
  }
}
