import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drainRate, median } from './statistics.ts'

test('the median is the one in the middle, of an even number the mean of two', () => {
  assert.equal(median([30, 1, 2]), 2)
  assert.equal(median([40, 10, 20, 30]), 25)
  assert.equal(median([5]), 5)
  assert.ok(Number.isNaN(median([])))
})

test('the rate of a drain leaves out what was done when it was first seen to move', () => {
  const looks = [
    { atMs: 0, done: 0 },
    { atMs: 1_000, done: 0 },
    { atMs: 1_100, done: 100 },
    { atMs: 1_600, done: 500 },
    { atMs: 2_100, done: 1_100 },
    { atMs: 9_999, done: 1_100 },
  ]
  assert.equal(drainRate(looks, 1_100), 1_000)
})

test('a drain that was never seen under way has no rate', () => {
  assert.throws(() => drainRate([{ atMs: 0, done: 0 }], 10))
  assert.throws(() =>
    drainRate(
      [
        { atMs: 0, done: 0 },
        { atMs: 5, done: 10 },
      ],
      10,
    ),
  )
})
