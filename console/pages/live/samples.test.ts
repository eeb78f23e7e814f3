import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LiveView } from '@timesale/contracts/console-api'
import { pointsOf, withSample, type Sample } from './samples.ts'
import { NOTHING } from './view-of-nothing.ts'

const view = (second: number, confirmed: number | null): LiveView => {
  const at = new Date(1_800_000_000_000 + second * 1000).toISOString()
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

test('five minutes are kept, and the same view once', () => {
  const samples = after([view(0, 0), view(0, 0), view(1, 0), view(300, 0), view(301, 0)])
  assert.deepEqual(
    samples.map(({ at }) => (at - 1_800_000_000_000) / 1000),
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
