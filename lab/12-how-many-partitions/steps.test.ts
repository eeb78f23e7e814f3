import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyToPartition } from '@timesale/kafka/partition'
import { keysOf, movedOrders, ORDERS } from './steps.ts'

test('of the keys for so many partitions each partition is given one', () => {
  for (const partitions of [1, 3, 24]) {
    const given = keysOf(partitions).map((key) => keyToPartition(Buffer.from(key)) % partitions)
    assert.deepEqual(
      given.toSorted((one, other) => one - other),
      [...Array(partitions).keys()],
    )
  }
})

test('no order moves as long as the number of partitions stays, and about half of them when it is doubled', () => {
  assert.equal(movedOrders(6, 6), 0)
  const part = movedOrders(3, 6) / ORDERS
  assert.ok(part > 0.4 && part < 0.6, String(part))
})
