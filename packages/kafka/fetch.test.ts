import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reader, Writer, fetchV12 } from '@platformatic/kafka'
import { readFetchResponse } from './fetch.ts'
import { encodeRecordBatch } from './record-batch.ts'

const FROM = { topic: 'order-topic', partition: 0, offset: 0n }

test('the records of all partitions are read, as the library reads them, however the socket cut the answer', () => {
  const positions = [FROM, { ...FROM, partition: 2 }, { ...FROM, topic: 'stock-topic', partition: 1 }]
  const bytes = answer({
    partitions: [
      { partition: 0, records: Buffer.concat([batch(0n, 'a', 'b'), batch(2n, 'c')]) },
      { partition: 2, records: batch(7n, 'd') },
    ],
    others: [{ partition: 1, records: batch(5n, 'e', 'f') }],
  })

  for (const piece of [1, 7, 100, bytes.length]) {
    const { records, next } = readFetchResponse(inPieces(bytes, piece), positions)

    assert.deepEqual(
      records.map(({ topic, partition, offset, value }) => ({ topic, partition, offset, value })),
      byTheLibrary(bytes),
    )
    assert.deepEqual(next, [
      { ...FROM, offset: 3n },
      { ...FROM, partition: 2, offset: 8n },
      { ...FROM, topic: 'stock-topic', partition: 1, offset: 7n },
    ])
  }
})

test('where there is nothing new there is nothing to read on from', () => {
  for (const records of [null, Buffer.alloc(0), batch(0n, 'old')]) {
    const bytes = answer({ partitions: [{ partition: 0, records }] })

    assert.deepEqual(readFetchResponse(Reader.from(bytes), [{ ...FROM, offset: 1n }]), { records: [], next: [] })
  }
})

test('a partition that was not asked for is passed over', () => {
  const bytes = answer({
    partitions: [
      { partition: 4, records: batch(0n, 'not ours') },
      { partition: 0, records: batch(0n, 'ours') },
    ],
  })

  const { records, next } = readFetchResponse(Reader.from(bytes), [FROM])

  assert.deepEqual(
    records.map(({ value }) => value?.toString()),
    ['ours'],
  )
  assert.deepEqual(next, [{ ...FROM, offset: 1n }])
})

test('what a broker says beyond the records does not matter', () => {
  const bytes = answer({
    partitions: [
      { partition: 0, records: batch(0n, 'a'), aborted: 2, tags: 3 },
      { partition: 2, records: batch(0n, 'b') },
    ],
  })

  const { records } = readFetchResponse(Reader.from(bytes), [FROM, { ...FROM, partition: 2 }])

  assert.deepEqual(
    records.map(({ value }) => value?.toString()),
    ['a', 'b'],
  )
})

test('an error of the answer or of any partition is thrown, with its name', () => {
  const cases = [
    { bytes: answer({ code: 72 }), apiId: 'LISTENER_NOT_FOUND' },
    { bytes: answer({ partitions: [{ partition: 0, records: null, code: 1 }] }), apiId: 'OFFSET_OUT_OF_RANGE' },
    {
      bytes: answer({
        partitions: [
          { partition: 0, records: batch(0n, 'a') },
          { partition: 9, records: null, code: 6 },
        ],
      }),
      apiId: 'NOT_LEADER_OR_FOLLOWER',
    },
  ]
  for (const { bytes, apiId } of cases) {
    assert.throws(
      () => readFetchResponse(Reader.from(bytes), [FROM]),
      (error: AggregateError) => error.errors.some((one: { apiId?: string }) => one.apiId === apiId),
    )
  }
})

test('an answer that breaks off is refused', () => {
  const whole = answer({ partitions: [{ partition: 0, records: batch(0n, 'a', 'b') }] })
  const records = whole.indexOf('order-topic') + 'order-topic'.length + 1 + 35

  for (let end = records; end < whole.length - 4; end += 1) {
    assert.throws(() => readFetchResponse(Reader.from(whole.subarray(0, end)), [FROM]), Error, `at ${end}`)
  }
})

interface Answer {
  readonly code?: number
  readonly partitions?: readonly Part[]
  /** Of a second topic. */
  readonly others?: readonly Part[]
}

interface Part {
  readonly partition: number
  readonly records: Buffer | null
  readonly code?: number
  /** How many transactions were aborted, and how many tagged fields there are. */
  readonly aborted?: number
  readonly tags?: number
}

// Fetch response v12: https://kafka.apache.org/protocol#The_Messages_Fetch
function answer({ code = 0, partitions = [], others = [] }: Answer): Buffer {
  const topics = [
    { name: 'order-topic', parts: partitions },
    { name: 'stock-topic', parts: others },
  ]
  return Writer.create()
    .appendInt32(0)
    .appendInt16(code)
    .appendInt32(0)
    .appendArray(topics, (writer, { name, parts }) => {
      writer.appendString(name).appendArray(
        [...parts],
        (part, { partition, records, code: own = 0, aborted = 0, tags = 0 }) => {
          part.appendInt32(partition).appendInt16(own).appendInt64(9n).appendInt64(9n).appendInt64(0n)
          part.appendArray(Array.from({ length: aborted }), (one) => one.appendInt64(1n).appendInt64(2n))
          part.appendInt32(-1)
          if (records === null) part.appendUnsignedVarInt(0)
          else part.appendUnsignedVarInt(records.length + 1).append(records)
          part.appendUnsignedVarInt(tags)
          for (let tag = 0; tag < tags; tag += 1) {
            part.appendUnsignedVarInt(tag).appendUnsignedVarInt(12).append(Buffer.alloc(12, 0xff))
          }
        },
        true,
        false,
      )
    })
    .appendTaggedFields().buffer
}

function batch(firstOffset: bigint, ...values: readonly string[]): Buffer {
  const records = values.map((value) => ({ topic: '', key: value, value, headers: [] }))
  const bytes = encodeRecordBatch(records, { id: 1n, epoch: 0, sequence: 0 }, 1_700_000_000_000)
  bytes.writeBigInt64BE(firstOffset, 0)
  return bytes
}

function inPieces(bytes: Buffer, length: number): Reader {
  const pieces = Writer.create()
  for (let at = 0; at < bytes.length; at += length) pieces.append(bytes.subarray(at, at + length))
  return Reader.from(pieces)
}

function byTheLibrary(bytes: Buffer): object[] {
  return fetchV12
    .parseResponse(0, 1, 12, Reader.from(bytes))
    .responses.flatMap(({ topicId: topic, partitions }) =>
      partitions.flatMap(({ partitionIndex: partition, records }) =>
        (records ?? []).flatMap(({ firstOffset, records: own }) =>
          own.map(({ offsetDelta, value }) => ({ topic, partition, offset: firstOffset + BigInt(offsetDelta), value })),
        ),
      ),
    )
}
