import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Consumer, ProduceAcks, Producer, type Connection } from '@platformatic/kafka'
import { produceByConsole } from '@timesale/testkit/console-producer'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { produce, type TestRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { fetchRecords, type PartitionOffset } from './fetch.ts'
import type { FetchedRecord } from './fetched-record.ts'
import { OrderedProducer } from './producer.ts'
import { headerName } from './record-batch.ts'

const TOPIC = 'order-topic'
const PARTITIONS = [0, 1, 2, 3, 4, 5]

test('what anybody sends, compressed or not, is read as the library reads it', async () => {
  await sendByUs()
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    await produce(infra.brokers, someRecords(compression), { compression })
  }
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) await sendByConsoleProducer(compression)

  const read = await readAll()

  assert.equal(read.length, 3 + 5 * 20 + 5 * 20)
  assert.deepEqual(read.map(plain), await readByTheLibrary())
})

test('records of transactions are read, and what marks their end is passed', async () => {
  const [before] = await ends()
  const producer = new Producer({
    ...{ clientId: 'test', bootstrapBrokers: [infra.brokers], transactionalId: 'test', idempotent: true },
    acks: ProduceAcks.ALL,
  })
  for (const end of ['commit', 'abort'] as const) {
    const transaction = await producer.beginTransaction()
    await transaction.send({ messages: [{ topic: TOPIC, partition: 0, value: Buffer.from(end) }] })
    await transaction[end]()
  }
  await producer.close()
  // Two records, and two marks that hold none. The last mark is written after the producer was answered.
  await until('both ends are marked', async () => {
    const [after] = await ends()
    return (after ?? 0n) - (before ?? 0n) === 4n
  })

  const texts = (await readAll()).map(({ value }) => value?.toString())

  assert.deepEqual(
    texts.filter((text) => text === 'commit' || text === 'abort'),
    ['commit', 'abort'],
  )
})

test('an offset that does not exist is refused by its name', async () => {
  await assert.rejects(
    fetchFrom([{ topic: TOPIC, partition: 0, offset: 1_000_000n }]),
    isRefusal('OFFSET_OUT_OF_RANGE'),
  )
})

test('a topic that does not exist is refused by its name', async () => {
  await assert.rejects(
    fetchFrom([{ topic: 'none', partition: 0, offset: 0n }]),
    isRefusal('UNKNOWN_TOPIC_OR_PARTITION'),
  )
})

test('where nothing comes the broker answers in time, and says nothing', async () => {
  const began = performance.now()

  const { records, next } = await fetchFrom([{ topic: 'stock-topic', partition: 0, offset: 0n }])

  assert.deepEqual([records, next], [[], []])
  const tookMs = performance.now() - began
  assert.ok(tookMs > 40 && tookMs < 5_000, `${tookMs} ms`)
})

async function sendByUs(): Promise<void> {
  await using producer = new OrderedProducer({ clientId: 'test', brokers: [infra.brokers] })
  await producer.send([
    { topic: TOPIC, key: 'us', value: '{"사과":1}', headers: [[headerName('이름'), '사과']] },
    { topic: TOPIC, key: 'us too', value: null, headers: [] },
    { topic: TOPIC, key: null, value: Buffer.from([0, 255]), headers: [[headerName('raw'), Buffer.from([128])]] },
  ])
}

function someRecords(name: string): TestRecord[] {
  return Array.from({ length: 20 }, (_, index) => ({
    topic: TOPIC,
    key: `${name} ${index}`,
    partition: index % PARTITIONS.length,
    ...(index === 7 ? {} : { value: 'x'.repeat(index ** 3) }),
    headers: Object.fromEntries(Array.from({ length: index }, (_, header) => [`h${header}`, `${name} ${header}`])),
  }))
}

async function sendByConsoleProducer(compression: string): Promise<void> {
  const lines = Array.from({ length: 20 }, (_, index) => `h:${index},g:${compression}\tkey ${index}\tvalue ${index}`)
  await produceByConsole(infra.brokers, TOPIC, lines, compression)
}

/** Everything on the topic, in pieces of one answer. */
async function readAll(): Promise<FetchedRecord[]> {
  const byPartition = await Promise.all(
    PARTITIONS.map(async (partition) => {
      const records: FetchedRecord[] = []
      for (let offset = 0n; ;) {
        const answer = await fetchFrom([{ topic: TOPIC, partition, offset }])
        const [next] = answer.next
        if (next === undefined) return records
        records.push(...answer.records)
        offset = next.offset
      }
    }),
  )
  return byPartition.flat().toSorted(byPlace)
}

/** Up to where each partition is read. */
async function ends(): Promise<bigint[]> {
  const positions = PARTITIONS.map((partition) => ({ topic: TOPIC, partition, offset: 0n }))
  const { next } = await fetchRecords(connection, { maxWaitMs: 50, maxBytes: 1 << 24, positions })
  return PARTITIONS.map((partition) => next.find((one) => one.partition === partition)?.offset ?? 0n)
}

function fetchFrom(positions: readonly PartitionOffset[]): ReturnType<typeof fetchRecords> {
  return fetchRecords(connection, { maxWaitMs: 50, maxBytes: 4_000, positions })
}

async function readByTheLibrary(): Promise<object[]> {
  const metadata = await client.metadata({ topics: [TOPIC] })
  const topicId = metadata.topics.get(TOPIC)?.id ?? ''
  const answer = await client.fetch({
    ...{
      node: [...metadata.brokers.keys()][0] ?? 0,
      minBytes: 1,
      maxBytes: 1 << 24,
      maxWaitTime: 50,
      isolationLevel: 0,
    },
    topics: [
      {
        topicId,
        partitions: PARTITIONS.map((partition) => ({
          ...{ partition, currentLeaderEpoch: -1, fetchOffset: 0n, lastFetchedEpoch: -1, partitionMaxBytes: 1 << 24 },
        })),
      },
    ],
  })
  return answer.responses
    .flatMap(({ partitions }) => partitions)
    .flatMap(({ partitionIndex: partition, records: batches }) =>
      (batches ?? []).flatMap((batch) =>
        batch.records.map((record) => ({
          ...{ topic: TOPIC, partition, offset: batch.firstOffset + BigInt(record.offsetDelta) },
          timestamp: batch.firstTimestamp + record.timestampDelta,
          ...{ key: record.key, value: record.value, headers: record.headers },
        })),
      ),
    )
    .toSorted(byPlace)
}

function plain({ topic, partition, offset, timestamp, key, value, headers }: FetchedRecord): object {
  return { topic, partition, offset, timestamp, key, value, headers }
}

interface Placed {
  readonly partition: number
  readonly offset: bigint
}

function byPlace(one: Placed, other: Placed): number {
  return one.partition - other.partition || Number(one.offset - other.offset)
}

function isRefusal(apiId: string): (error: AggregateError) => boolean {
  return (error) => error.errors.some((one: { apiId?: string }) => one.apiId === apiId)
}

let infra: Infrastructure
let client: Consumer<Buffer, Buffer, Buffer, Buffer>
let connection: Connection

before(async () => {
  infra = await startInfrastructure({ databases: [], kafka: true })
  client = new Consumer({ clientId: 'test', groupId: 'test', bootstrapBrokers: [infra.brokers] })
  const [first] = (await client.connectToBrokers()).values()
  connection = first as Connection
  // A broker that has just begun gives no identities yet. On a topic that nobody reads here.
  await until('the broker takes records', async () => {
    await using producer = new OrderedProducer({ clientId: 'test', brokers: [infra.brokers] })
    await producer.send([{ topic: 'payment-topic', key: 'first-of-all', value: 'v', headers: [] }])
    return true
  })
})

after(async () => {
  await client.close(true)
  await infra[Symbol.asyncDispose]()
})
