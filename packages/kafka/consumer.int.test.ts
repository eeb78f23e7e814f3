import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Refusal } from '@timesale/contracts/refusals'
import { deadLetterTopic } from '@timesale/contracts/topics'
import { DatabaseUnavailable } from '@timesale/postgres/errors'
import type { Tx } from '@timesale/postgres/sql'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import { PROBE, makeProbeTable, orderRecord, readEffects, startProbe, type Probe } from '@timesale/testkit/probe'
import { produce, TopicTail, type ReadRecord, type TestRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import type { ReceivedEvent } from './decode.ts'
import { keyToPartition } from './partition.ts'

const DEAD_LETTERS = deadLetterTopic(PROBE.topic, PROBE.group)

test('records that are no events go to the dead-letter topic once, as they came, and all others are applied', async () => {
  const { order, deadLettersOf, versionsOf } = setup()
  const bad = badRecords(order)
  // Before and behind them in every partition stands an order that must not suffer.
  const good = oneOrderAPartition(order('good'))
  await produce(infra.brokers, [
    ...good.map((id) => orderRecord(id, 1)),
    orderRecord(order('conflict'), 1),
    ...bad.map(({ record }) => record),
    ...good.map((id) => orderRecord(id, 2)),
  ])

  await using probe = startProbe(infra)
  await caughtUp()

  for (const id of good) assert.deepEqual(await versionsOf(id), [1, 2])
  assert.equal(probe.consumer.state, 'joined')
  const letters = await deadLettersOf(bad.length)
  assert.equal(letters.length, bad.length)
  for (const { what, reason, record } of bad) {
    const [letter, ...more] = letters.filter(({ headers }) => headers['case'] === what)
    assert.ok(letter, `${what} is missing`)
    assert.equal(more.length, 0, `${what} came twice`)
    assert.equal(letter.headers['dlq_reason'], reason, what)
    assert.equal(letter.headers['dlq_topic'], PROBE.topic)
    assert.equal(letter.headers['dlq_group'], PROBE.group)
    assert.match(letter.headers['dlq_partition'] ?? '', /^[0-5]$/)
    assert.match(letter.headers['dlq_offset'] ?? '', /^\d+$/)
    assert.match(letter.headers['dlq_timestamp'] ?? '', /^\d{13}$/)
    assert.ok(letter.headers['dlq_message'], what)
    assert.ok(!Number.isNaN(Date.parse(letter.headers['dlq_first_at'] ?? '')), what)
    const value = record.value === undefined ? null : Buffer.from(record.value)
    if (reason === 'too-large') {
      assert.equal(letter.bytes, null)
      assert.equal(letter.headers['dlq_value_bytes'], String(value?.length))
      assert.equal(letter.headers['dlq_value_sha256'], sha256(value ?? ''))
    } else {
      assert.deepEqual(letter.bytes, value, `${what} keeps its bytes`)
    }
    for (const [name, text] of Object.entries(record.headers ?? {})) {
      if (typeof text === 'string') assert.equal(letter.headers[name], text, `${what} keeps its own ${name}`)
    }
  }
  // Of the two bodies under one id the first one counts.
  assert.deepEqual(await versionsOf(order('conflict')), [1])
  for (const { record } of bad) {
    const key = String(record.key ?? '')
    if (key !== order('conflict')) assert.deepEqual(await versionsOf(key), [], `${key} had no effect`)
  }
})

test('dead letters too large for their topic, one alone or several together, do not stop what is behind them', async () => {
  const { order, deadLettersOf } = setup()
  // The broker takes 1 MiB a record. With the headers that say why it is here, a letter would have more.
  const nearlyFull = 'x'.repeat(1024 * 1024 - 600)
  const header = (name: string): { case: string } => ({ case: order(name) })
  const bad = [
    { topic: PROBE.topic, key: order('a'), value: 'headers', headers: { ...header('a'), big: nearlyFull } },
    { topic: PROBE.topic, key: nearlyFull, value: 'key', headers: header('b') },
    // Each as large as a letter may be; the relay finds them all at once.
    ...Array.from({ length: 8 }, (_, index) => {
      return { topic: PROBE.topic, key: order('o'), value: 'x'.repeat(250_000), headers: header(`c${index}`) }
    }),
    { topic: PROBE.topic, key: order('d'), value: 'last', headers: header('d') },
  ]
  for (const record of bad) await produce(infra.brokers, [record])

  await using _probe = startProbe(infra)
  await caughtUp()

  const letters = await deadLettersOf(bad.length)
  assert.deepEqual(
    letters.map(({ headers, value }) => [headers['case'], value]).sort(),
    bad.map(({ headers, value }) => [headers.case, value]).sort(),
  )
  const [withHeaders, withKey] = ['a', 'b'].map((name) =>
    letters.find(({ headers }) => headers['case'] === order(name)),
  )
  assert.equal(withHeaders?.headers['dlq_headers_left_out'], '1')
  assert.equal(withKey?.headers['dlq_key_bytes'], String(nearlyFull.length))
  assert.equal(withKey?.headers['dlq_key_sha256'], sha256(nearlyFull))
})

test('an event ahead of its turn waits, later ones queue behind it, and all are applied in order once the gap is filled', async () => {
  const { order, parkedOf, versionsOf } = setup()
  await using _probe = startProbe(infra)
  await produce(infra.brokers, [orderRecord(order('o'), 3), orderRecord(order('other'), 1)])
  await caughtUp()
  await produce(infra.brokers, [orderRecord(order('o'), 2)])
  await caughtUp()

  assert.deepEqual(await versionsOf(order('other')), [1])
  assert.deepEqual(await versionsOf(order('o')), [])
  assert.deepEqual(await parkedOf(order('o')), [
    { version: 2, reason: 'gap', error: null, attempts: 0 },
    { version: 3, reason: 'gap', error: null, attempts: 0 },
  ])

  await produce(infra.brokers, [orderRecord(order('o'), 1)])
  await until('all three are applied', async () => (await versionsOf(order('o'))).length === 3)
  assert.deepEqual(await versionsOf(order('o')), [1, 2, 3])
  assert.deepEqual(await parkedOf(order('o')), [])
})

test('a gap that is filled in the batch that shows it leaves nothing waiting', async () => {
  const { order, parkedOf, versionsOf } = setup()
  await produce(infra.brokers, [orderRecord(order('o'), 3), orderRecord(order('o'), 2), orderRecord(order('o'), 1)])
  await using _probe = startProbe(infra)
  await until('all three are applied', async () => (await versionsOf(order('o'))).length === 3)
  assert.deepEqual(await versionsOf(order('o')), [1, 2, 3])
  assert.deepEqual(await parkedOf(order('o')), [])
})

test('what waits behind a gap outlives the process', async () => {
  const { order, parkedOf, versionsOf } = setup()
  {
    await using _probe = startProbe(infra)
    await produce(infra.brokers, [orderRecord(order('o'), 2), orderRecord(order('o'), 3)])
    await until('both wait', async () => (await parkedOf(order('o'))).length === 2)
    await caughtUp()
  }
  await produce(infra.brokers, [orderRecord(order('o'), 1)])
  await using _probe = startProbe(infra)
  await until('all three are applied', async () => (await versionsOf(order('o'))).length === 3)
  assert.deepEqual(await versionsOf(order('o')), [1, 2, 3])
  assert.deepEqual(await parkedOf(order('o')), [])
})

test('what waits behind a gap is applied although the database went away just after the gap was filled', async () => {
  const { order, parkedOf, versionsOf } = setup()
  let failures = 0
  await using _probe = startProbe(infra, {
    onEvent(event) {
      if (event.aggregateId !== order('o') || event.version !== 2 || failures === 1) return
      failures += 1
      throw new DatabaseUnavailable('A stand-in for a server that dies between two transactions')
    },
  })
  await produce(infra.brokers, [orderRecord(order('o'), 2)])
  await until('it waits', async () => (await parkedOf(order('o'))).length === 1)
  await produce(infra.brokers, [orderRecord(order('o'), 1)])
  // Nothing more comes on the topic that could remind the consumer.
  await until('both are applied', async () => (await versionsOf(order('o'))).length === 2, 8_000)
  assert.equal(failures, 1)
  assert.deepEqual(await versionsOf(order('o')), [1, 2])
  assert.deepEqual(await parkedOf(order('o')), [])
})

test('what was set free to be tried again is applied although the database is away on start and no record comes', async () => {
  const { order, parkedOf, versionsOf } = setup()
  const failing = (error: Error) => ({
    onEvent(event: ReceivedEvent): void {
      // A refusal stands however often it is tried; a server that is away is back the next time.
      if (event.aggregateId !== order('o') || (failures.has(error) && !(error instanceof Refusal))) return
      failures.add(error)
      throw error
    },
  })
  const failures = new Set<Error>()
  {
    await using _probe = startProbe(infra, failing(new Refusal('unknown-product')))
    await produce(infra.brokers, [orderRecord(order('o'), 1)])
    await caughtUp()
  }
  await infra.admin(PROBE.group).sql`update parked_events set reason = 'gap' where aggregate_id = ${order('o')}`
  await using _probe = startProbe(infra, failing(new DatabaseUnavailable('A stand-in for a server that starts later')))
  await until('it is applied', async () => (await versionsOf(order('o'))).length === 1, 8_000)
  assert.equal(failures.size, 2)
  assert.deepEqual(await parkedOf(order('o')), [])
})

test('an event whose handler keeps failing is parked with its error, its key queues behind it, and others of the batch are applied once', async () => {
  const { order, parkedOf, versionsOf } = setup()
  const bad = order('bad')
  const others = Array.from({ length: 20 }, (_, index) => order(`other-${index}`))
  // In one batch, in the midst of others; the later versions too.
  await produce(infra.brokers, [
    ...others.map((id) => orderRecord(id, 1)),
    orderRecord(bad, 1),
    ...others.map((id) => orderRecord(id, 2)),
    orderRecord(bad, 2),
    orderRecord(bad, 3),
  ])
  let tries = 0
  const fail = (event: ReceivedEvent): void => {
    if (event.aggregateId !== bad || event.version !== 1) return
    tries += 1
    throw new TypeError('the quantity of nothing')
  }
  {
    await using _probe = startProbe(infra, { onEvent: fail })
    await caughtUp()
    for (const id of others) assert.deepEqual(await versionsOf(id), [1, 2], id)
    assert.ok(tries >= 3, `${tries} tries`)
    assert.deepEqual(await parkedOf(bad), [
      { version: 1, reason: 'handler', error: 'TypeError: the quantity of nothing', attempts: 3 },
      { version: 2, reason: 'gap', error: null, attempts: 0 },
      { version: 3, reason: 'gap', error: null, attempts: 0 },
    ])
    // Delivered again, it stays where it is: only a redrive tries it again.
    const before = tries
    await produce(infra.brokers, [orderRecord(bad, 1)])
    await caughtUp()
    assert.equal(tries, before)
    assert.deepEqual(await versionsOf(bad), [])
  }

  // What the redrive tool will do, after the handler was mended.
  await infra.admin(PROBE.group).sql`update parked_events set reason = 'gap' where aggregate_id = ${bad}`
  await using _probe = startProbe(infra)
  await until('all three are applied', async () => (await versionsOf(bad)).length === 3)
  assert.deepEqual(await versionsOf(bad), [1, 2, 3])
  assert.deepEqual(await parkedOf(bad), [])
})

test('an event that waited is parked with its error when its handler fails at last', async () => {
  const { order, parkedOf, versionsOf } = setup()
  await using _probe = startProbe(infra, {
    onEvent(event) {
      if (event.aggregateId === order('o') && event.version === 2) throw new Error('not this one')
    },
  })
  await produce(infra.brokers, [orderRecord(order('o'), 3), orderRecord(order('o'), 2)])
  await caughtUp()
  await produce(infra.brokers, [orderRecord(order('o'), 1)])
  await until('it is parked', async () => (await parkedOf(order('o')))[0]?.reason === 'handler')
  assert.deepEqual(await versionsOf(order('o')), [1])
  assert.deepEqual(
    (await parkedOf(order('o'))).map(({ version, reason }) => [version, reason]),
    [
      [2, 'handler'],
      [3, 'gap'],
    ],
  )
})

test('a handler that refuses is asked once, and its event is parked at once', async () => {
  const { order, parkedOf, versionsOf } = setup()
  let tries = 0
  await using _probe = startProbe(infra, {
    onEvent(event) {
      if (event.aggregateId !== order('o')) return
      tries += 1
      throw new Refusal('unknown-product')
    },
  })
  // While something waits no batch is presumed to be in turn: one that was would be asked of once more, to be judged.
  await produce(infra.brokers, [orderRecord(order('early'), 2)])
  await until('something waits', async () => (await parkedOf(order('early'))).length === 1)
  await produce(infra.brokers, [orderRecord(order('o'), 1)])
  await caughtUp()
  assert.equal(tries, 1)
  assert.deepEqual(await versionsOf(order('o')), [])
  assert.deepEqual(await parkedOf(order('o')), [
    { version: 1, reason: 'handler', error: 'Refusal: This product cannot be ordered', attempts: 1 },
  ])
})

test('an error whose text no database can hold parks its event like any other', async () => {
  const { order, parkedOf, versionsOf } = setup()
  await using _probe = startProbe(infra, {
    onEvent(event) {
      if (event.aggregateId === order('o')) throw new Error('unexpected "\u0000"')
    },
  })
  await produce(infra.brokers, [orderRecord(order('o'), 1)])
  await until('it is parked', async () => (await parkedOf(order('o'))).length === 1)
  await produce(infra.brokers, [orderRecord(order('next'), 1)])
  await until('the next is applied', async () => (await versionsOf(order('next'))).length === 1)
})

test('a second body under the id of an event that waits is a dead letter, and the first one stays', async () => {
  const { order, deadLettersOf, parkedOf, versionsOf } = setup()
  const failing = order('failing')
  await using _probe = startProbe(infra, {
    onEvent(event) {
      if (event.aggregateId === failing) throw new Error('no')
    },
  })
  const second = (id: string, version: number): TestRecord => {
    const record = orderRecord(id, version, { quantity: 7 })
    return { ...record, headers: { ...record.headers, case: order(id) } }
  }
  // Both ahead of their turn in one batch.
  await produce(infra.brokers, [orderRecord(order('gap'), 2), second(order('gap'), 2)])
  await caughtUp()
  // Parked by its handler, and then again as something else.
  await produce(infra.brokers, [orderRecord(failing, 1)])
  await until('it is parked', async () => (await parkedOf(failing)).length === 1)
  await produce(infra.brokers, [second(failing, 1)])
  await caughtUp()
  // Waiting in the database, and then its turn comes together with the other body.
  await produce(infra.brokers, [orderRecord(order('turn'), 2)])
  await until('it waits', async () => (await parkedOf(order('turn'))).length === 1)
  await produce(infra.brokers, [orderRecord(order('turn'), 1), second(order('turn'), 2)])
  await caughtUp()

  const letters = await deadLettersOf(3)
  assert.deepEqual(
    letters.map(({ headers, key }) => [key, headers['dlq_reason']]).sort(),
    [failing, order('gap'), order('turn')].sort().map((id) => [id, 'id-conflict']),
  )
  assert.deepEqual(await versionsOf(failing), [])
  assert.equal((await parkedOf(failing)).length, 1)
  assert.deepEqual(await versionsOf(order('turn')), [1, 2])
})

test('an error of the world is not held against an event, however often it comes', async () => {
  const { order, parkedOf, versionsOf } = setup()
  let failures = 0
  await using probe = startProbe(infra, {
    onEvent(event) {
      // More often than a handler is tried that fails by itself.
      if (event.aggregateId !== order('o') || failures === 4) return
      failures += 1
      throw new DatabaseUnavailable('A stand-in for a server that comes and goes')
    },
  })
  await produce(infra.brokers, [orderRecord(order('o'), 1)])
  await caughtUp()
  assert.equal(failures, 4)
  assert.deepEqual(await versionsOf(order('o')), [1])
  assert.deepEqual(await parkedOf(order('o')), [])
  assert.ok(probe.log.every(({ msg }) => !msg.includes('parked')))
})

test('what an event does and the position that says so are committed together or not at all', async () => {
  const { order, positionOf, versionsOf } = setup()
  await using probe = startProbe(infra)
  await caughtUp()
  // Of the two tables one can be read and not written, until the consumer's patience with locks (2 s) is over.
  const whileLocked = async (lock: (tx: Tx) => Promise<unknown>, id: string): Promise<void> => {
    await infra.admin(PROBE.group).tx(async (tx) => {
      await lock(tx)
      const tried = retries(probe)
      await produce(infra.brokers, [orderRecord(id, 1)])
      // Said to the server now and then, or it would end a transaction that idles.
      await until('the consumer has tried', async () => (await tx`select 1`).length === 1 && retries(probe) > tried)
      assert.deepEqual([await versionsOf(id), await positionOf(id)], [[], undefined])
    })
    await until('it is applied', async () => (await positionOf(id)) === 1)
    assert.deepEqual(await versionsOf(id), [1])
  }
  await whileLocked((tx) => tx`lock table inbox in share mode`, order('position'))
  await whileLocked((tx) => tx`lock table probe_effects in share mode`, order('effect'))
  await caughtUp()
})

test('offsets are committed only after the database commit', async () => {
  const { order, versionsOf } = setup()
  const [id = ''] = oneOrderAPartition(order('o'))
  const partition = keyToPartition(Buffer.from(id)) % 6
  const blocked = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  await using probe = startProbe(infra, {
    async onEvent(event) {
      if (event.aggregateId !== id) return
      blocked.resolve()
      await release.promise
    },
  })
  await until('it has joined', () => probe.consumer.state === 'joined')
  await caughtUp()
  const committed = async (): Promise<number> =>
    (await offsets.committed(PROBE.group, PROBE.topic))[partition] ?? Number.NaN
  const from = await committed()
  const end = (await offsets.ends(PROBE.topic))[partition] ?? Number.NaN
  await produce(infra.brokers, [orderRecord(id, 1)])
  await blocked.promise
  try {
    // Longer than several rounds of commits (200 ms) would take.
    const until800 = performance.now() + 800
    await until('several commits could have been made', async () => {
      assert.equal(await committed(), from)
      return performance.now() > until800
    })
    assert.deepEqual(await versionsOf(id), [])
  } finally {
    release.resolve()
  }
  await until('the offset moves on', async () => (await committed()) === end + 1)
  assert.deepEqual(await versionsOf(id), [1])
})

test('what came while it was stopped is caught up with on start, also compressed', async () => {
  const { order, versionsOf } = setup()
  {
    await using _probe = startProbe(infra)
    await produce(infra.brokers, [orderRecord(order('o'), 1)])
    await caughtUp()
  }
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const ids = Array.from({ length: 50 }, (_, index) => order(`${compression}-${index}`))
    await produce(
      infra.brokers,
      [...ids, ...ids].map((id, index) => orderRecord(id, index < 50 ? 1 : 2)),
      {
        compression,
      },
    )
  }
  assert.ok((await offsets.lag(PROBE.group, PROBE.topic)) >= 500)
  await using _probe = startProbe(infra)
  await caughtUp()
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    for (const index of [0, 49]) assert.deepEqual(await versionsOf(order(`${compression}-${index}`)), [1, 2])
  }
})

test('a replay of the whole topic changes no row and writes no second dead letter', async () => {
  const { order } = setup()
  await produce(infra.brokers, [
    orderRecord(order('conflict'), 1),
    ...badRecords(order).map(({ record }) => record),
    ...oneOrderAPartition(order('good')).flatMap((id) => [orderRecord(id, 1), orderRecord(id, 2)]),
    orderRecord(order('gap'), 2),
    orderRecord(order('failing'), 1),
    orderRecord(order('failing'), 2),
  ])
  const onEvent = (event: ReceivedEvent): void => {
    if (event.aggregateId === order('failing')) throw new Error('no')
  }
  {
    await using _probe = startProbe(infra, { onEvent })
    await caughtUp()
    // By its relay, which ends with it.
    await outboxEmpty()
  }
  const rows = await allRows()
  const letters = await offsets.count(DEAD_LETTERS)

  // Who could not say goodbye in time is a member for a while.
  await until('the group is forgotten', () => offsets.forget(PROBE.group).then(() => true))
  assert.deepEqual(await offsets.committed(PROBE.group, PROBE.topic), [0, 0, 0, 0, 0, 0])
  await using probe = startProbe(infra, { onEvent })
  await caughtUp()

  assert.deepEqual(await allRows(), rows)
  assert.equal(await offsets.count(DEAD_LETTERS), letters)
  assert.match(await probe.registry.metrics(), /consumer_offset_fallbacks_total\{[^}]*\} 6/)
  assert.ok(probe.log.some(({ msg }) => msg === 'consumer: reading from the beginning of the log'))
})

let infra: Infrastructure
let offsets: Offsets
let deadLetters: TopicTail

before(async () => {
  infra = await startInfrastructure({ databases: [PROBE.group], kafka: true })
  offsets = new Offsets(infra.brokers)
  deadLetters = await TopicTail.open(infra.brokers, DEAD_LETTERS)
  await makeProbeTable(infra)
})

after(async () => {
  await deadLetters[Symbol.asyncDispose]()
  await offsets[Symbol.asyncDispose]()
  await infra[Symbol.asyncDispose]()
})

let tests = 0

function setup() {
  tests += 1
  const prefix = `t${tests}`
  const { sql } = infra.admin(PROBE.group)
  return {
    /** An order id of this test's own. */
    order: (name: string) => (name.startsWith(`${prefix}-`) ? name : `${prefix}-${name}`),
    async versionsOf(orderId: string): Promise<number[]> {
      return (await readEffects(infra)).filter((effect) => effect.orderId === orderId).map(({ version }) => version)
    },
    parkedOf: (orderId: string) =>
      sql<{ version: number; reason: string; error: string | null; attempts: number }>`
        select version, reason, error, attempts from parked_events where aggregate_id = ${orderId} order by version`,
    async positionOf(orderId: string): Promise<number | undefined> {
      const [row] = await sql<{ version: number }>`select version from inbox where aggregate_id = ${orderId}`
      return row?.version
    },
    /** The dead letters of this test, once the relay has sent at least so many. */
    async deadLettersOf(count: number): Promise<ReadRecord[]> {
      await outboxEmpty()
      const letters = await deadLetters.records(await offsets.count(DEAD_LETTERS))
      const own = letters.filter(({ headers }) => headers['case']?.startsWith(`${prefix}-`))
      assert.ok(own.length >= count, `${own.length} of ${count} dead letters`)
      return own
    },
  }
}

function sha256(value: string | Buffer): string {
  return hash('sha256', value, 'hex')
}

function retries(probe: Probe): number {
  return probe.log.filter(({ msg }) => msg === 'consumer: will try the batch again').length
}

async function caughtUp(): Promise<void> {
  await until('the group has caught up', async () => (await offsets.lag(PROBE.group, PROBE.topic)) === 0)
}

async function outboxEmpty(): Promise<void> {
  const { sql } = infra.admin(PROBE.group)
  await until('the outbox is empty', async () => (await sql`select 1 from outbox`).length === 0)
}

async function allRows(): Promise<unknown> {
  const { sql } = infra.admin(PROBE.group)
  await outboxEmpty()
  return {
    effects: await readEffects(infra),
    inbox: await sql`select * from inbox order by consumer, source, aggregate_id`,
    parked: await sql`select * from parked_events order by consumer, source, aggregate_id, version`,
    deadLetters: await sql`select * from dead_letters order by consumer, topic, partition, "offset"`,
  }
}

function oneOrderAPartition(prefix: string): string[] {
  const ids = new Map<number, string>()
  for (let index = 0; ids.size < 6; index += 1) {
    const id = `${prefix}-${index}`
    const partition = keyToPartition(Buffer.from(id)) % 6
    if (!ids.has(partition)) ids.set(partition, id)
  }
  return [...ids.values()]
}

interface BadRecord {
  readonly what: string
  readonly reason: string
  readonly record: TestRecord
}

/** What people and broken programs may put on a topic. A header of its own, `case`, tells each one's dead letter. */
function badRecords(order: (name: string) => string): BadRecord[] {
  const bad = (name: string, reason: string, change: (good: TestRecord) => TestRecord): BadRecord => {
    const what = order(name)
    const good = orderRecord(what, 1)
    const changed = change(good)
    return { what, reason, record: { ...changed, headers: { ...changed.headers, case: what } } }
  }
  const withHeader = (name: string, value: string) => (good: TestRecord) => ({
    ...good,
    headers: { ...good.headers, [name]: value },
  })
  return [
    bad('not-json', 'not-json', (good) => ({ ...good, value: '{"orderId": oops' })),
    bad('not-text', 'not-json', (good) => ({ ...good, value: Buffer.from([0xff, 0x00, 0xfe, 0x0a, 0x80]) })),
    bad('empty', 'not-json', (good) => ({ ...good, value: '' })),
    bad('deep', 'not-json', (good) => ({ ...good, value: '['.repeat(200_000) })),
    bad('null', 'no-value', ({ topic, key, headers }) => ({ topic, key, headers })),
    bad('no-headers', 'no-headers', ({ topic, key, value }) => ({ topic, key, value })),
    bad('no-headers-no-key', 'no-headers', ({ topic, value }) => ({ topic, value })),
    bad('no-key', 'wrong-key', ({ topic, value, headers }) => ({ topic, value, headers })),
    bad('wrong-key', 'wrong-key', (good) => ({ ...good, key: order('somebody-else') })),
    bad('binary-key', 'wrong-key', (good) => ({ ...good, key: Buffer.from([0xff, 0x00]) })),
    bad('string-quantity', 'wrong-schema', (good) => ({ ...good, value: changed(good, { quantity: '2' }) })),
    bad('negative-quantity', 'wrong-schema', (good) => ({ ...good, value: changed(good, { quantity: -1 }) })),
    bad('array', 'wrong-schema', (good) => ({ ...good, value: '[]' })),
    bad('next-major', 'unknown-version', withHeader('ce_type', 'order.placed.v2')),
    bad('wrong-source', 'wrong-topic', withHeader('ce_source', '/stock/products')),
    bad('unknown-source', 'bad-headers', withHeader('ce_source', '/nobody')),
    bad('forged-version', 'bad-headers', (good) => ({
      ...good,
      headers: { ...good.headers, ce_aggregateversion: '2147483648', ce_id: `${String(good.key)}.2147483648` },
    })),
    bad('wrong-id', 'bad-headers', withHeader('ce_id', 'x.1')),
    bad('no-type', 'bad-headers', withHeader('ce_type', '')),
    bad('no-time', 'bad-headers', withHeader('ce_time', 'yesterday')),
    bad('binary-header', 'bad-headers', (good) => ({
      ...good,
      headers: { ...good.headers, ce_subject: Buffer.from([0xff, 0x00]) },
    })),
    bad('oversize', 'too-large', (good) => ({ ...good, value: JSON.stringify('x'.repeat(1_000_000)) })),
    bad('conflict', 'id-conflict', () => orderRecord(order('conflict'), 1, { quantity: 7 })),
  ]
}

function changed(record: TestRecord, fields: object): string {
  return JSON.stringify({ ...(JSON.parse(String(record.value)) as object), ...fields })
}
