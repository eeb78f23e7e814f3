import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fact } from '@timesale/contracts/event'
import { OrderConfirmed, OrderPlaced } from '@timesale/contracts/order-events'
import { deadLetterTopic } from '@timesale/contracts/topics'
import { Database } from '@timesale/postgres/database'
import { createRegistry } from '@timesale/telemetry/metrics'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import { eventHeaders, readTopic } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { runner } from 'node-pg-migrate'
import { pino } from 'pino'
import { headerBytes, storeHeader, type StoredHeader } from './headers.ts'
import { COMMON_MIGRATIONS } from './migrations.ts'
import { outboxBacklog } from './outbox.ts'
import { Relay } from './relay.ts'

test('what waited in the outbox before it held lines is sent as it would have been', async () => {
  const { url, db } = setup()
  await migrate(url, 1)
  const at = new Date('2026-01-02T03:04:05.678Z')
  const events = ['o-1', 'o-2'].flatMap((aggregateId) => {
    const data = { orderId: aggregateId, ...ABOUT }
    return [
      fact(OrderPlaced, { aggregateId, version: 1, data }),
      fact(OrderConfirmed, { aggregateId, version: 2, data }),
    ]
  })
  const waiting: Waiting[] = events.map((told) => ({
    ...{ topic: told.definition.topic, key: told.aggregateId },
    ...{ headers: eventHeaders(told, at, undefined), value: JSON.stringify(told.data), raw: null },
  }))
  const letters = deadLetterTopic('product-topic', 'order')
  const big = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256))
  const odd: StoredHeader[] = [
    ['tab\t"quote"\\', 'line\n한국'],
    storeHeader(Buffer.from('raw'), Buffer.from([65, 255])),
  ]
  for (const [key, raw] of [
    ['key\t"\n사과', big],
    [null, Buffer.from([0, 10, 9, 255])],
    ['empty', Buffer.alloc(0)],
    ['none', null],
  ] as const) {
    waiting.push({ topic: letters, key, headers: odd, value: null, raw })
  }
  for (const { topic, key, headers, value, raw } of waiting) {
    await db.sql`
      insert into outbox (topic, key, headers, value, raw, created_at)
      values (${topic}, ${key}, ${JSON.stringify(headers)}, ${value}, ${raw}, now() - interval '1 minute')`
  }

  await migrate(url, Infinity)
  const backlog = await outboxBacklog(db.sql, 100)
  assert.equal(backlog.pending, waiting.length)
  assert.ok(backlog.oldestMs >= 60_000, 'and knows how long it has waited')
  const relay = startRelay(url)
  try {
    await until('the outbox is empty', async () => (await db.sql`select 1 from outbox`).length === 0)
  } finally {
    await relay.stop()
  }

  await using offsets = new Offsets(infra.brokers)
  for (const topic of ['order-topic', letters]) {
    const sent = await readTopic(infra.brokers, topic, await offsets.count(topic))
    const read = sent.toSorted((one, other) => one.partition - other.partition || one.offset - other.offset)
    const keys = new Set(waiting.map(({ key }) => key ?? 'null'))
    for (const key of keys) {
      const own = waiting.filter((one) => one.topic === topic && (one.key ?? 'null') === key)
      assert.deepEqual(
        read.filter((one) => one.key === key).map(({ headers, bytes }) => ({ headers, bytes })),
        own.map(({ headers, value, raw }) => ({
          headers: Object.fromEntries(headers.map((one) => headerBytes(one).map(String) as [string, string])),
          bytes: value === null ? raw : Buffer.from(value),
        })),
      )
    }
    assert.equal(read.length, waiting.filter((one) => one.topic === topic).length)
  }
})

test('an outbox in which nothing waited is as good as one that was made like this', async () => {
  const { url, db } = setup()
  await migrate(url, 1)
  await migrate(url, Infinity)
  assert.deepEqual(await outboxBacklog(db.sql, 100), { pending: 0, rows: 0, oldestMs: 0 })
})

interface Waiting {
  readonly topic: string
  readonly key: string | null
  readonly headers: readonly StoredHeader[]
  readonly value: string | null
  readonly raw: Buffer | null
}

const ABOUT = {
  ...{ buyerId: '구매자\t"큰따옴표"\n\\', productId: 'A001', quantity: 2 },
  ...{ unitPriceMinor: 12_900, currency: 'KRW' },
}

let infra: Infrastructure
const opened: Database[] = []
let tests = 0

before(async () => {
  infra = await startInfrastructure({ databases: ['order'], kafka: true })
  const { sql } = infra.admin('order')
  await sql`create database before_1`
  await sql`create database before_2`
})

after(async () => {
  await Promise.all(opened.map((db) => db.close()))
  await infra[Symbol.asyncDispose]()
})

/** A database in which nothing was made yet. */
function setup() {
  tests += 1
  const url = infra.adminUrlOf('order').replace(/[^/]+$/, `before_${tests}`)
  const db = new Database({ url, poolSize: 1, applicationName: 'test', onError: () => undefined })
  opened.push(db)
  return { url, db }
}

// As the provisioning step does.
async function migrate(databaseUrl: string, count: number): Promise<void> {
  await runner({
    ...{ databaseUrl, dir: fileURLToPath(COMMON_MIGRATIONS), migrationsTable: 'migrations_common' },
    ...{ direction: 'up', count, verbose: false, log: () => undefined },
  })
}

function startRelay(dbUrl: string): Relay {
  const logger = pino({ level: 'silent' })
  const relay = new Relay({
    ...{ service: 'order', dbUrl, brokers: [infra.brokers], logger, registry: createRegistry('test') },
  })
  relay.start()
  return relay
}
