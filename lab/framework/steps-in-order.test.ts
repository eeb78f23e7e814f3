import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ordersOutOfStep } from './steps-in-order.ts'

test('an order is out of step when a later step came before an earlier one, and counts once', () => {
  assert.equal(ordersOutOfStep(['a 1', 'b 1', 'a 2', 'b 2', 'a 10']), 0)
  assert.equal(ordersOutOfStep(['a 2', 'a 1', 'b 1', 'a 4', 'a 3', 'b 2']), 1)
})

test('what comes again is not out of step, be it one step or all since some place', () => {
  assert.equal(ordersOutOfStep(['a 1', 'a 1', 'a 2']), 0)
  assert.equal(ordersOutOfStep(['a 1', 'a 2', 'a 3', 'a 1', 'a 2', 'a 3', 'a 4']), 0)
})

test('a swap is seen among steps that come again', () => {
  assert.equal(ordersOutOfStep(['a 1', 'a 3', 'a 1', 'a 2', 'a 3']), 1)
})
