import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rotated } from './brokers.ts'

test('each new client begins with another broker, and knows them all', () => {
  const brokers = ['a:1', 'b:1', 'c:1']
  const first = [0, 1, 2, 3].map((attempt) => rotated(brokers, attempt))
  assert.deepEqual(
    first.map(([broker]) => broker),
    ['a:1', 'b:1', 'c:1', 'a:1'],
  )
  for (const list of first) assert.deepEqual(list.toSorted(), brokers)
  assert.deepEqual(rotated([], 5), [])
})
