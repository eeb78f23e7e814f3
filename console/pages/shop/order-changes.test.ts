import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OrderView } from '@timesale/contracts/order-api'
import { allChanges, changesOf } from './order-changes.ts'

const at = (second: number): string => new Date(1_800_000_000_000 + second * 1000).toISOString()

const ORDER: OrderView = {
  ...{ orderId: 'o1', buyerId: 'b1', productId: 'A001', quantity: 1, unitPriceMinor: 100, currency: 'KRW' },
  ...{ status: 'REJECTED', reason: 'sold-out' },
  history: [
    { version: 1, status: 'PLACED', at: at(0), cause: 'POST /orders' },
    { version: 2, status: 'REJECTED', at: at(1), cause: 'stock.rejected.v1' },
  ],
}

test('an order that is asked after tells what a stream would have told', () => {
  assert.deepEqual(changesOf(ORDER), [
    { orderId: 'o1', version: 1, status: 'PLACED', at: at(0) },
    { orderId: 'o1', version: 2, status: 'REJECTED', at: at(1), reason: 'sold-out' },
  ])
})

test('what was told and what was read make one story, oldest first', () => {
  const [placed, rejected] = changesOf(ORDER)
  assert(placed && rejected)
  assert.deepEqual(allChanges([], [rejected, placed]), [placed, rejected])
  assert.deepEqual(allChanges([placed], [placed, rejected]), [placed, rejected])
  assert.deepEqual(allChanges([placed, rejected], [placed]), [placed, rejected])
})
