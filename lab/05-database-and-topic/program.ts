import { randomUUID } from 'node:crypto'
import { ProduceAcks, Producer } from '@platformatic/kafka'
import { insertOutboxRows } from '@timesale/kafka/outbox'
import { looseRow } from '@timesale/kafka/outbox-lines'
import { Relay } from '@timesale/kafka/relay'
import { Database } from '@timesale/postgres/database'
import type { Sql } from '@timesale/postgres/sql'
import { createLogger } from '@timesale/telemetry/logger'
import { createRegistry } from '@timesale/telemetry/metrics'
import { until } from '@timesale/testkit/until'

// Places orders as fast as it can, as a service under load does: each is a row of the database and a record on the topic.
// It runs until it is killed, or told to finish what it has begun.

/** How a row and a record are brought together. Also the name of the topic. */
export type Way = 'commit-then-send' | 'send-then-commit' | 'outbox'

/** What it is started with. */
export interface Given {
  readonly way: Way
  /** Of which repeat; the orders' ids begin with it. */
  readonly run: number
  readonly brokers: string
  readonly postgresUrl: string
}

/** Once, when orders go through. */
export interface Told {
  readonly isWorking: true
}

interface Orders {
  place(orderId: string): Promise<void>
  /** Both the database and the topic are being written to. */
  isUnderWay(): boolean
  /** Whatever else has to be done once the last order was placed. */
  finish(): Promise<void>
}

/** Requests that are served at the same time. */
const WRITERS = 16
const WARM_UP_ORDERS = 5 * WRITERS

const { way, run, brokers, postgresUrl } = JSON.parse(process.argv[2] ?? '{}') as Given
const db = new Database({ url: postgresUrl, poolSize: WRITERS, applicationName: way })
const orders = way === 'outbox' ? throughOutbox() : writeTwice()
const over = new AbortController()
let placed = 0
let hasTold = false
process.on('message', () => over.abort())
process.on('disconnect', () => process.exit(1))

await Promise.all(Array.from({ length: WRITERS }, placeOrders))
await orders.finish()
await db.close()
process.exit(0)

async function placeOrders(): Promise<void> {
  while (!over.signal.aborted) {
    await orders.place(`${run}-${randomUUID()}`)
    placed += 1
    if (hasTold || placed < WARM_UP_ORDERS || !orders.isUnderWay()) continue
    hasTold = true
    const told: Told = { isWorking: true }
    process.send?.(told)
  }
}

/** Two systems, and nothing that binds them: one is told, then the other. */
function writeTwice(): Orders {
  const producer = new Producer({ clientId: way, bootstrapBrokers: brokers.split(',') })
  const send = async (orderId: string): Promise<void> => {
    const messages = [{ topic: way, key: Buffer.from(orderId), value: valueOf(orderId) }]
    await producer.send({ acks: ProduceAcks.ALL, messages })
  }
  return {
    async place(orderId) {
      if (way === 'send-then-commit') await send(orderId)
      await insertOrder(db.write, orderId)
      if (way === 'commit-then-send') await send(orderId)
    },
    isUnderWay: () => true,
    finish: () => producer.close(),
  }
}

/** One transaction for the order and for what is to be said of it; the relay says it, from the database alone. */
function throughOutbox(): Orders {
  const relay = new Relay({
    ...{ service: 'lab', dbUrl: postgresUrl, brokers: brokers.split(',') },
    logger: createLogger({ service: 'lab', level: 'error' }),
    registry: createRegistry('lab'),
  })
  relay.start()
  return {
    async place(orderId) {
      await db.tx(async (tx) => {
        const row = looseRow({ topic: way, key: orderId, headers: [], value: valueOf(orderId) })
        await Promise.all([insertOrder(tx, orderId), insertOutboxRows(tx, [row])])
      })
      relay.wake()
    },
    isUnderWay: () => relay.state === 'leading',
    async finish() {
      await until('the outbox is empty', async () => (await db.sql`select 1 from outbox limit 1`).length === 0)
      await relay.stop()
    },
  }
}

async function insertOrder(sql: Sql, orderId: string): Promise<void> {
  await sql`insert into orders (way, run, order_id) values (${way}, ${run}, ${orderId})`
}

function valueOf(orderId: string): Buffer {
  return Buffer.from(JSON.stringify({ orderId, status: 'PLACED' }))
}
