import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, before, beforeEach, test } from 'node:test'
import { fact, type Fact } from '@timesale/contracts/event'
import { OrderConfirmed, OrderPlaced } from '@timesale/contracts/order-events'
import { deadLetterTopic } from '@timesale/contracts/topics'
import { Database } from '@timesale/postgres/database'
import { createRegistry } from '@timesale/telemetry/metrics'
import { startInfrastructure, type Infrastructure, type TestPart } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import { readTopic, TopicTail, type ReadRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { pino } from 'pino'
import { writeDeadLetters } from './dead-letter.ts'
import { appendToOutbox, insertOutboxRows } from './outbox.ts'
import { looseRow } from './outbox-lines.ts'
import { keyToPartition } from './partition.ts'
import { OrderedProducer } from './producer.ts'
import { Relay } from './relay.ts'

const TOPIC = 'order-topic'
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

test('facts are sent in their order for each key, as CloudEvents, and leave the outbox', async () => {
  const { order, append, sent, startRelay } = setup()
  const ids = Array.from({ length: 30 }, (_, index) => order(`${index}`))
  const at = new Date('2026-01-02T03:04:05.678Z')
  await append(
    [1, 2].flatMap((version) => ids.map((id) => orderFact(id, version))),
    at,
  )
  await using _relay = startRelay()
  await outboxEmpty()

  const records = await sent()
  assertOnce(records, 60)
  for (const id of ids) {
    const own = records.filter(({ key }) => key === id)
    assert.deepEqual(versionsOf(own, id), [1, 2])
    assert.ok((own[0]?.offset ?? 0) < (own[1]?.offset ?? 0))
    // Where every client in every language would put this key.
    assert.deepEqual([...new Set(own.map(({ partition }) => partition))], [keyToPartition(Buffer.from(id)) % 6])
  }
  const [id = ''] = ids
  const record = records.find(({ key }) => key === id)
  const { traceparent, ...headers } = record?.headers ?? {}
  assert.deepEqual(headers, {
    ce_specversion: '1.0',
    ce_type: 'order.placed.v1',
    ce_source: '/order/orders',
    ce_id: `${id}.1`,
    ce_subject: id,
    ce_time: '2026-01-02T03:04:05.678Z',
    ce_aggregateversion: '1',
    'content-type': 'application/json',
  })
  assert.match(traceparent ?? '', /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/)
  assert.deepEqual(JSON.parse(record?.value ?? ''), orderFact(id, 1).data)
})

test('a dead letter leaves as raw as it came', async () => {
  const { order, startRelay } = setup()
  const letters = deadLetterTopic('product-topic', 'order')
  const binary = Buffer.from([0, 255, 10, 128])
  await db.tx((tx) =>
    writeDeadLetters(
      tx,
      'order',
      [null, binary, Buffer.from(order('key'))].map((bytes, index) => ({
        reason: 'not-json',
        message: 'no JSON at all',
        record: {
          ...{ topic: 'product-topic', partition: 5, offset: BigInt(index), timestamp: 0n, key: bytes, value: bytes },
          headers: [[Buffer.from('own'), binary]],
        },
      })),
    ),
  )
  await using _relay = startRelay()
  await outboxEmpty()
  const records = await readTopic(infra.brokers, letters, 3)
  assert.deepEqual(
    records.map(({ key, bytes, headers }) => [key, bytes, headers['dlq_offset']]),
    [
      ['null', null, '0'],
      ['null', binary, '1'],
      [order('key'), Buffer.from(order('key')), '2'],
    ],
  )
})

test('many large letters, in letters of three bytes too, leave in batches that a broker takes', async () => {
  const { startRelay } = setup()
  const letter = looseRow({
    topic: 'order-topic.stock.dlq',
    key: null,
    headers: [['note', '가'.repeat(40_000)]],
    value: Buffer.alloc(200 * 1024, 'a'),
  })
  await db.tx((tx) =>
    insertOutboxRows(
      tx,
      Array.from({ length: 12 }, () => letter),
    ),
  )
  await using relay = startRelay()
  let refused = false
  await until('all have left', async () => {
    refused ||= relay.state === 'failing'
    return (await db.sql`select 1 from outbox limit 1`).length === 0
  })
  assert.ok(!refused || stoodStill(), 'no batch was refused on the way')
})

test('while the broker is down facts stay in the outbox, and leave in order when it is back', async () => {
  const { order, append, sent, startRelay } = setup()
  const kafka = part('kafka-1')
  await using relay = startRelay()
  await append([orderFact(order('before'), 1)])
  await outboxEmpty()

  await kafka.kill()
  const ids = Array.from({ length: 20 }, (_, index) => order(`${index}`))
  for (const version of [1, 2]) await append(ids.map((id) => orderFact(id, version)))
  await until('the relay says that it fails', () => relay.state === 'failing')
  assert.deepEqual(await db.sql`select sum(events)::int as events from outbox`, [{ events: 40 }])

  await kafka.start()
  await outboxEmpty()
  await until('the relay leads again', () => relay.state === 'leading')
  const records = await sent()
  for (const id of ids) assert.deepEqual(versionsOf(records, id), [1, 2])
  assert.deepEqual(versionsOf(records, order('before')), [1])
})

test('of two relays one leads, and each fact is sent once', async () => {
  const { order, append, sent, startRelay } = setup()
  await using one = startRelay()
  await using other = startRelay()
  await until('one leads and the other follows', () => states(one, other) === 'following leading')
  const ids = Array.from({ length: 40 }, (_, index) => order(`${index}`))
  // Many short batches, so that two leaders could not but meet.
  for (const id of ids) {
    await append([orderFact(id, 1), orderFact(id, 2)])
    one.wake()
    other.wake()
  }
  await outboxEmpty()
  assert.equal(states(one, other), 'following leading')
  const records = await sent()
  assertOnce(records, 80)
  for (const id of ids) assert.deepEqual(versionsOf(records, id), [1, 2])
})

test('a relay that follows does not ask for the lead with every commit', async () => {
  const { order, append, startRelay } = setup()
  await using leader = startRelay()
  await until('it leads', () => leader.state === 'leading')
  await using follower = startRelay('follower')
  await until('it has asked once', async () => (await sessionsOf('follower-relay')).length === 1)
  const asked = new Map<string, number>()
  await until('it has asked a few times', async () => {
    await append([orderFact(order(`${asked.size}`), 1)])
    follower.wake()
    const [session] = await sessionsOf('follower-relay')
    if (session !== undefined) asked.set(session.state_change.toISOString(), session.state_change.getTime())
    return asked.size >= 5
  })
  const times = [...asked.values()]
  assert.ok(Math.max(...times) - Math.min(...times) > 1_000, `it asked five times within ${times.join()}`)
})

test('when the relay that leads stops, the other takes over', async () => {
  const { order, append, sent, startRelay } = setup()
  await using leader = startRelay()
  await until('it leads', () => leader.state === 'leading')
  await using follower = startRelay()
  await until('the other follows', async () => (await sessionsOf('test-relay')).length === 2)
  assert.equal(follower.state, 'following')

  await leader.stop()
  await append([orderFact(order('o'), 1)])
  await outboxEmpty(12_000)
  await until('the other leads', () => follower.state === 'leading')
  assert.deepEqual(versionsOf(await sent(), order('o')), [1])
})

test('when the session that leads is ended, one of the two leads again', async () => {
  const { order, append, sent, startRelay } = setup()
  await using one = startRelay()
  await using other = startRelay()
  await until('one leads and the other follows', () => states(one, other) === 'following leading')
  const [lock] = await infra.admin('order').sql<{ pid: number }>`
    select pid from pg_locks where locktype = 'advisory' and granted and pid <> pg_backend_pid()`
  const [ended] = await infra.admin('order').sql<{ done: boolean }>`select pg_terminate_backend(${lock?.pid}) as done`
  assert.equal(ended?.done, true)

  await append([orderFact(order('o'), 1), orderFact(order('o'), 2)])
  await outboxEmpty(12_000)
  await until('one leads and the other follows', () => states(one, other) === 'following leading')
  assert.deepEqual(versionsOf(await sent(), order('o')), [1, 2])
})

test('an id that was taken first and is committed last is sent all the same', async () => {
  const { order, append, sent, startRelay } = setup()
  await using relay = startRelay()
  // Before there is a transaction that may idle for five seconds only.
  await until('it leads', () => relay.state === 'leading')
  const late = Promise.withResolvers<void>()
  const written = Promise.withResolvers<void>()
  const slow = db.tx(async (tx) => {
    await appendToOutbox(tx, [orderFact(order('slow'), 1)], { at: new Date() })
    written.resolve()
    await late.promise
  })
  await written.promise
  await append([orderFact(order('quick'), 1)])
  await until('the later id is sent', async () => (await db.sql`select 1 from outbox`).length === 0)
  late.resolve()
  await slow
  await outboxEmpty()
  const records = await sent()
  assert.deepEqual(versionsOf(records, order('quick')), [1])
  assert.deepEqual(versionsOf(records, order('slow')), [1])
})

test('facts of a transaction that was rolled back are never sent', async () => {
  const { order, append, sent, startRelay } = setup()
  await using _relay = startRelay()
  const refused = db.tx(async (tx) => {
    await appendToOutbox(tx, [orderFact(order('never'), 1)], { at: new Date() })
    throw new Error('the answer is no')
  })
  await assert.rejects(refused, /the answer is no/)
  await append([orderFact(order('after'), 1)])
  await outboxEmpty()
  const records = await sent()
  assert.deepEqual(versionsOf(records, order('after')), [1])
  assert.deepEqual(versionsOf(records, order('never')), [])
})

test('a database that was killed and is back has its facts sent', async () => {
  const { order, append, sent, startRelay } = setup()
  const postgres = part('postgres')
  await using relay = startRelay()
  await until('it leads', () => relay.state === 'leading')
  await append([orderFact(order('before'), 1)])
  await postgres.kill()
  await until('the relay says that it fails', () => relay.state === 'failing')
  await postgres.start()
  await append([orderFact(order('before'), 2), orderFact(order('after'), 1)])
  await outboxEmpty()
  await until('it leads again', () => relay.state === 'leading')
  const records = await sent()
  assert.deepEqual(versionsOf(records, order('before')), [1, 2])
  assert.deepEqual(versionsOf(records, order('after')), [1])
})

test('a relay that stops leaves what it has not sent to the next start', async () => {
  const { order, append, sent, startRelay } = setup()
  const ids = Array.from({ length: 2_000 }, (_, index) => order(`${index}`))
  await append(ids.map((id) => orderFact(id, 1)))
  const written = (await db.sql`select 1 from outbox`).length
  assert.ok(written > 20, 'there is more than one send to do')
  {
    await using relay = startRelay()
    await until('it is under way', async () => (await db.sql`select 1 from outbox`).length < written)
    await relay.stop()
  }
  await append(ids.map((id) => orderFact(id, 2)))
  await using _relay = startRelay()
  await outboxEmpty()
  const records = await sent()
  assertOnce(records, 4_000)
  assert.ok(ids.every((id) => versionsOf(records, id).join() === '1,2'))
})

let infra: Infrastructure
let offsets: Offsets
let topic: TopicTail
let db: Database
const delays = monitorEventLoopDelay({ resolution: 10 })

before(async () => {
  delays.enable()
  infra = await startInfrastructure({ databases: ['order'], kafka: true })
  offsets = new Offsets(infra.brokers)
  topic = await TopicTail.open(infra.brokers, TOPIC)
  db = new Database({
    url: infra.env('order')['DB_URL'] ?? '',
    poolSize: 3,
    applicationName: 'test-writer',
    // Long, since nothing here is about how soon a busy server lets somebody in.
    connectTimeoutMs: 10_000,
    onError: () => undefined,
  })
  // A broker that has just begun gives no identities yet, and a relay would say that it fails. On a topic that nobody
  // reads here.
  await until('the broker takes records', async () => {
    await using producer = new OrderedProducer({ clientId: 'test', brokers: [infra.brokers] })
    await producer.send([{ topic: 'payment-topic', key: 'first-of-all', value: 'v', headers: [] }])
    return true
  })
})

beforeEach(() => infra.admin('order').sql`truncate outbox`)

after(async () => {
  await db.close()
  await topic[Symbol.asyncDispose]()
  await offsets[Symbol.asyncDispose]()
  await infra[Symbol.asyncDispose]()
})

let tests = 0

function setup() {
  tests += 1
  const prefix = `t${tests}-`
  return {
    order: (name: string) => prefix + name,
    append: (facts: readonly Fact[], at = new Date()): Promise<void> =>
      db.tx((tx) => appendToOutbox(tx, facts, { at, traceparent: TRACE })),
    /** What this test's orders have on the topic. */
    async sent(): Promise<ReadRecord[]> {
      // Asked again: a broker that a test has killed and started may know a moment later who leads.
      const count = await until('the broker says how many there are', () => offsets.count(TOPIC))
      const records = await topic.records(count)
      return records.filter(({ key }) => key.startsWith(prefix))
    },
    startRelay(service = 'test'): Relay & AsyncDisposable {
      const relay = new Relay({
        service,
        dbUrl: infra.env('order')['DB_URL'] ?? '',
        brokers: [infra.brokers],
        logger: pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' }),
        registry: createRegistry(service),
      })
      relay.start()
      return Object.assign(relay, { [Symbol.asyncDispose]: () => relay.stop() })
    },
  }
}

function orderFact(orderId: string, version: number): Fact {
  const data = { orderId, buyerId: 'open', productId: 'A001', quantity: 2, unitPriceMinor: 1000, currency: 'KRW' }
  return fact(version === 1 ? OrderPlaced : OrderConfirmed, { aggregateId: orderId, version, data })
}

function outboxEmpty(withinMs?: number): Promise<boolean> {
  return until('the outbox is empty', async () => (await db.sql`select 1 from outbox`).length === 0, withinMs)
}

/** Whether the machine did, for a second and more: then a relay may have failed in the meantime, as it should. */
function stoodStill(): boolean {
  return delays.max > 1e9
}

/** All of them, and each once, unless a broker did not confirm what it had taken. */
function assertOnce(records: readonly ReadRecord[], count: number): void {
  assert.ok(records.length === count || (records.length > count && stoodStill()), `${records.length} records`)
}

/** In the order of their first appearance: after a failure a relay may send again. */
function versionsOf(records: readonly ReadRecord[], key: string): number[] {
  return [
    ...new Set(
      records.filter((record) => record.key === key).map(({ headers }) => Number(headers['ce_aggregateversion'])),
    ),
  ]
}

function states(...relays: readonly Relay[]): string {
  return relays
    .map(({ state }) => state)
    .sort()
    .join(' ')
}

function sessionsOf(application: string): Promise<{ pid: number; state_change: Date }[]> {
  return infra.admin('order').sql<{ pid: number; state_change: Date }>`
    select pid, state_change from pg_stat_activity where application_name = ${application}`
}

function part(name: string): TestPart {
  const found = infra.parts.get(name)
  assert.ok(found)
  return found
}
