import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GroupLagView, LiveView, PartView, RushView } from '@timesale/contracts/console-api'
import { Changes } from './changes.ts'

test('a part that changes is told of once; the first look tells of nothing', () => {
  const told = teller()
  assert.deepEqual(told({ parts: parts({ stock: 'running', order: 'stopped' }) }), [])
  assert.deepEqual(told({ parts: parts({ stock: 'stopped', order: 'stopped' }) }), ['stock bad: stock is stopped.'])
  assert.deepEqual(told({ parts: parts({ stock: 'stopped', order: 'stopped' }) }), [])
  assert.deepEqual(told({ parts: null }), [], 'whoever does not answer says nothing')
  assert.deepEqual(told({ parts: parts({ stock: 'running', order: 'stopped' }) }), ['stock good: stock is running.'])
})

test('a group falls behind by records or by seconds, and catches up when it is well below', () => {
  const told = teller()
  assert.deepEqual(told({ groups: groups(1_000, 10) }), [])
  assert.deepEqual(told({ groups: groups(1_001, 0) }), ['stock bad: The group stock is 1,001 records, 0 s, behind.'])
  assert.deepEqual(told({ groups: groups(500, 1) }), [], 'still behind')
  assert.deepEqual(told({ groups: groups(null, null) }), [], 'nobody knows')
  assert.deepEqual(told({ groups: groups(100, 3) }), [], 'few, and old')
  assert.deepEqual(told({ groups: groups(100, 2) }), ['stock good: The group stock has caught up.'])
  assert.deepEqual(told({ groups: groups(1, 11) }), ['stock bad: The group stock is 1 record, 11 s, behind.'])
})

test('books that do not balance are told of once, each of the two for itself', () => {
  const told = teller()
  const orders = (accepted: number): LiveView['orders'] => ({
    ...{ asOf: '', acceptedPerSecond: 0 },
    totals: { accepted, open: 1, confirmed: 2, rejected: 3, cancelled: 4 },
  })
  const stock = (sold: number): LiveView['stock'] => ({
    asOf: '',
    totals: { products: 1, initial: 10, available: 5, reserved: 2, sold },
  })
  assert.deepEqual(told({ orders: orders(10), stock: stock(3) }), [])
  assert.deepEqual(told({ orders: orders(11), stock: stock(3) }), [
    'books bad: The orders do not add up: 11 were accepted, and 10 are there.',
  ])
  assert.deepEqual(told({ orders: orders(11), stock: stock(4) }), [
    'books bad: The stock does not add up: of 10 units 11 are available, reserved or sold.',
  ])
  assert.deepEqual(told({ orders: null, stock: null }), [])
  assert.deepEqual(told({ orders: orders(10), stock: stock(4) }), ['books good: The orders add up again.'])
  assert.deepEqual(told({ orders: orders(10), stock: stock(3) }), ['books good: The stock adds up again.'])
})

test('the end of a rush is told with its verdict, also of one that was never seen to run', () => {
  const told = teller()
  assert.deepEqual(told({ rush: last(rush(1, 'broken')) }), [], 'ended before anybody looked')
  assert.deepEqual(told({ rush: last(rush(2, 'running')) }), [])
  assert.deepEqual(told({ rush: last(rush(2, 'held')) }), ['rush good: The rush is over: everything holds.'])
  assert.deepEqual(told({ rush: last(rush(2, 'held')) }), [])
  assert.deepEqual(told({ rush: last(rush(3, 'broken')) }), ['rush bad: The rush is over, and not everything holds.'])
  assert.deepEqual(told({ rush: last(rush(4, 'failed')) }), ['rush bad: The rush came to no verdict.'])
})

test('a rush that was over long before it was first seen is no news; one that was seen to run is, however late', () => {
  const told = teller()
  const endedBefore = (id: number, ms: number): RushView => ({
    ...rush(id, 'held'),
    endedAt: new Date(NOW - ms).toISOString(),
  })
  const over = ['rush good: The rush is over: everything holds.']
  assert.deepEqual(told({ rush: null }), [], 'the supervisor has not answered yet')
  assert.deepEqual(told({ rush: last(endedBefore(1, 10_001)) }), [])
  assert.deepEqual(told({ rush: last(endedBefore(2, 10_000)) }), over)
  assert.deepEqual(told({ rush: null }), [], 'the supervisor is away')
  assert.deepEqual(told({ rush: last(endedBefore(2, 10_000)) }), [], 'told before')
  assert.deepEqual(told({ rush: last(rush(3, 'running')) }), [])
  assert.deepEqual(told({ rush: null }), [])
  assert.deepEqual(told({ rush: last(endedBefore(3, 60_000)) }), over)
  assert.deepEqual(told({ rush: last(null) }), [], 'a shop that was started anew')
  assert.deepEqual(told({ rush: last(endedBefore(1, 10_000)) }), over)
})

test('every sentence is there in Korean', () => {
  const changes = new Changes()
  changes.since({ ...NOTHING, parts: parts({ stock: 'running' }) })
  const told = changes.since({ ...NOTHING, parts: parts({ stock: 'paused' }), groups: groups(5_000, 60) })
  assert.deepEqual(
    told.map(({ what }) => what.ko),
    ['stock: 일시 정지되어 아무 응답도 하지 않습니다.', 'stock 그룹: 랙 5,000건, 60초.'],
  )
})

const NOW = Date.parse('2026-11-30T12:00:00.000Z')

const NOTHING: LiveView = {
  at: new Date(NOW).toISOString(),
  ...{ parts: null, topics: null, groups: null, orders: null, stock: null, outboxes: [], rush: null },
  redis: { asOf: '', reachable: true },
}

function teller(): (view: Partial<LiveView>) => string[] {
  const changes = new Changes()
  return (view) =>
    changes
      .since({ ...NOTHING, ...view })
      .map(({ about, good, what }) => `${about} ${good ? 'good' : 'bad'}: ${what.en}`)
}

function parts(states: Record<string, PartView['state']>): LiveView['parts'] {
  const list = Object.entries(states).map(([name, state]) => ({ name, kind: 'service' as const, state, port: 1 }))
  return { asOf: '', list }
}

function groups(lagRecords: number | null, lagSeconds: number | null): LiveView['groups'] {
  const lag: GroupLagView = { group: 'stock', lagRecords, lagSeconds, perSecond: 0, drainSeconds: null, topics: [] }
  return { asOf: '', list: [lag] }
}

function last(one: RushView | null): LiveView['rush'] {
  return { asOf: '', last: one }
}

function rush(id: number, state: RushView['state']): RushView {
  const endedAt = state === 'running' ? null : new Date(NOW).toISOString()
  return { id, state, startedAt: '', endedAt, buyers: 1, units: 1, seed: 1, says: [] }
}
