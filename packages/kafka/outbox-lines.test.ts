import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRecordsBatches, Reader } from '@platformatic/kafka'
import { EVENTS } from '@timesale/contracts/catalogue'
import { fact, type Fact } from '@timesale/contracts/event'
import { OrderPlaced } from '@timesale/contracts/order-events'
import { StockAnnounced } from '@timesale/contracts/stock-events'
import { eventHeaders } from '@timesale/testkit/records'
import fc from 'fast-check'
import { headerBytes, storeHeader } from './headers.ts'
import { eventRows, looseRow, readLines, type LooseRecord, type OutboxRow } from './outbox-lines.ts'
import { encodeRecordBatch, type OutgoingRecord } from './record-batch.ts'

test('a fact becomes a CloudEvent in binary mode, with an id that follows from aggregate and version', () => {
  const [record, ...more] = sent(eventRows([announced(7)], { at: AT, traceparent: TRACEPARENT }))

  assert.deepEqual(more, [])
  const { traceparent, ...headers } = record?.headers ?? {}
  assert.deepEqual(
    { ...record, headers },
    {
      ...{ topic: 'stock-topic', key: 'A001', value: '{"productId":"A001","unitsOnSale":100}' },
      headers: {
        ce_specversion: '1.0',
        ce_type: 'stock.announced.v1',
        ce_source: '/stock/products',
        ce_id: 'A001.7',
        ce_subject: 'A001',
        ce_time: '2026-03-01T12:34:56.789Z',
        ce_aggregateversion: '7',
        'content-type': 'application/json',
      },
    },
  )
  assert.match(traceparent ?? '', /^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/)
  assert.notEqual(traceparent, TRACEPARENT)
})

test('a fact that brings the trace of its own cause keeps it among facts that have another, and one without any begins one', () => {
  const own = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'
  const facts = [announced(1), { ...announced(2), traceparent: own }, announced(3)]

  const traces = (occasion: { at: Date; traceparent?: string }): string[] =>
    sent(eventRows(facts, occasion)).map(({ headers }) => headers['traceparent'] ?? '')

  const [first, second, third] = traces({ at: AT, traceparent: TRACEPARENT })
  assert.match(first ?? '', /^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/)
  assert.match(second ?? '', /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/)
  assert.match(third ?? '', /^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/)
  assert.match(traces({ at: AT })[0] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
})

test('whatever facts are told, the records are what the wire format says, in the same order', () => {
  fc.assert(
    fc.property(fc.array(facts, { maxLength: 60, size: 'max' }), traces, times, (told, traceparent, at) => {
      const rows = eventRows(told, { at, traceparent })

      const expected = told.map((one) => expectedOf(one, at, traceparent))
      assert.deepEqual(sent(rows).map(withoutSpan), expected.map(withoutSpan))
    }),
    { numRuns: 200 },
  )
})

test('a row knows how many records it holds, and no less than what they are on the wire', () => {
  fc.assert(
    fc.property(fc.array(facts, { maxLength: 60, size: 'max' }), traces, times, (told, traceparent, at) => {
      for (const row of eventRows(told, { at, traceparent })) assertMeasured(row)
    }),
    { numRuns: 200 },
  )
  // The longest of all that is said of every record, and nothing in it.
  for (const definition of EVENTS) {
    const told = { definition, aggregateId: 'x'.repeat(64), version: 2 ** 31 - 1, data: {} }
    const many = Array.from({ length: 200 }, () => told)
    for (const row of eventRows(many, { at: AT })) assertMeasured(row)
  }
})

test('many facts are several rows, none much longer than a page holds; one that is longer has a row of its own', () => {
  const one = fact(OrderPlaced, { aggregateId: 'x'.repeat(64), version: 1, data: DATA })
  const rows = eventRows(
    Array.from({ length: 500 }, () => one),
    { at: AT },
  )
  const longest = Math.max(...eventRows([one], { at: AT }).map(({ lines }) => lines.length))

  assert.equal(sent(rows).length, 500)
  assert.ok(rows.length > 20, `${rows.length} rows`)
  for (const [index, { lines, events }] of rows.entries()) {
    assert.ok(lines.length < 7_000 + longest, `${lines.length} characters`)
    // Rows are filled: a row an event would be what this is there to avoid.
    assert.ok(events > 10 || index === rows.length - 1, `${events} events`)
  }

  const long = { ...one, data: { ...DATA, buyerId: '긴'.repeat(20_000) } }
  assert.deepEqual(
    eventRows([one, long, one], { at: AT }).map(({ events }) => events),
    [2, 1],
  )
  assert.deepEqual(eventRows([], { at: AT }), [])
})

test('any record that is not an event comes back byte for byte', () => {
  fc.assert(
    fc.property(fc.array(looseRecords, { minLength: 1, maxLength: 5 }), (loose) => {
      const rows = loose.map(looseRow)

      for (const row of rows) assertMeasured(row)
      assert.deepEqual(
        readAgain(rows.flatMap(({ lines }) => readLines(lines))),
        loose.map(({ topic, key, headers, value }) => ({
          topic,
          key: key === null ? null : Buffer.from(key),
          value,
          headers: headers.map(headerBytes),
        })),
      )
    }),
    { numRuns: 300 },
  )
})

test('records that are not events may stand among events, and lose nothing of the order', () => {
  const loose: LooseRecord = {
    topic: 'letters',
    key: '사과\t\n',
    headers: [['h\n', 'v\t']],
    value: Buffer.from('=\n!\t'),
  }
  const [before] = eventRows([announced(1)], { at: AT })
  const [behind] = eventRows([announced(2), announced(3)], { at: AT })
  const lines = `${before?.lines}${looseRow(loose).lines}${behind?.lines}`

  assert.deepEqual(
    readAgain(readLines(lines)).map(({ topic, key, value }) => [topic, String(key), String(value)]),
    [
      ['stock-topic', 'A001', '{"productId":"A001","unitsOnSale":100}'],
      ['letters', '사과\t\n', '=\n!\t'],
      ['stock-topic', 'A001', '{"productId":"A001","unitsOnSale":100}'],
      ['stock-topic', 'A001', '{"productId":"A001","unitsOnSale":100}'],
    ],
  )
})

const AT = new Date('2026-03-01T12:34:56.789Z')
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const DATA = {
  ...{ orderId: 'x'.repeat(64), buyerId: '구매자', productId: 'A001', quantity: 2 },
  ...{ unitPriceMinor: 12_900, currency: 'KRW' },
}

function announced(version: number): Fact {
  return fact(StockAnnounced, { aggregateId: 'A001', version, data: { productId: 'A001', unitsOnSale: 100 } })
}

const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom('사과', '🍎', '\t', '\n', '\r\n', '"', '\\', '=\n!\t', '\u2028', ''),
)
const traces = fc.oneof(
  fc.constantFrom(undefined, TRACEPARENT, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'),
  // As a stranger may send it.
  fc.constantFrom('', 'no trace', `${TRACEPARENT}\n!{}`, `${TRACEPARENT}\t`, '00-\n-\t-01'),
  words,
)
const times = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
// Few ids, so that several facts of one aggregate stand among others. Lines do not look at what the data says.
const facts: fc.Arbitrary<Fact> = fc
  .tuple(
    fc.constantFrom(...EVENTS),
    fc.constantFrom('A001', 'o-1', 'o-2', '0198f1c2-7b1e-7000-8000-000000000000', 'x'.repeat(64), '~._-'),
    fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    fc.oneof(
      fc.dictionary(words, fc.oneof(words, fc.integer(), fc.boolean(), fc.constant(null), fc.array(words))),
      fc.nat({ max: 9_000 }).map((size) => ({ name: '긴'.repeat(size) })),
    ),
    traces,
  )
  .map(([definition, aggregateId, version, data, traceparent]) => ({
    ...{ definition, aggregateId, version, data },
    ...(traceparent === undefined ? {} : { traceparent }),
  }))
const buffers = fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some))
const looseRecords: fc.Arbitrary<LooseRecord> = fc.record(
  {
    topic: fc.constantFrom('order-topic', 'order-topic.dlt.stock'),
    key: fc.option(words),
    headers: fc.array(
      fc.tuple(words, buffers).map(([name, value]) => storeHeader(Buffer.from(name), value)),
      { maxLength: 60 },
    ),
    value: fc.option(buffers),
  },
  { noNullPrototype: true },
)

interface Sent {
  readonly topic: string
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

function expectedOf(told: Fact, at: Date, traceparent: string | undefined): Sent {
  return {
    ...{ topic: told.definition.topic, key: told.aggregateId, value: JSON.stringify(told.data) },
    headers: Object.fromEntries(
      eventHeaders(told, at, traceparent).map((header) => headerBytes(header).map(String) as [string, string]),
    ),
  }
}

// A record's span is made up for it, and so is a trace where none was brought.
function withoutSpan(record: Sent): unknown {
  const { traceparent = '', ...headers } = record.headers
  const [version, trace = '', span = '', flags] = traceparent.split('-')
  const known = TRACES.has(trace) ? trace : trace.length
  return { ...record, headers, traceparent: [version, known, span.length, flags] }
}

const TRACES: ReadonlySet<string> = new Set(['4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c'])

function sent(rows: readonly OutboxRow[]): Sent[] {
  return readAgain(rows.flatMap(({ lines }) => readLines(lines))).map(({ topic, key, value, headers }) => {
    const names = headers.map(([name]) => String(name))
    assert.equal(new Set(names).size, names.length, 'a header is there twice')
    return {
      ...{ topic, key: String(key), value: String(value) },
      headers: Object.fromEntries(headers.map(([name, one]) => [String(name), String(one)])),
    }
  })
}

/** What the library reads of records once they are encoded. */
function readAgain(records: readonly OutgoingRecord[]): {
  topic: string
  key: Buffer | null
  value: Buffer | null
  headers: [Buffer | null, Buffer | null][]
}[] {
  if (records.length === 0) return []
  const [batch] = readRecordsBatches(Reader.from(encode(records)))
  return records.map(({ topic }, index) => {
    const record = batch?.records[index]
    assert.ok(record !== undefined)
    const { key, value, headers } = record
    return { topic, key, value, headers }
  })
}

function encode(records: readonly OutgoingRecord[]): Buffer {
  return encodeRecordBatch(records, { id: 1n, epoch: 0, sequence: 0 }, 0)
}

function assertMeasured({ events, bytes, lines }: OutboxRow): void {
  const records = readLines(lines)
  assert.equal(records.length, events)
  // A batch a record is the most that it can come to.
  const onTheWire = records.reduce((sum, record) => sum + encode([record]).length, 0)
  assert.ok(onTheWire <= bytes, `${onTheWire} bytes on the wire, said to be ${bytes}`)
}
