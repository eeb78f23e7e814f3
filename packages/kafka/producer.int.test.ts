import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { servicePorts, startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import { readTopic, type ReadRecord } from '@timesale/testkit/records'
import { isProduce, kafkaRequests, openProxy, type RequestCutter, type TcpProxy } from '@timesale/testkit/tcp-proxy'
import { until } from '@timesale/testkit/until'
import { keyToPartition } from './partition.ts'
import { OrderedProducer, SendFailed } from './producer.ts'
import { headerName, shareHeaders, type OutgoingRecord } from './record-batch.ts'

const TOPIC = 'order-topic'
const OTHER_TOPIC = 'stock-topic'
/** After 8 s; the rest is for a machine that stands still just then. */
const GIVEN_UP_MS = 12_000

test('what is sent is what any client reads: keys, values, headers, in their order', async () => {
  const { producer, key, own } = setup()
  const shared = shareHeaders([
    [headerName('ce_type'), 'order.placed.v1'],
    [headerName('이름'), '사과'],
  ])
  const records = [
    record(key('사과'), '{"name":"사과 🍎"}', { sharedHeaders: shared, headers: [[headerName('n'), '1']] }),
    record(key('none'), null, { headers: [] }),
    record(Buffer.from(key('bytes')), Buffer.from([0, 255, 10, 128]), {
      headers: [[headerName('raw'), Buffer.from([65])]],
    }),
    record(key('empty'), '', { headers: [[headerName('empty'), '']] }),
    record(key('사과'), 'second', { sharedHeaders: shared }),
  ]
  await producer.send(records)

  const read = await own()
  const byKey = (name: string): ReadRecord[] => read.filter((one) => one.key === key(name))
  assert.equal(read.length, records.length)
  assert.deepEqual(
    byKey('사과').map(({ value, headers }) => [value, headers]),
    [
      ['{"name":"사과 🍎"}', { ce_type: 'order.placed.v1', 이름: '사과', n: '1' }],
      ['second', { ce_type: 'order.placed.v1', 이름: '사과' }],
    ],
  )
  assert.deepEqual([byKey('none')[0]?.bytes, byKey('none')[0]?.headers], [null, {}])
  assert.deepEqual(
    [byKey('bytes')[0]?.bytes, byKey('bytes')[0]?.headers],
    [Buffer.from([0, 255, 10, 128]), { raw: 'A' }],
  )
  assert.deepEqual([byKey('empty')[0]?.bytes, byKey('empty')[0]?.headers], [Buffer.alloc(0), { empty: '' }])
  for (const { key: at, partition } of read) assert.equal(partition, keyToPartition(Buffer.from(at)) % 6)
})

test('many sends to several topics and partitions keep the order of each key', async () => {
  const { producer, key, own } = setup()
  const keys = Array.from({ length: 12 }, (_, index) => key(`${index}`))
  for (let send = 0; send < 20; send += 1) {
    const topics = send % 2 === 0 ? [TOPIC] : [TOPIC, OTHER_TOPIC]
    await producer.send(
      topics.flatMap((topic) => [0, 1].flatMap((half) => keys.map((one) => record(one, `${send}.${half}`, { topic })))),
    )
  }
  for (const [topic, sends] of [
    [TOPIC, Array.from({ length: 20 }, (_, send) => send)],
    [OTHER_TOPIC, Array.from({ length: 10 }, (_, send) => send * 2 + 1)],
  ] as const) {
    const read = await own(topic)
    assert.ok(new Set(read.map(({ partition }) => partition)).size > 3)
    const expected = sends.flatMap((send) => [`${send}.0`, `${send}.1`])
    for (const one of keys) {
      const values = read.filter(({ key: at }) => at === one).toSorted((a, b) => a.offset - b.offset)
      assert.deepEqual(
        values.map(({ value }) => value),
        expected,
      )
    }
  }
})

test('a batch that comes to the broker again is not there twice', async () => {
  const { producer, key, own, produced } = setup()
  for (const value of ['first', 'second', 'third']) {
    await producer.send([record(key('a'), value), record(key('b'), value)])
  }
  const before = await own()
  assert.equal(before.length, 6)
  // As they went over the wire, from the oldest to the newest.
  const requests = [...produced]
  assert.equal(requests.length, 3)
  for (const request of requests) await replay(request)
  assert.deepEqual(await own(), before)

  await producer.send([record(key('a'), 'fourth')])
  assert.equal((await own()).length, 7)
})

test('records go to the partition that is named, and the send answers where the first of each has come to lie', async () => {
  const { producer, key, own } = setup()
  const placed = await producer.send([
    record(key('a'), 'v', { partition: 4 }),
    record(key('a'), 'first', { partition: 5 }),
    record(key('a'), 'second', { partition: 5 }),
  ])
  const read = await own()
  assert.deepEqual(
    read.map(({ value, partition }) => [value, partition]),
    [
      ['v', 4],
      ['first', 5],
      ['second', 5],
    ],
  )
  assert.deepEqual(
    placed.toSorted((one, other) => one.partition - other.partition),
    read.slice(0, 2).map(({ partition, offset }) => ({ topic: TOPIC, partition, offset: BigInt(offset) })),
  )
})

test('one send at a time: another one is refused, and takes no part', async () => {
  const { producer, key, own } = setup()
  const first = producer.send([record(key('first'), 'v')])
  await assert.rejects(producer.send([record(key('second'), 'v')]), /One send at a time/)
  await first
  await producer.send([record(key('third'), 'v')])
  assert.deepEqual((await own()).map(({ key: at }) => at).toSorted(), [key('first'), key('third')])
})

test('a topic that nobody made is a failure, not a wait', async () => {
  const { producer, key } = setup()
  const asked = performance.now()
  await assert.rejects(producer.send([record(key('a'), 'v', { topic: 'nobody-made-this' })]), SendFailed)
  assert.ok(performance.now() - asked < GIVEN_UP_MS)
})

test('an answer that is lost leaves it open what is on the topic; the next producer sends the same again', async () => {
  const { producer, key, own, another } = setup()
  await producer.send([record(key('a'), 'first')])
  const drop = proxy.dropAnswerTo(isProduce)
  const asked = performance.now()
  await assert.rejects(producer.send([record(key('a'), 'second')]), SendFailed)
  assert.ok(performance.now() - asked < GIVEN_UP_MS)
  assert.equal(drop.count, 1)
  await another().send([record(key('a'), 'second'), record(key('a'), 'third')])
  assert.deepEqual(
    (await own()).map(({ value }) => value),
    ['first', 'second', 'second', 'third'],
  )
})

test('a broker that answers nothing is given up in bounded time', async () => {
  const { producer, key } = setup()
  await producer.send([record(key('a'), 'v')])
  proxy.blackHole()
  try {
    const asked = performance.now()
    await assert.rejects(producer.send([record(key('a'), 'w')]), SendFailed)
    assert.ok(performance.now() - asked < GIVEN_UP_MS)
    const closed = performance.now()
    await producer.close()
    // One second, and a machine may stand still.
    assert.ok(performance.now() - closed < 4_500)
  } finally {
    await proxy.heal()
  }
})

test('a broker that is killed is missed in bounded time, and sent the same when it is back', async () => {
  const { producer, key, own, another } = setup()
  await producer.send([record(key('a'), 'first')])
  const broker = infra.parts.get('kafka-1')
  assert.ok(broker)
  await broker.kill()
  const asked = performance.now()
  await assert.rejects(producer.send([record(key('a'), 'second')]), SendFailed)
  await assert.rejects(another().send([record(key('a'), 'second')]), SendFailed)
  assert.ok(performance.now() - asked < 2 * GIVEN_UP_MS)

  await broker.start()
  await until('the broker takes records', async () => {
    await another().send([record(key('a'), 'second'), record(key('a'), 'third')])
    return true
  })
  const values = (await own()).map(({ value }) => value)
  assert.equal(values[0], 'first')
  assert.deepEqual(values.slice(-2), ['second', 'third'])
})

let infra: Infrastructure
let offsets: Offsets
let proxy: TcpProxy
const produceRequests: Buffer[] = []
const opened: OrderedProducer[] = []
let tests = 0

before(async () => {
  const [advertisedPort] = await servicePorts(1)
  infra = await startInfrastructure({ databases: [], kafka: true, advertisedPort })
  offsets = new Offsets(infra.brokers)
  proxy = await openProxy({ to: infra.outsidePort, port: advertisedPort, requests: overheard })
  // A broker that has just begun gives no identities yet.
  await until('the broker takes records', async () => {
    await using producer = open()
    await producer.send([record('first-of-all', 'v')])
    return true
  })
})

after(async () => {
  await Promise.all(opened.map((producer) => producer.close()))
  await offsets[Symbol.asyncDispose]()
  await proxy[Symbol.asyncDispose]()
  await infra[Symbol.asyncDispose]()
})

function setup() {
  tests += 1
  const prefix = `test-${tests}-`
  produceRequests.length = 0
  return {
    producer: open(),
    another: open,
    key: (name: string) => prefix + name,
    produced: produceRequests,
    /** What this test has on a topic, by partition and offset. */
    own: async (topic = TOPIC): Promise<ReadRecord[]> => {
      const count = await until('the broker says how many there are', () => offsets.count(topic))
      return (await readTopic(infra.brokers, topic, count))
        .filter(({ key }) => key.startsWith(prefix))
        .toSorted((one, other) => one.partition - other.partition || one.offset - other.offset)
    },
  }
}

function open(): OrderedProducer {
  const producer = new OrderedProducer({ clientId: 'test', brokers: [`127.0.0.1:${proxy.port}`] })
  opened.push(producer)
  return producer
}

function record(
  key: string | Buffer,
  value: string | Buffer | null,
  more: Partial<OutgoingRecord> = {},
): OutgoingRecord {
  return { topic: TOPIC, headers: [], ...more, key, value }
}

function overheard(): RequestCutter {
  const cut = kafkaRequests()
  return (bytes) => {
    const requests = cut(bytes)
    produceRequests.push(...requests.filter((request) => isProduce(request, {})).map((request) => Buffer.from(request)))
    return requests
  }
}

/** Says to the broker what it was told before, byte for byte, and waits for its answer. */
async function replay(request: Buffer): Promise<void> {
  const socket = connect(Number(infra.brokers.split(':')[1]), '127.0.0.1')
  await once(socket, 'connect')
  socket.write(request)
  await once(socket, 'data')
  socket.destroy()
}
