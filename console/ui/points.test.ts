import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withGaps } from './points.ts'

test('a line breaks off where points are missing, and goes on where they come again', () => {
  const points = [[0, 1] as const, [1_000, 2] as const, [60_000, 3] as const, [61_000, 4] as const]
  assert.deepEqual(withGaps(points, 1_000), [
    [0, 1],
    [1_000, 2],
    [1_001, null],
    [60_000, 3],
    [61_000, 4],
  ])
})

test('a point that comes late is on the line, and what was not known stays so', () => {
  const points = [[0, 1] as const, [3_000, null] as const, [4_000, 2] as const]
  assert.deepEqual(withGaps(points, 1_000), points)
  assert.deepEqual(withGaps([], 1_000), [])
})
