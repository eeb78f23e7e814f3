import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flowOf } from './flow.ts'

/** Dots that pass in a second. */
function liveliness(perSecond: number): number {
  const flow = flowOf(perSecond)
  return flow === undefined ? 0 : 1000 / flow.periodMs
}

test('nothing flows where nothing happens or nothing is known', () => {
  assert.equal(flowOf(0), undefined)
  assert.equal(flowOf(undefined), undefined)
})

test('one event a second is about one dot a second', () => {
  assert.ok(Math.abs(liveliness(1) - 1) < 0.3, String(liveliness(1)))
})

test('ten times the events look livelier, up to ten thousand a second', () => {
  const seen = [0.3, 1, 10, 100, 1_000, 10_000].map(liveliness)
  assert.deepEqual(
    seen,
    seen.toSorted((one, other) => one - other),
  )
  assert.equal(new Set(seen).size, seen.length)
})

test('a rate that trembles a little looks the same', () => {
  assert.deepEqual(flowOf(1_000), flowOf(1_080))
})

test('dots never move so far between two frames that they seem to go backwards', () => {
  for (const rate of [0.01, 1, 7, 80, 900, 5_000, 1_000_000]) {
    const flow = flowOf(rate)
    assert.ok(flow !== undefined && 1000 / 30 / flow.periodMs < 0.5, `${rate}/s: ${JSON.stringify(flow)}`)
  }
})
