import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRecordsBatch, readRecordsBatches, Reader, type RecordsBatch } from '@platformatic/kafka'
import fc from 'fast-check'
import { encodeRecordBatch, headerName, shareHeaders, type BatchProducer, type OutgoingRecord } from './record-batch.ts'

test('whatever records are sent, the library reads the same keys, values, headers and numbers', () => {
  fc.assert(
    fc.property(fc.array(records, { minLength: 1, maxLength: 20 }), producers, timestamps, (some, producer, at) => {
      assertReadBack(some, producer, at)
    }),
    { numRuns: 300 },
  )
})

test('a batch is byte for byte what the library makes of the same messages', () => {
  fc.assert(
    fc.property(fc.array(records, { minLength: 1, maxLength: 20 }), producers, timestamps, (some, producer, at) => {
      assert.deepEqual(encode(some, producer, at), byTheLibrary(some, producer, at))
    }),
    { numRuns: 300 },
  )
})

test('lengths are right on both sides of where a number takes one byte more', () => {
  for (const size of [0, 1, 62, 63, 64, 65, 127, 128, 8_190, 8_191, 8_192, 8_193, 1_048_575, 1_048_576, 1_048_577]) {
    for (const filled of [{ key: text(size) }, { value: text(size) }, { headers: [[text(size), text(1)] as const] }]) {
      assertReadBack([{ key: 'k', value: 'v', headers: [], shared: [], ...filled }], PRODUCER, 1)
    }
    assertReadBack([{ key: 'k', value: 'v', headers: [['h', Buffer.alloc(size, 7)]], shared: [] }], PRODUCER, 1)
    assertReadBack([{ key: 'k', value: 'v', headers: [], shared: [['h', text(size)]] }], PRODUCER, 1)
    // The length of the record itself passes the border somewhere below this one.
    for (let less = 1; less <= (size < 10_000 ? Math.min(size, 24) : 0); less += 1) {
      assertReadBack([{ key: 'k', value: text(size - less), headers: [['h', 'v']], shared: [] }], PRODUCER, 1)
    }
  }
})

test('a text has as many bytes as UTF-8 needs, in every script', () => {
  for (const word of ['', 'apple', '사과', '🍎', 'é', '\u007f\u0080', '\u07ff\u0800', '사과 apple 🍎', '\ud800']) {
    const [batch] = readBack([{ key: word, value: word, headers: [[word, word]], shared: [[word, word]] }], PRODUCER, 1)
    const bytes = Buffer.from(word, 'utf8')
    const [record] = batch?.records ?? []
    assert.deepEqual([record?.key, record?.value], [bytes, bytes])
    assert.deepEqual(record?.headers, [
      [bytes, bytes],
      [bytes, bytes],
    ])
  }
})

test('no key and no value are not the same as empty ones', () => {
  const [batch] = readBack(
    [
      { key: null, value: null, headers: [], shared: [] },
      { key: '', value: Buffer.alloc(0), headers: [], shared: [] },
    ],
    PRODUCER,
    1,
  )
  assert.deepEqual(
    batch?.records.map(({ key, value }) => [key, value]),
    [
      [null, null],
      [Buffer.alloc(0), Buffer.alloc(0)],
    ],
  )
})

test('a record may have no header or sixty-five of them, shared or its own, the shared ones first', () => {
  for (const [shared, own] of [
    [0, 0],
    [0, 60],
    [60, 0],
    [31, 32],
    [32, 32],
    [33, 32],
  ] as const) {
    const some = {
      ...{ key: 'k', value: 'v' },
      shared: Array.from({ length: shared }, (_, index) => [`shared-${index}`, `${index}`] as const),
      headers: Array.from({ length: own }, (_, index) => [`own-${index}`, `${index}`] as const),
    }
    assertReadBack([some, some], PRODUCER, 1)
  }
})

test('two thousand records are one batch, numbered from nought', () => {
  const many = Array.from({ length: 2_000 }, (_, index) => ({
    ...{ key: `o-${index}`, value: `{"n":${index}}` },
    ...{ headers: [['n', `${index}`] as const], shared: SHARED },
  }))
  const [batch, ...more] = readBack(many, PRODUCER, 1)
  assert.deepEqual(more, [])
  assert.equal(batch?.lastOffsetDelta, 1_999)
  assert.deepEqual(
    batch?.records.map(({ offsetDelta }) => offsetDelta),
    many.map((_one, index) => index),
  )
  assertReadBack(many, PRODUCER, 1)
})

test('the checksum is over all that follows it: no byte of a batch can change without being found out', () => {
  const batch = encode([{ key: '사과', value: 'v', headers: [['h', 'v']], shared: SHARED }], PRODUCER, 1)
  assert.equal(batch.readUInt32BE(CRC_AT), crc32c(batch.subarray(ATTRIBUTES_AT)))
  // The check value of CRC-32C.
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  for (let at = ATTRIBUTES_AT; at < batch.length; at += 1) {
    const corrupt = Buffer.from(batch)
    corrupt.writeUInt8(corrupt.readUInt8(at) ^ 1, at)
    assert.notEqual(corrupt.readUInt32BE(CRC_AT), crc32c(corrupt.subarray(ATTRIBUTES_AT)))
  }
})

type Bytes = string | Buffer

interface TestRecord {
  readonly key: Bytes | null
  readonly value: Bytes | null
  readonly headers: readonly (readonly [name: string, value: Bytes])[]
  readonly shared: readonly (readonly [name: string, value: Bytes])[]
}

const CRC_AT = 17
const ATTRIBUTES_AT = 21
const PRODUCER: BatchProducer = { id: 4_711n, epoch: 3, sequence: 2_147_483_000 }
const SHARED = [
  ['ce_type', 'order.placed.v1'],
  ['name', '사과'],
] as const

const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '사과', '한국어 이름', '🍎', 'plain', 'tab\tline\nquote"'),
  fc.nat({ max: 70 }).map((size) => text(size)),
)
const bytes: fc.Arbitrary<Bytes> = fc.oneof(
  words,
  fc.uint8Array({ maxLength: 70 }).map((some) => Buffer.from(some)),
)
const headers = fc.array(fc.tuple(words, bytes), { maxLength: 8 })
const records: fc.Arbitrary<TestRecord> = fc.record(
  {
    key: fc.option(bytes),
    value: fc.option(bytes),
    headers,
    shared: fc.oneof(fc.constant([]), headers),
  },
  { noNullPrototype: true },
)
const producers: fc.Arbitrary<BatchProducer> = fc.record(
  {
    id: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    epoch: fc.nat({ max: 32_767 }),
    sequence: fc.nat({ max: 2 ** 31 - 1 }),
  },
  { noNullPrototype: true },
)
const timestamps = fc.nat({ max: 4_102_444_800_000 })

function text(size: number): string {
  return 'x'.repeat(size)
}

function encode(some: readonly TestRecord[], producer: BatchProducer, at: number): Buffer {
  const outgoing: OutgoingRecord[] = some.map(({ key, value, headers: own, shared }) => ({
    ...{ topic: 't', key, value },
    headers: own.map(([name, one]) => [headerName(name), one]),
    sharedHeaders: shared.length === 0 ? undefined : shareHeaders(shared.map(([name, one]) => [headerName(name), one])),
  }))
  return encodeRecordBatch(outgoing, producer, at)
}

function readBack(some: readonly TestRecord[], producer: BatchProducer, at: number): RecordsBatch[] {
  return readRecordsBatches(Reader.from(encode(some, producer, at)))
}

function assertReadBack(some: readonly TestRecord[], producer: BatchProducer, at: number): void {
  const encoded = encode(some, producer, at)
  const reader = Reader.from(encoded)
  const [batch, ...more] = readRecordsBatches(reader)
  assert.deepEqual([more, reader.remaining], [[], 0])
  assert.ok(batch !== undefined)
  const { records: read, crc, ...head } = batch
  assert.equal(crc, crc32c(encoded.subarray(ATTRIBUTES_AT)))
  assert.deepEqual(head, {
    ...{ firstOffset: 0n, length: encoded.length - 12, partitionLeaderEpoch: -1, magic: 2, attributes: 0 },
    ...{ lastOffsetDelta: some.length - 1, firstTimestamp: BigInt(at), maxTimestamp: BigInt(at) },
    ...{ producerId: producer.id, producerEpoch: producer.epoch, firstSequence: producer.sequence },
  })
  assert.deepEqual(
    read.map(({ length: _length, ...record }) => record),
    some.map((record, index) => ({
      ...{ attributes: 0, timestampDelta: 0n, offsetDelta: index },
      ...{ key: record.key === null ? null : Buffer.from(record.key) },
      ...{ value: record.value === null ? null : Buffer.from(record.value) },
      headers: [...record.shared, ...record.headers].map(([name, one]) => [Buffer.from(name), Buffer.from(one)]),
    })),
  )
}

// Keys of a Map of Buffers are never the same one, so a header may be there twice.
function byTheLibrary(some: readonly TestRecord[], producer: BatchProducer, at: number): Buffer {
  const messages = some.map(({ key, value, headers: own, shared }) => ({
    ...{ topic: 't', partition: 0, timestamp: BigInt(at) },
    // Its types know no record without a key or a value; its encoder does.
    key: (key === null ? null : Buffer.from(key)) as Buffer,
    value: (value === null ? null : Buffer.from(value)) as Buffer,
    headers: new Map([...shared, ...own].map(([name, one]) => [Buffer.from(name), Buffer.from(one)])),
  }))
  const sequences = new Map([['t:0', producer.sequence]])
  return createRecordsBatch(messages, {
    ...{ producerId: producer.id, producerEpoch: producer.epoch, partitionLeaderEpoch: -1 },
    // It asks for the first sequence of a partition, nothing else.
    sequences: { getWithDefault: (place: string) => sequences.get(place) } as never,
  }).buffer
}

/** CRC-32C bit by bit, to lean on nobody else's. */
function crc32c(of: Buffer): number {
  let crc = 0xffffffff
  for (const byte of of) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}
