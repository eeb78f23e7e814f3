import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lagOf, topicRates, type Look } from './group-lag.ts'

test('a group is behind by what it has not worked off, as old as the oldest of it', () => {
  const view = lagOf({
    ...{ group: 'stock', topics: ['orders', 'products'], now: NOW, before: BEFORE },
    writtenAt: (place, offset) => (place === 'orders 0' && offset === 60 ? NOW.at - 3_000 : NOW.at - 1_000),
  })
  assert.deepEqual(view, {
    ...{ group: 'stock', lagRecords: 45, lagSeconds: 3, perSecond: 12 },
    drainSeconds: 45 / (12 - 5),
    topics: [
      { topic: 'orders', lagRecords: 45, perSecond: 12 },
      { topic: 'products', lagRecords: 0, perSecond: 0 },
    ],
  })
})

test('one that stands still or falls behind never catches up; one that is not behind has', () => {
  const at = (done: number): Look => ({ ...NOW, committed: new Map([['stock', new Map([['orders 0', done]])]]) })
  const of = (now: Look, before: Look) => lagOf({ group: 'stock', topics: ['orders'], now, before, writtenAt: () => 0 })
  assert.equal(of(at(50), { ...at(50), at: BEFORE.at }).drainSeconds, null)
  // Two a second are done, and five come.
  assert.equal(of(at(50), { ...BEFORE, committed: at(40).committed }).drainSeconds, null)
  const caughtUp: Look = { ...NOW, committed: new Map([['stock', NOW.ends]]) }
  assert.deepEqual(
    [of(caughtUp, caughtUp).drainSeconds, of(caughtUp, caughtUp).lagSeconds, of(caughtUp, caughtUp).lagRecords],
    [0, 0, 0],
  )
})

test('how old the oldest record is is not known where one may be older', () => {
  const writtenAt = (place: string): number | undefined => (place === 'orders 0' ? NOW.at - 9_000 : undefined)
  const view = lagOf({ group: 'stock', topics: ['orders'], now: NOW, before: BEFORE, writtenAt })
  assert.deepEqual([view.lagRecords, view.lagSeconds], [45, null])
})

test('a group of the shop that has committed nothing has everything before it; one that cannot be read is not known', () => {
  const view = (committed: Look['committed'], topics: readonly string[] | undefined) =>
    lagOf({ group: 'new', topics, now: { ...NOW, committed }, before: BEFORE, writtenAt: () => NOW.at })
  assert.equal(view(new Map(), ['orders']).lagRecords, 105)
  assert.equal(view(new Map([['new', new Map()]]), ['orders']).lagRecords, 105)
  assert.equal(view(new Map([['new', undefined]]), ['orders']).lagRecords, null)
})

test('what retention has taken away nobody has to work off, and taking it away is no work', () => {
  const firsts = new Map([
    ['orders 0', 70],
    ['orders 1', 5],
  ])
  const of = (done: ReadonlyMap<string, number>) => {
    const committed = new Map([['stock', done]])
    const writtenAt = (_place: string, offset: number): number => offset
    const before: Look = { ...BEFORE, committed }
    const view = lagOf({ group: 'stock', topics: ['orders'], now: { ...NOW, firsts, committed }, before, writtenAt })
    return [view.lagRecords, view.perSecond, view.lagSeconds]
  }
  assert.deepEqual(of(new Map()), [10 + 20, 0, (NOW.at - 5) / 1_000], 'nothing committed')
  assert.deepEqual(of(new Map([['orders 0', 60]])), [10 + 20, 0, (NOW.at - 5) / 1_000], 'committed before the first')
  const [lagRecords] = of(new Map([['orders 0', 75]]))
  assert.equal(lagRecords, 5 + 20, 'committed after the first')
})

test('a group of somebody else reads what it has committed, as far as that is still there', () => {
  const done = new Map([
    ['orders 1', 20],
    ['gone 0', 7],
  ])
  const of = (committed: Look['committed']) =>
    lagOf({
      group: 'theirs',
      topics: undefined,
      now: { ...NOW, committed },
      before: BEFORE,
      writtenAt: () => NOW.at,
    })
  assert.deepEqual(
    of(new Map([['theirs', done]])).topics.map(({ topic, lagRecords }) => [topic, lagRecords]),
    [['orders', 5]],
  )
  assert.equal(of(new Map([['theirs', new Map()]])).lagRecords, null)
})

test('a group that was set back and a log that was made anew have no rate below nothing', () => {
  const shorter: Look = { ...NOW, ends: new Map([['orders 0', 3]]), committed: new Map([['stock', new Map()]]) }
  const view = lagOf({ group: 'stock', topics: ['orders'], now: shorter, before: BEFORE, writtenAt: () => NOW.at })
  assert.deepEqual([view.perSecond, view.lagRecords], [0, 3])
})

test('topics grow by the second, and have the records that retention has left them', () => {
  assert.deepEqual(topicRates({ ...NOW, firsts: new Map([['orders 0', 30]]) }, BEFORE), [
    { topic: 'orders', records: 75, perSecond: 5 },
    { topic: 'products', records: 7, perSecond: 0 },
  ])
  assert.equal(topicRates(NOW, NOW)[0]?.perSecond, 0)
})

const BEFORE: Look = {
  at: 100_000,
  firsts: new Map(),
  ends: new Map([
    ['orders 0', 60],
    ['orders 1', 20],
    ['products 0', 7],
  ]),
  committed: new Map([
    [
      'stock',
      new Map([
        ['orders 0', 0],
        ['orders 1', 10],
        ['products 0', 7],
      ]),
    ],
  ]),
}

const NOW: Look = {
  at: 105_000,
  firsts: new Map(),
  ends: new Map([
    ['orders 0', 80],
    ['orders 1', 25],
    ['products 0', 7],
  ]),
  committed: new Map([
    [
      'stock',
      new Map([
        ['orders 0', 60],
        ['orders 1', 0],
        ['products 0', 7],
      ]),
    ],
  ]),
}
