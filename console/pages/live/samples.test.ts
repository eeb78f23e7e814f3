import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LiveView } from '@timesale/contracts/console-api'
import { endOf, pointsOf, samplesBefore, withSample, type Sample } from './samples.ts'
import { NOTHING } from './view-of-nothing.ts'

const BASE = 1_800_000_000_000

const view = (second: number, confirmed: number | null): LiveView => {
  const at = new Date(BASE + second * 1000).toISOString()
  const totals = { accepted: 0, open: 0, rejected: 0, cancelled: 0 }
  return {
    ...NOTHING,
    at,
    orders: confirmed === null ? null : { asOf: at, totals: { ...totals, confirmed }, acceptedPerSecond: second },
  }
}

const after = (views: readonly LiveView[]): readonly Sample[] =>
  views.reduce<readonly Sample[]>((samples, one) => withSample(samples, one), [])

test('confirmed a second is the difference of the totals over some seconds', () => {
  const samples = after([view(0, 0), view(1, 10), view(2, 20), view(3, 60), view(4, 70)])
  assert.deepEqual(
    samples.map(({ confirmed }) => confirmed),
    [null, null, null, 20, 20],
  )
})

test('what was not known is no zero, and neither is a total that has shrunk', () => {
  const unknown = after([view(0, 100), view(3, null), view(4, 5)])
  assert.deepEqual(
    unknown.map(({ accepted, confirmed }) => [accepted, confirmed]),
    [
      [0, null],
      [null, null],
      [4, null],
    ],
  )
})

test('what was not read again in its turn is not known now, though the view still tells of it', () => {
  const asOf = new Date(BASE).toISOString()
  const lag = { group: 'stock', lagRecords: 3, lagSeconds: 1, perSecond: 0, drainSeconds: null, topics: [] }
  const told = { ...view(0, 0), groups: { asOf, list: [lag] } }
  const later = [5, 6, 15, 16].map((second) => ({ ...told, at: view(second, 0).at }))
  const samples = after([view(-4, 0), told, ...later])
  assert.deepEqual(
    samples.map(({ accepted, confirmed, lags }) => [accepted, confirmed, lags['stock']]),
    [
      [-4, null, undefined],
      [0, 0, 3],
      [0, 0, 3],
      // Totals of a large table are not counted each second.
      [0, 0, undefined],
      [0, 0, undefined],
      [null, null, undefined],
    ],
  )
})

test('five minutes are kept, and the same view once', () => {
  const samples = after([view(0, 0), view(0, 0), view(1, 0), view(300, 0), view(301, 0)])
  assert.deepEqual(
    samples.map(({ at }) => (at - BASE) / 1000),
    [300, 301],
  )
})

test('no line is drawn over seconds that nobody saw', () => {
  const points = pointsOf(after([view(0, 0), view(1, 0), view(60, 0)]), ({ accepted }) => accepted)
  assert.deepEqual(
    points.map(([, value]) => value),
    [0, 1, null, 60],
  )
})

test('a chart ends at the newest sample while they come, and at this moment when they no longer do', () => {
  const samples = after([view(0, 0), view(1, 0)])
  assert.equal(endOf(samples, BASE + 4_000), BASE + 1_000)
  assert.equal(endOf(samples, BASE + 60_000), BASE + 60_000)
})

test('what is older than five minutes is not shown, also where nothing newer has come', () => {
  const samples = after([view(0, 0), view(1, 0)])
  const shown = [300, 301].map((second) => samplesBefore(samples, BASE + second * 1000).map(({ at }) => at))
  assert.deepEqual(shown, [[BASE + 1_000], []])
})
