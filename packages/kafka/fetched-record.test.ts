import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reader, createRecordsBatch, readRecordsBatches, type Message as LibraryMessage } from '@platformatic/kafka'
import fc from 'fast-check'
import type { RawRecord } from './decode.ts'
import { FetchedRecord, MalformedRecords, readRecordBatches } from './fetched-record.ts'
import { encodeRecordBatch, headerName } from './record-batch.ts'

const PLACE = { topic: 'order-topic', partition: 3, from: 0n }

test('whatever we send is read as the library reads it', () => {
  fc.assert(
    fc.property(fc.array(fc.array(messages, { minLength: 1, maxLength: 8 }), { maxLength: 4 }), (batches) => {
      const bytes = log(batches.map((some) => byUs(some)))

      assert.deepEqual(read(bytes), byTheLibrary(bytes))
    }),
    { numRuns: 300 },
  )
})

test('whatever the library sends, in any compression, is read as the library reads it', () => {
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    fc.assert(
      fc.property(fc.array(messages, { minLength: 1, maxLength: 8 }), (some) => {
        const bytes = log([createRecordsBatch(some, { compression }).buffer, byUs(some)])

        assert.deepEqual(read(bytes), byTheLibrary(bytes))
      }),
      { numRuns: 50 },
    )
  }
})

test('numbers of any length are read: of fields, of offsets and of times', () => {
  for (const size of [0, 1, 63, 64, 65, 8_191, 8_192, 1_048_575, 1_048_576]) {
    const value = Buffer.alloc(size, 7)
    const bytes = log([
      createRecordsBatch([
        message({ value, timestamp: 1_700_000_000_000n }),
        message({ timestamp: 1_700_000_000_000n + BigInt(size) ** 2n }),
        message({ timestamp: 1_700_000_000_000n - BigInt(size) ** 2n }),
      ]).buffer,
    ])

    assert.deepEqual(read(bytes), byTheLibrary(bytes))
  }
})

test('a batch that was cut off is left out, and those before it are read, wherever the cut is', () => {
  const [first, second] = [byUs([message(), message()]), byUs([message()])]
  const bytes = log([first, second])

  for (let end = 0; end <= bytes.length; end += 1) {
    const { records, to } = readRecordBatches(bytes, 0, end, PLACE)
    const expected = [0, 2, 3][Number(end >= first.length) + Number(end >= bytes.length)]
    assert.deepEqual([records.length, to], [expected, BigInt(expected ?? -1)], `cut at ${end}`)
  }
})

test('what lies before the offset that was asked for is left out', () => {
  const bytes = log([byUs([message(), message(), message()]), byUs([message(), message()])])

  for (const from of [0n, 1n, 2n, 3n, 4n, 5n]) {
    const { records, to } = readRecordBatches(bytes, 0, bytes.length, { ...PLACE, from })
    assert.deepEqual(
      [records.map(({ offset }) => offset), to],
      [[0n, 1n, 2n, 3n, 4n].filter((offset) => offset >= from), 5n],
    )
  }
})

test('a control batch holds no event, and is passed', () => {
  const control = byUs([message(), message()])
  control.writeInt16BE(0b11_0000, 21)
  const bytes = log([byUs([message()]), control, byUs([message()]), control])

  const { records, to } = readRecordBatches(bytes, 0, bytes.length, PLACE)

  assert.deepEqual([records.map(({ offset }) => offset), to], [[0n, 3n], 6n])
})

test('a compacted batch says itself how far it goes', () => {
  const compacted = byUs([message(), message()])
  compacted.writeInt32BE(9, 23)

  const { records, to } = readRecordBatches(compacted, 0, compacted.length, PLACE)

  assert.deepEqual([records.length, to], [2, 10n])
})

test('batches of another format, or compressed in a way that nobody knows, are refused', () => {
  const old = byUs([message()])
  old.writeInt8(1, 16)
  const unknown = byUs([message()])
  unknown.writeInt16BE(7, 21)
  const short = byUs([message()])
  short.writeInt32BE(20, 8)

  for (const bytes of [old, unknown, short]) {
    assert.throws(() => readRecordBatches(bytes, 0, bytes.length, PLACE), MalformedRecords)
  }
})

test('bytes that are no records are refused, and nothing outside of them is read', () => {
  fc.assert(
    fc.property(
      fc.array(messages, { minLength: 1, maxLength: 4 }),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
      (some, changes) => {
        const bytes = Buffer.from(byUs(some))
        // Not the attributes: what a decompressor says to garbage is its own affair.
        for (const [at, byte] of changes) bytes[23 + (at % (bytes.length - 23))] = byte
        try {
          for (const record of readRecordBatches(bytes, 0, bytes.length, { ...PLACE, from: -(2n ** 40n) }).records) {
            const inside = [record.key, record.value, ...record.headers.flat()].reduce(
              (all, field) => all + (field?.length ?? 0),
              0,
            )
            assert.ok(inside <= bytes.length)
          }
        } catch (error) {
          assert.ok(error instanceof MalformedRecords, String(error))
        }
      },
    ),
    { numRuns: 2_000 },
  )
})

test('of headers that break off, those before are told', () => {
  const [record] = readRecordBatches(BROKEN_HEADERS, 0, BROKEN_HEADERS.length, PLACE).records

  assert.deepEqual(record?.headers, [[Buffer.from('name'), Buffer.from('value')]])
})

test('a header that says to be longer than its record is not told', () => {
  const batch = byUs([message({ headers: new Map([[Buffer.from('name'), Buffer.from('value')]]) }), message()])
  // The length of the value: nine letters more than there are, into the next record.
  batch[batch.indexOf('value') - 1] = 2 * 14

  const [record] = readRecordBatches(batch, 0, batch.length, PLACE).records

  assert.deepEqual(record?.headers, [])
})

test('a record from elsewhere is read like one that was fetched', () => {
  fc.assert(
    fc.property(messages, ({ key, value, headers }) => {
      const record: RawRecord = {
        ...{ topic: 'stock-topic', partition: 5, offset: 77n, timestamp: 9n },
        key: key ?? null,
        value: value ?? null,
        headers: [...(headers as Map<Buffer, Buffer>)],
      }

      const copy = FetchedRecord.of(record)

      assert.deepEqual([copy.topic, copy.key, copy.value], [record.topic, record.key, record.value])
      assert.deepEqual(
        copy.headers.map(([, text]) => text),
        record.headers.map(([, text]) => text),
      )
      assert.equal(FetchedRecord.of(copy), copy)
    }),
  )
})

type Message = LibraryMessage<Buffer, Buffer, Buffer, Buffer>

const bytes = fc.uint8Array({ maxLength: 80 }).map((some) => Buffer.from(some))
const messages: fc.Arbitrary<Message> = fc
  .record({
    key: fc.option(bytes, { nil: undefined }),
    value: fc.option(bytes, { nil: undefined }),
    headers: fc.array(fc.tuple(fc.string({ maxLength: 10 }), bytes), { maxLength: 12 }),
    timestamp: fc.bigInt({ min: 1_700_000_000_000n, max: 1_700_000_100_000n }),
  })
  .map(({ headers, ...rest }) =>
    message({ ...rest, headers: new Map(headers.map(([name, value]) => [Buffer.from(name), value])) }),
  )

function message(change: { [Field in keyof Message]?: Message[Field] | undefined } = {}): Message {
  return {
    topic: 'order-topic',
    key: Buffer.from('key'),
    value: Buffer.from('{}'),
    timestamp: 1n,
    ...change,
  } as Message
}

function byUs(some: readonly Message[]): Buffer {
  const records = some.map(({ key, value, headers }) => ({
    topic: 'order-topic',
    key: key ?? null,
    value: value ?? null,
    headers: [...((headers ?? new Map()) as Map<Buffer, Buffer>)].map(
      ([name, text]) => [headerName(name.toString()), text] as const,
    ),
  }))
  return encodeRecordBatch(records, { id: 7n, epoch: 0, sequence: 0 }, 1_700_000_000_000)
}

/** Batches as they stand one behind the other, with the offsets that a broker gives. */
function log(batches: readonly Buffer[]): Buffer {
  let offset = 0n
  return Buffer.concat(
    batches.map((batch) => {
      const copy = Buffer.from(batch)
      copy.writeBigInt64BE(offset, 0)
      offset += BigInt(copy.readInt32BE(23)) + 1n
      return copy
    }),
  )
}

// Three headers announced, of which the second breaks off.
const BROKEN_HEADERS = ((): Buffer => {
  const batch = byUs([
    message({
      headers: new Map(
        [
          ['name', 'value'],
          ['x', 'yz'],
        ].map(([name = '', value = '']) => [Buffer.from(name), Buffer.from(value)]),
      ),
    }),
  ])
  // The length of the second name, after which come one letter of it, and the value with its length.
  batch[batch.length - 5] = 60
  return batch
})()

function read(some: Buffer): object[] {
  return readRecordBatches(some, 0, some.length, PLACE).records.map((record) => ({
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestamp,
    key: record.key,
    value: record.value,
    headers: record.headers,
  }))
}

function byTheLibrary(some: Buffer): object[] {
  return readRecordsBatches(Reader.from(some)).flatMap((batch) =>
    batch.records.map((record) => ({
      topic: 'order-topic',
      partition: 3,
      offset: batch.firstOffset + BigInt(record.offsetDelta),
      timestamp: batch.firstTimestamp + record.timestampDelta,
      key: record.key,
      value: record.value,
      headers: record.headers,
    })),
  )
}
