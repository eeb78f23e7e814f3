import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orderSum, stockSum, sumsOf } from './sums.ts'

test('every accepted order is confirmed, rejected, cancelled or open', () => {
  const totals = { accepted: 10, open: 1, confirmed: 2, rejected: 3, cancelled: 4 }
  assert.equal(orderSum(totals).difference, 0)
  assert.equal(orderSum({ ...totals, open: 0 }).difference, -1, 'one is lost')
  assert.equal(orderSum({ ...totals, confirmed: 3 }).difference, 1, 'one is counted twice')
})

test('every unit is available, reserved or sold', () => {
  const totals = { products: 1, initial: 100, available: 60, reserved: 30, sold: 10 }
  assert.equal(stockSum(totals).difference, 0)
  for (const part of ['available', 'reserved', 'sold'] as const)
    assert.equal(stockSum({ ...totals, [part]: totals[part] + 1 }).difference, 1, part)
})

test('a sum that could not be read is neither true nor false', () => {
  assert.deepEqual(sumsOf(undefined), sumsOf({ orders: null, stock: null }))
  assert.deepEqual(
    sumsOf(undefined).map(({ name, sum }) => [name, sum]),
    [
      ['orders', undefined],
      ['stock', undefined],
    ],
  )
})
