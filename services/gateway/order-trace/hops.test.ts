import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OrderView } from '@timesale/contracts/order-api'
import type { ServiceTrace } from '@timesale/contracts/trace-api'
import { areAllThere, hopsOf, type TracedRecord } from './hops.ts'

const at = (ms: number): string => new Date(1_800_000_000_000 + ms).toISOString()

const ORDER: OrderView = {
  ...{ orderId: '1', buyerId: 'kim', productId: 'A001', quantity: 2, unitPriceMinor: 100, currency: 'KRW' },
  status: 'CONFIRMED',
  history: [
    { version: 1, status: 'PLACED', at: at(0), cause: 'POST /orders' },
    { version: 2, status: 'CONFIRMED', at: at(40), cause: 'stock.reserved.v1' },
  ],
}
const STOCK: ServiceTrace = {
  applied: [{ source: '/order/orders', version: 2 }],
  waiting: [],
  movements: [
    { at: at(20), version: 1, kind: 'RESERVE', quantity: 2 },
    { at: at(60), version: 2, kind: 'COMMIT', quantity: 2 },
  ],
}
const OWN: ServiceTrace = { applied: [{ source: '/stock/reservations', version: 2 }], waiting: [], movements: [] }

const record = (
  ms: number,
  source: '/order/orders' | '/stock/reservations',
  version: number,
  offset: bigint,
): TracedRecord => ({
  ...{ topic: source === '/order/orders' ? 'order-topic' : 'stock-topic', partition: 3, offset, at: new Date(at(ms)) },
  ...{ what: `fact ${version}`, event: { source, version } },
})
const RECORDS = [
  record(10, '/order/orders', 1, 5n),
  record(50, '/order/orders', 2, 6n),
  record(30, '/stock/reservations', 1, 8n),
  record(70, '/stock/reservations', 2, 9n),
]

test('hops stand in the order of their times, each with its distance; what has no time stands last', () => {
  const hops = hopsOf({
    order: ORDER,
    notices: [{ orderId: '1', kind: 'CONFIRMED', at: at(55) }],
    services: { order: OWN, stock: STOCK, analytics: undefined },
    records: RECORDS,
  })
  assert.deepEqual(
    hops.map(({ afterMs, stepMs, where, what }) => [afterMs, stepMs, where, what]),
    [
      [0, 0, 'order', 'PLACED'],
      [10, 10, 'order-topic', 'fact 1'],
      [20, 10, 'stock', 'RESERVE 2'],
      [30, 10, 'stock-topic', 'fact 1'],
      [40, 10, 'order', 'CONFIRMED'],
      [50, 10, 'order-topic', 'fact 2'],
      [55, 5, 'notification', 'notice CONFIRMED'],
      [60, 5, 'stock', 'COMMIT 2'],
      [70, 10, 'stock-topic', 'fact 2'],
      [null, null, 'order', '/stock/reservations'],
      [null, null, 'stock', '/order/orders'],
    ],
  )
  assert.deepEqual(hops[1]?.record, { topic: 'order-topic', partition: 3, offset: '5' })
})

test('a fact that was sent twice is told so the second time, and what is no event says why', () => {
  const broken = { topic: 'order-topic', partition: 3, offset: 8n, at: new Date(at(12)), what: 'no event: not-json' }
  const hops = hopsOf({ order: ORDER, services: {}, records: [...RECORDS, record(11, '/order/orders', 1, 7n), broken] })
  const told = hops.filter(({ where }) => where === 'order-topic')
  assert.deepEqual(
    told.map(({ what, version, isRepeated }) => [what, version, isRepeated]),
    [
      ['fact 1', 1, undefined],
      ['fact 1', 1, true],
      ['no event: not-json', undefined, undefined],
      ['fact 2', 2, undefined],
    ],
  )
})

test('an event that is set aside is a hop of the time since when it waits', () => {
  const waiting: ServiceTrace['waiting'] = [
    {
      ...{ source: '/order/orders', version: 2, topic: 'order-topic', partition: 3, offset: '6' },
      ...{ reason: 'handler', attempts: 3, since: at(45), error: 'no' },
    },
  ]
  const hops = hopsOf({ order: ORDER, services: { stock: { applied: [], waiting, movements: [] } }, records: [] })
  const hop = hops.find(({ kind }) => kind === 'waiting')
  assert.deepEqual([hop?.afterMs, hop?.where, hop?.version], [45, 'stock', 2])
  assert.match(hop?.what ?? '', /failed 3 times/)
})

test('records are looked for until every fact is there that order has told or somebody has applied', () => {
  const known = { order: ORDER, services: { order: OWN, stock: STOCK } }
  assert.equal(areAllThere(known, RECORDS), true)
  for (const missing of RECORDS)
    assert.equal(
      areAllThere(
        known,
        RECORDS.filter((one) => one !== missing),
      ),
      false,
    )
  assert.equal(areAllThere({ order: ORDER, services: {} }, RECORDS.slice(0, 2)), true)
})

test('what stock has moved is a fact too, before anybody has applied it', () => {
  const known = { order: ORDER, services: { stock: STOCK } }
  const without = (version: number): TracedRecord[] =>
    RECORDS.filter(({ event }) => event?.source !== '/stock/reservations' || event.version !== version)
  assert.equal(areAllThere(known, RECORDS), true)
  assert.equal(areAllThere(known, without(2)), false)
  assert.equal(areAllThere(known, without(1)), false)
  assert.equal(areAllThere({ order: ORDER, services: { stock: { ...STOCK, movements: [] } } }, without(2)), true)
})
