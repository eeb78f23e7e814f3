import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GroupLagView, LiveView } from '@timesale/contracts/console-api'
import {
  acceptedPerSecond,
  brokersOf,
  lagShare,
  otherGroups,
  otherParts,
  partNamed,
  rateOn,
  replicasOf,
  trendOf,
} from './shop-now.ts'
import { NOTHING } from './view-of-nothing.ts'

const at = (second: number): string => new Date(1_800_000_000_000 + second * 1000).toISOString()

const lag = (group: string, lagRecords: number | null, drainSeconds: number | null = null): GroupLagView => ({
  ...{ group, lagRecords, lagSeconds: lagRecords, perSecond: 5, drainSeconds },
  topics: [{ topic: 'order-topic', lagRecords: lagRecords ?? 0, perSecond: 5 }],
})

const VIEW: LiveView = {
  ...NOTHING,
  at: at(10),
  parts: {
    asOf: at(10),
    list: [
      { name: 'stock', kind: 'service', state: 'running', port: 8082 },
      { name: 'kafka-1', kind: 'broker', state: 'paused', port: 9092 },
      { name: 'new-consumer', kind: 'service', state: 'running', port: 8090 },
    ],
  },
  topics: { asOf: at(9), list: [{ topic: 'order-topic', records: 3, perSecond: 7 }] },
  groups: { asOf: at(9), list: [lag('stock', 12), lag('somebody-else', 0), lag('console-consumer-1', null)] },
  orders: {
    asOf: at(9),
    totals: { accepted: 1, open: 0, confirmed: 1, rejected: 0, cancelled: 0 },
    acceptedPerSecond: 4,
  },
}

test('a part that nobody has told of is not heard from, and not down', () => {
  assert.equal(partNamed(VIEW, 'stock').state, 'running')
  assert.deepEqual(partNamed(VIEW, 'postgres-order'), {
    ...{ name: 'postgres-order', kind: 'database', state: 'unknown', port: 0 },
  })
  assert.deepEqual(
    brokersOf(undefined).map(({ name, state }) => [name, state]),
    [['kafka-1', 'unknown']],
  )
})

test('what has no place in the picture is not forgotten', () => {
  assert.deepEqual(
    otherParts(VIEW).map(({ name }) => name),
    ['new-consumer'],
  )
  assert.deepEqual(
    otherGroups(VIEW).map(({ group }) => group),
    ['somebody-else'],
  )
})

test('several processes of a service are one box that runs while one of them does, and are listed in it', () => {
  const replica = (name: string, state: 'running' | 'stopped') => ({ name, kind: 'service', state, port: 1 }) as const
  const of = (...list: NonNullable<LiveView['parts']>['list']): LiveView => ({ ...VIEW, parts: { asOf: at(10), list } })
  const half = of(replica('order-1', 'stopped'), replica('order-2', 'running'), replica('mine-2', 'running'))
  assert.deepEqual(partNamed(half, 'order'), replica('order', 'running'))
  assert.equal(partNamed(of(replica('order-1', 'stopped'), replica('order-2', 'stopped')), 'order').state, 'stopped')
  assert.deepEqual(
    replicasOf(half, 'order').map(({ name }) => name),
    ['order-1', 'order-2'],
  )
  assert.deepEqual(
    otherParts(half).map(({ name }) => name),
    ['mine-2'],
  )
})

test('a writer’s rate is its topic’s, a reader’s its group’s', () => {
  assert.equal(rateOn(VIEW, { kind: 'write', topic: 'order-topic', service: 'order' }), 7)
  assert.equal(rateOn(VIEW, { kind: 'along', topic: 'order-topic' }), 7)
  assert.equal(rateOn(VIEW, { kind: 'read', topic: 'order-topic', service: 'stock' }), 5)
  assert.equal(rateOn(VIEW, { kind: 'read', topic: 'order-topic', service: 'analytics' }), undefined)
})

test('a rate that was not read again in its turn is not a rate any more', () => {
  const later = { ...VIEW, at: at(60) }
  assert.equal(rateOn(later, { kind: 'write', topic: 'order-topic' }), undefined)
  assert.equal(rateOn(later, { kind: 'read', topic: 'order-topic', service: 'stock' }), undefined)
  assert.deepEqual([acceptedPerSecond(VIEW), acceptedPerSecond(later)], [4, undefined])
})

test('lag is level, grows, drains, or is not known', () => {
  assert.deepEqual([lag('stock', 0), lag('stock', 9), lag('stock', 9, 3), lag('stock', null), undefined].map(trendOf), [
    ...['level', 'growing', 'draining', 'not-known', 'not-known'],
  ])
})

test('a bar shows the first records, and a hundred thousand', () => {
  const shares = [0, 1, 100, 10_000, 1_000_000].map(lagShare)
  assert.equal(shares[0], 0)
  assert.ok((shares[1] ?? 0) > 0.05)
  assert.equal(shares.at(-1), 1)
  assert.deepEqual(
    shares,
    shares.toSorted((one, other) => one - other),
  )
})
