import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fact, type Fact } from '@timesale/contracts/event'
import { OrderConfirmed, OrderPlaced, ORDER_EVENTS } from '@timesale/contracts/order-events'
import { PRODUCT_EVENTS } from '@timesale/contracts/product-events'
import { eventHeaders } from '@timesale/testkit/records'
import { createDecoder, isEvent, VALUE_LIMIT_BYTES, type DeadLetterReason, type RawRecord } from './decode.ts'
import { FetchedRecord, readRecordBatches } from './fetched-record.ts'
import { headerBytes } from './headers.ts'

test('a fact comes back from its record as it was told', () => {
  const { decode, placed, at } = setup()
  const record = recordOf(placed, { at, traceparent: TRACEPARENT })

  const { event } = accepted(decode(record))

  assert.partialDeepStrictEqual(event, {
    type: 'order.placed.v1',
    source: '/order/orders',
    ordering: 'facts',
    aggregateId: 'o-1',
    version: 1,
    time: at,
    definition: OrderPlaced,
    data: placed.data,
  })
  assert.equal(event.record, record)
  assert.match(event.traceparent ?? '', /^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/)
  assert.equal(isEvent(event, OrderPlaced), true)
  assert.equal(isEvent(event, OrderConfirmed), false)
})

test('a state comes back as a state', () => {
  const { decode } = setup()

  const { event } = accepted(decode(recordOf(PRODUCT)))

  assert.equal(event.ordering, 'state')
})

test('the hash tells a redelivery from another body, and one type from another with the same body', () => {
  const { decode, placed } = setup()
  const hashOf = (told: Fact, change?: Change): string => accepted(decode(recordOf(told, {}, change))).event.hash

  const redelivered = hashOf(placed, { offset: 99n, partition: 5, timestamp: 99n })

  assert.equal(redelivered, hashOf(placed))
  assert.notEqual(hashOf({ ...placed, data: { ...about, quantity: 3 } }), hashOf(placed))
  assert.notEqual(hashOf({ ...placed, definition: OrderConfirmed }), hashOf(placed))
})

test('an event that this consumer has no use for is known and moves the version alone', () => {
  const { placed } = setup()
  const decode = createDecoder(ORDER_EVENTS, [OrderConfirmed])

  const { event } = accepted(decode(recordOf(placed)))

  assert.equal(event.definition, undefined)
  assert.deepEqual([event.aggregateId, event.version], ['o-1', 1])
})

test('an event of a type that nobody knew when this was written moves the version alone, whatever its value', () => {
  const { decode, placed } = setup()

  for (const value of ['{"anything":1}', 'not JSON', '']) {
    const { event } = accepted(decode(recordOf(placed, {}, { headers: { ce_type: 'order.shipped.v1' }, value })))

    assert.equal(event.type, 'order.shipped.v1')
    assert.equal(event.definition, undefined)
    assert.equal(event.data, undefined)
  }
})

test('fields that were added later are no reason to refuse an event', () => {
  const { decode, placed } = setup()

  accepted(decode(recordOf({ ...placed, data: { ...about, giftWrap: true } })))
})

test('headers that are not of CloudEvents do not matter, also where they have no name or no value', () => {
  const { decode, placed } = setup()
  const record = recordOf(placed)

  accepted(
    decode({
      ...record,
      headers: [
        [null, null],
        [Buffer.from('x'), null],
        [null, Buffer.from('x')],
        [Buffer.from('__proto__'), Buffer.from('x')],
        [Buffer.from([0xff]), Buffer.from([0xff])],
        ...record.headers,
      ],
    }),
  )
})

test('records of different flushes and types, in any order, with their headers in any order, are told apart', () => {
  const { decode, placed, at } = setup()
  const confirmed = { ...placed, definition: OrderConfirmed, version: 2 }
  const later = new Date('2026-03-01T12:00:01.000Z')
  const about = (record: RawRecord): unknown[] => {
    const { event } = accepted(decode(record))
    return [event.type, event.version, event.time.toISOString(), event.traceparent]
  }
  const variants = [
    { record: recordOf(placed, { at }), expected: ['order.placed.v1', 1, at.toISOString(), undefined] },
    { record: recordOf(confirmed, { at }), expected: ['order.confirmed.v1', 2, at.toISOString(), undefined] },
    { record: recordOf(confirmed, { at: later }), expected: ['order.confirmed.v1', 2, later.toISOString(), undefined] },
  ].flatMap(({ record, expected }) =>
    [record.headers, record.headers.toReversed(), record.headers.toSorted(byName)].map((headers) => ({
      record: { ...record, headers: headers.filter(([name]) => name?.toString() !== 'traceparent') },
      expected,
    })),
  )

  for (const one of variants) {
    for (const other of variants) {
      assert.deepEqual(about(one.record), one.expected)
      assert.deepEqual(about(other.record), other.expected)
    }
  }
})

test('what one record says is not believed of the next one that does not say it', () => {
  const { decode, placed } = setup()
  const record = recordOf(placed)
  // In the very same place, under another name.
  const without = (name: string): RawRecord => ({
    ...record,
    headers: record.headers.map(([own, value]) => [
      own?.toString() === name ? Buffer.from('x'.repeat(name.length)) : own,
      value,
    ]),
  })

  for (const name of ['ce_id', 'ce_subject', 'ce_aggregateversion']) {
    accepted(decode(record))
    const decoded = decode(without(name))
    assert.equal('dead' in decoded && decoded.dead.reason, 'bad-headers', name)
  }
})

test('a trace is not that of the record before', () => {
  const { decode, placed } = setup()
  const traced = recordOf(placed, { traceparent: TRACEPARENT })
  const headers = traced.headers.map(
    ([name, value]) => [name?.toString() === 'traceparent' ? Buffer.from('tracestates') : name, value] as const,
  )

  accepted(decode(traced))

  assert.equal(accepted(decode({ ...traced, headers })).event.traceparent, undefined)
})

test('a value may begin with a byte order mark', () => {
  const { decode, placed } = setup()

  const { event } = accepted(decode(recordOf(placed, {}, { value: `\ufeff${JSON.stringify(placed.data)}` })))

  assert.deepEqual(event.data, placed.data)
})

test('of a header that comes twice the last one counts, wherever it stands', () => {
  const { decode, placed } = setup()
  const { headers, ...record } = recordOf(placed)
  const twice = (name: string, wrong: string): RawRecord => ({
    ...record,
    headers: [[Buffer.from(name), Buffer.from(wrong)], ...headers],
  })

  for (const name of ['ce_type', 'ce_source', 'ce_time', 'ce_specversion', 'ce_id', 'ce_subject']) {
    accepted(decode(twice(name, 'wrong')))
    accepted(decode({ ...record, headers }))
    const last = decode({ ...record, headers: [...headers, [Buffer.from(name), Buffer.from('wrong')]] })
    assert.equal('dead' in last && last.dead.reason, 'bad-headers', name)
  }
})

test('a fetched record whose headers break off is dead, and what can be read of it is kept', () => {
  const { decode, placed } = setup()
  const { batch, ...positions } = FetchedRecord.of(recordOf(placed))
  const bytes = Buffer.from(batch.bytes)
  // More headers than there are.
  bytes[positions.headersAt] = 100
  const [broken] = readRecordBatches(bytes, 0, bytes.length, { topic: 'order-topic', partition: 0, from: 0n }).records

  const decoded = decode(broken as FetchedRecord)

  assert.equal('dead' in decoded && decoded.dead.reason, 'bad-headers')
  assert.equal(broken?.headers.length, recordOf(placed).headers.length)
})

test('a record that can never be applied is dead, with the reason, the record and a sentence for people', () => {
  const { decode, placed } = setup()

  for (const [what, reason, change] of BAD_RECORDS) {
    const record = recordOf(placed, {}, change)

    const decoded = decode(record)

    assert.ok('dead' in decoded, `${what} is accepted`)
    assert.equal(decoded.dead.reason, reason, what)
    assert.equal(decoded.dead.record, record, what)
    assert.match(decoded.dead.message, /\w/, what)
  }
})

// CloudEvents 1.0 wants RFC 3339. Years of five digits, which Date takes too, break the minute that analytics counts by.
test('a time that is not RFC 3339 is refused, also where Date can make something of it', () => {
  const { decode, placed } = setup()

  for (const ce_time of ['5', 'Tue Mar 01 2022', '+010000-01-01T00:00:00.000Z', '-000001-01-01T00:00:00.000Z']) {
    const decoded = decode(recordOf(placed, {}, { headers: { ce_time } }))

    assert.equal('dead' in decoded && decoded.dead.reason, 'bad-headers', ce_time)
  }
})

test('a version up to the largest that the inbox can keep is read', () => {
  const { decode, placed } = setup()

  assert.equal(accepted(decode(recordOf({ ...placed, version: 2 ** 31 - 1 }))).event.version, 2 ** 31 - 1)
})

test('a value of exactly the limit is read', () => {
  const { decode, placed } = setup()
  const json = JSON.stringify(placed.data)

  accepted(decode(recordOf(placed, {}, { value: json + ' '.repeat(VALUE_LIMIT_BYTES - json.length) })))
})

test('what a forged value says under __proto__ reaches neither the prototype of the data nor of all objects', () => {
  const { decode, placed } = setup()
  const value = `${JSON.stringify(about).slice(0, -1)},"__proto__":{"polluted":true}}`

  const { event } = accepted(decode(recordOf(placed, {}, { value })))

  assert.equal(Object.getPrototypeOf(event.data), Object.prototype)
  assert.equal('polluted' in {}, false)
})

test('a deeply nested value under a field that nobody reads harms nobody', () => {
  const { decode, placed } = setup()

  accepted(decode(recordOf(placed, {}, { value: `${JSON.stringify(about).slice(0, -1)},"deep":${nested(100_000)}}` })))
})

interface Change {
  readonly headers?: Readonly<Record<string, string | Buffer | undefined>>
  readonly key?: string | Buffer | null
  readonly value?: string | Buffer | null
  readonly topic?: string
  readonly offset?: bigint
  readonly partition?: number
  readonly timestamp?: bigint
}

const about = {
  orderId: 'o-1',
  buyerId: 'open',
  productId: 'A001',
  quantity: 2,
  unitPriceMinor: 12_900,
  currency: 'KRW',
}

const NO_CE_HEADERS = Object.fromEntries(
  ['specversion', 'type', 'source', 'id', 'subject', 'time', 'aggregateversion'].map((name) => [
    `ce_${name}`,
    undefined,
  ]),
)

const BAD_RECORDS: readonly (readonly [what: string, reason: DeadLetterReason, change: Change])[] = [
  ['no CloudEvents headers', 'no-headers', { headers: NO_CE_HEADERS }],
  ['no ce_specversion', 'bad-headers', { headers: { ce_specversion: undefined } }],
  ['another ce_specversion', 'bad-headers', { headers: { ce_specversion: '0.3' } }],
  ['no ce_type', 'bad-headers', { headers: { ce_type: undefined } }],
  ['a ce_type without a version', 'bad-headers', { headers: { ce_type: 'order.placed' } }],
  ['a ce_type of version 0', 'bad-headers', { headers: { ce_type: 'order.placed.v0' } }],
  ['a ce_type in capitals', 'bad-headers', { headers: { ce_type: 'ORDER.PLACED.v1' } }],
  ['a ce_type with a line break', 'bad-headers', { headers: { ce_type: 'order.placed.v1\n' } }],
  ['no ce_source', 'bad-headers', { headers: { ce_source: undefined } }],
  ['an unknown ce_source', 'bad-headers', { headers: { ce_source: '/order/baskets' } }],
  ['a ce_source that every object has', 'bad-headers', { headers: { ce_source: '__proto__' } }],
  ['no ce_id', 'bad-headers', { headers: { ce_id: undefined } }],
  ['a ce_id of another version', 'bad-headers', { headers: { ce_id: 'o-1.2' } }],
  ['a ce_id with another letter for the dot', 'bad-headers', { headers: { ce_id: 'o-1x1' } }],
  ['a ce_id of another subject', 'bad-headers', { headers: { ce_id: 'o-2.1' } }],
  ['no ce_subject', 'bad-headers', { headers: { ce_subject: undefined } }],
  ['a ce_subject that is no id', 'bad-headers', { headers: { ce_subject: 'o 1', ce_id: 'o 1.1' }, key: 'o 1' }],
  ['a ce_subject of 65 letters', 'bad-headers', subject('x'.repeat(65))],
  ['an empty ce_subject', 'bad-headers', subject('')],
  ['a ce_subject with U+0000', 'bad-headers', subject('o\0')],
  ['a ce_subject that is not UTF-8', 'bad-headers', { headers: { ce_subject: Buffer.from([0x6f, 0xff]) } }],
  ['no ce_time', 'bad-headers', { headers: { ce_time: undefined } }],
  ['a ce_time that is no time', 'bad-headers', { headers: { ce_time: 'yesterday' } }],
  ['no ce_aggregateversion', 'bad-headers', { headers: { ce_aggregateversion: undefined } }],
  ['version 0', 'bad-headers', version('0')],
  ['version -1', 'bad-headers', version('-1')],
  ['version 1.0', 'bad-headers', version('1.0')],
  ['version 01', 'bad-headers', version('01')],
  ['version 1e3', 'bad-headers', version('1e3')],
  ['version " 1"', 'bad-headers', version(' 1')],
  ['forged version 2^31', 'bad-headers', version(String(2 ** 31))],
  ['forged version 2^63', 'bad-headers', version(String(2n ** 63n))],
  ['no key', 'wrong-key', { key: null }],
  ['an empty key', 'wrong-key', { key: '' }],
  ['the key of another aggregate', 'wrong-key', { key: 'o-2' }],
  ['a key that is not UTF-8', 'wrong-key', { key: Buffer.from([0x6f, 0xff]) }],
  ['an order event on another topic', 'wrong-topic', { topic: 'product-topic' }],
  ['an order event from another source', 'wrong-topic', { headers: { ce_source: '/product/products' } }],
  [
    'an unknown type from a source of another topic',
    'wrong-topic',
    { headers: { ce_type: 'stock.moved.v1', ce_source: '/stock/reservations' } },
  ],
  ['a major version that came later', 'unknown-version', { headers: { ce_type: 'order.placed.v2' } }],
  ['a value of null', 'no-value', { value: null }],
  ['a value of null of an unknown type', 'no-value', { headers: { ce_type: 'order.shipped.v1' }, value: null }],
  ['a value one byte too long', 'too-large', { value: ' '.repeat(VALUE_LIMIT_BYTES + 1) }],
  ['2 MB of an unknown type', 'too-large', { headers: { ce_type: 'order.shipped.v1' }, value: 'x'.repeat(2 ** 21) }],
  ['500 k arrays in each other', 'too-large', { value: nested(500_000) }],
  ['an empty value', 'not-json', { value: '' }],
  ['a value that is no JSON', 'not-json', { value: '{"orderId":' }],
  ['a value with a comma too much', 'not-json', { value: '{"orderId":"o-1",}' }],
  ['NaN', 'not-json', { value: 'NaN' }],
  ['a value that is not UTF-8', 'not-json', { value: Buffer.from([0x22, 0xff, 0x22]) }],
  ['a value of half a character', 'not-json', { value: Buffer.from('"한"').subarray(0, 3) }],
  ['UTF-16', 'not-json', { value: Buffer.from('{}', 'utf16le') }],
  ['null in JSON', 'wrong-schema', { value: 'null' }],
  ['an array', 'wrong-schema', { value: JSON.stringify([about]) }],
  ['a text', 'wrong-schema', { value: '"order"' }],
  ['100 k arrays in each other', 'wrong-schema', { value: nested(100_000) }],
  ['no fields', 'wrong-schema', { value: '{}' }],
  ['a field too few', 'wrong-schema', data({ currency: undefined })],
  ['fields that only __proto__ has', 'wrong-schema', { value: `{"__proto__":${JSON.stringify(about)}}` }],
  ['a quantity in quotes', 'wrong-schema', data({ quantity: '2' })],
  ['a quantity of 0', 'wrong-schema', data({ quantity: 0 })],
  ['a quantity of 1.5', 'wrong-schema', data({ quantity: 1.5 })],
  ['a quantity of null', 'wrong-schema', data({ quantity: null })],
  ['a price below 0', 'wrong-schema', data({ unitPriceMinor: -1 })],
  ['an id with a slash', 'wrong-schema', data({ productId: '../A001' })],
]

function subject(id: string): Change {
  return { headers: { ce_subject: id, ce_id: `${id}.1` }, key: id }
}

function version(text: string): Change {
  return { headers: { ce_aggregateversion: text, ce_id: `o-1.${text}` } }
}

function data(change: Readonly<Record<string, unknown>>): Change {
  return { value: JSON.stringify({ ...about, ...change }) }
}

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

const PRODUCT = fact(PRODUCT_EVENTS[0], {
  aggregateId: 'A001',
  version: 3,
  data: { productId: 'A001', name: { ko: '사과', en: 'Apple' }, priceMinor: 1, currency: 'KRW', unitsOnSale: 0 },
})

/** The record of a fact as the relay sends it, or changed after that. */
function recordOf(told: Fact, occasion: { at?: Date; traceparent?: string } = {}, change: Change = {}): RawRecord {
  const { headers: changedHeaders = {}, key, value, ...rest } = change
  const headers = new Map<string, Buffer>(
    eventHeaders(told, occasion.at ?? new Date(), occasion.traceparent).map((header) => [
      header[0],
      headerBytes(header)[1],
    ]),
  )
  for (const [name, changed] of Object.entries(changedHeaders)) {
    if (changed === undefined) headers.delete(name)
    else headers.set(name, Buffer.from(changed))
  }
  return {
    topic: told.definition.topic,
    partition: 0,
    offset: 0n,
    timestamp: 0n,
    key: bytes(key === undefined ? told.aggregateId : key),
    value: bytes(value === undefined ? JSON.stringify(told.data) : value),
    headers: [...headers].map(([name, one]) => [Buffer.from(name), one]),
    ...rest,
  }
}

function byName([one]: RawRecord['headers'][number], [other]: RawRecord['headers'][number]): number {
  return Buffer.compare(one ?? Buffer.alloc(0), other ?? Buffer.alloc(0))
}

function bytes(one: string | Buffer | null): Buffer | null {
  return one === null ? null : Buffer.from(one)
}

function accepted(decoded: ReturnType<ReturnType<typeof createDecoder>>) {
  assert.ok('event' in decoded, 'dead' in decoded ? `${decoded.dead.reason}: ${decoded.dead.message}` : '')
  return decoded
}

function setup() {
  const known = [...ORDER_EVENTS, ...PRODUCT_EVENTS]
  return {
    decode: createDecoder(known, known),
    placed: fact(OrderPlaced, { aggregateId: 'o-1', version: 1, data: about }),
    at: new Date('2026-03-01T12:34:56.789Z'),
  }
}
