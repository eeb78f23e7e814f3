import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OrderTrace, TraceHop } from '@timesale/contracts/trace-api'
import { attemptsOf, causeOf, isUnfinished, newestTold, partsOf, placeOf, storyOf } from './hop-story.ts'

const hop = (kind: TraceHop['kind'], where: string, what: string, more: Partial<TraceHop> = {}): TraceHop => ({
  ...{ at: null, afterMs: null, stepMs: null, where, kind, what },
  ...more,
})
const record = (topic: 'order-topic' | 'stock-topic', version: number): TraceHop =>
  hop('record', topic, `fact ${version}`, { version, record: { topic, partition: 0, offset: String(version) } })
const applied = (where: string, what: string, version: number): TraceHop => hop('applied', where, what, { version })

const FINISHED: OrderTrace = {
  orderId: '1',
  status: 'CONFIRMED',
  missing: [],
  hops: [
    hop('row', 'order', 'PLACED', { version: 1, afterMs: 0 }),
    ...[record('order-topic', 1), record('order-topic', 2), record('stock-topic', 1), record('stock-topic', 2)],
    hop('row', 'stock', 'COMMIT 2', { version: 2, afterMs: 80 }),
    applied('order', '/stock/reservations', 2),
    ...['stock', 'notification', 'analytics'].map((name) => applied(name, '/order/orders', 2)),
    applied('analytics', '/stock/reservations', 2),
  ],
}
const without = (unwanted: (hop: TraceHop) => boolean): OrderTrace => ({
  ...FINISHED,
  hops: FINISHED.hops.filter((one) => !unwanted(one)),
})

test('each hop has its place in the story', () => {
  const told = [
    hop('row', 'order', 'PLACED', { version: 1 }),
    hop('row', 'order', 'CONFIRMED', { version: 2 }),
    hop('row', 'order', 'CANCELLED', { version: 2 }),
    hop('row', 'stock', 'RESERVE 2'),
    hop('row', 'stock', 'COMMIT 2'),
    hop('row', 'stock', 'RELEASE 2'),
    hop('row', 'notification', 'notice CONFIRMED'),
    hop('record', 'order-topic', 'order.placed.v1'),
    hop('record', 'order-topic', 'no event: not-json'),
    hop('waiting', 'stock', '/order/orders: waits for one before it'),
    hop('waiting', 'stock', '/order/orders: its handler failed 3 times'),
    hop('applied', 'stock', '/order/orders'),
    hop('row', 'a-new-service', 'something'),
  ].map(storyOf)
  assert.deepEqual(told, [
    ...['accepted', 'decided', 'cancelled', 'reserved', 'committed', 'released', 'notified', 'sent', 'noEvent'],
    ...['waitsForGap', 'waitsForHandler', 'applied', 'row'],
  ])
})

test('how often a handler has failed is told, or it is not', () => {
  assert.equal(attemptsOf('/order/orders: its handler failed 12 times'), 12)
  assert.equal(attemptsOf('/order/orders: waits for one before it'), undefined)
})

test('what led to a hop is a request, or the type of an event', () => {
  assert.equal(causeOf(hop('row', 'order', 'PLACED', { cause: 'POST /orders' })), 'POST /orders')
  assert.equal(
    causeOf(hop('row', 'order', 'CONFIRMED', { cause: 'stock.reserved.v1 some-order.1' })),
    'stock.reserved.v1',
  )
  assert.equal(causeOf(hop('row', 'stock', 'RESERVE 1')), '')
})

test('an order is finished when it is decided and every consumer has applied all that was told', () => {
  assert.equal(isUnfinished(FINISHED), false)
  assert.equal(isUnfinished({ ...FINISHED, status: 'PLACED' }), true)
  assert.equal(isUnfinished({ ...FINISHED, missing: [{ part: 'stock', reason: 'upstream-timeout' }] }), true)
  for (const consumer of ['order', 'stock', 'notification', 'analytics'])
    assert.equal(isUnfinished(without(({ kind, where }) => kind === 'applied' && where === consumer)), true, consumer)
  const waiting = hop('waiting', 'stock', '/order/orders: waits for one before it')
  assert.equal(isUnfinished({ ...FINISHED, hops: [...FINISHED.hops, waiting] }), true)
})

test('what a consumer has applied of an older version is not all', () => {
  const behind = {
    ...FINISHED,
    hops: [...without(({ where }) => where === 'analytics').hops, applied('analytics', '/order/orders', 1)],
  }
  assert.equal(isUnfinished(behind), true)
})

test('an order that stock never heard of has nothing to hear of stock', () => {
  const ofStock = ({ where, what }: TraceHop): boolean => where === 'stock-topic' || what === '/stock/reservations'
  assert.equal(isUnfinished({ ...without(ofStock), status: 'CANCELLED' }), false)
})

test('inboxes stand apart, since nobody keeps their time', () => {
  const { timed, inboxes } = partsOf(FINISHED.hops)
  assert.equal(timed.length + inboxes.length, FINISHED.hops.length)
  assert.ok(inboxes.length > 0 && inboxes.every(({ kind }) => kind === 'applied'))
  assert.equal(newestTold(FINISHED.hops, '/stock/reservations'), 2)
  assert.equal(newestTold(FINISHED.hops, '/product/products'), 0)
})

test('hops stand on a line from the first to the last', () => {
  const [first, last] = [hop('row', 'order', 'PLACED', { afterMs: 0 }), hop('row', 'stock', 'COMMIT', { afterMs: 50 })]
  assert.deepEqual([placeOf(first, [first, last]), placeOf(last, [first, last]), placeOf(first, [first])], [0, 1, 0])
  assert.equal(placeOf(hop('applied', 'stock', '/order/orders'), [first, last]), undefined)
})
