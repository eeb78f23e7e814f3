import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { shareOut } from './follow-topic.ts'

test('all is shown where there is room for it', () => {
  assert.deepEqual(shareOut([3, 0, 97], 100), [3, 0, 97])
  assert.deepEqual(shareOut([], 100), [])
})

test('else by what came to each, and whatever came to one has a place', () => {
  assert.deepEqual(shareOut([1_000, 1_000, 2_000], 100), [25, 25, 50])
  assert.deepEqual(shareOut([1_000_000, 1], 100), [99, 1])
  fc.assert(
    fc.property(fc.array(fc.nat(10_000), { maxLength: 60 }), fc.integer({ min: 1, max: 100 }), (came, max) => {
      const shares = shareOut(came, max)
      assert.ok(shares.every((share, index) => share <= (came[index] ?? 0) && share > 0 === (came[index] ?? 0) > 0))
      assert.ok(shares.reduce((sum, share) => sum + share, 0) <= max + came.length)
    }),
  )
})
