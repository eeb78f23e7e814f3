import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toWish } from './place-orders.ts'

test('a wish holds what was asked for', () => {
  const { body, ...wish } = toWish('o-1', { productId: 'A001', quantity: 2, buyerId: 'b-1' }, TRACEPARENT)

  assert.deepEqual(wish, {
    orderId: 'o-1',
    buyerId: 'b-1',
    productId: 'A001',
    quantity: 2,
    traceparent: TRACEPARENT,
  })
  assert.equal(body, 'b-1 A001 2')
})

test('an order without a buyer is bought by `open`, whether that is said or not', () => {
  const silent = toWish('o-1', { productId: 'A001', quantity: 2 }, TRACEPARENT)

  assert.equal(silent.buyerId, 'open')
  assert.deepEqual(silent, toWish('o-1', { productId: 'A001', quantity: 2, buyerId: 'open' }, TRACEPARENT))
})

test('the same order sent again has the same body, also with its fields in another order and by another request', () => {
  const first = toWish('o-1', { orderId: 'o-1', productId: 'A001', quantity: 2, buyerId: 'b-1' }, TRACEPARENT)
  const again = toWish('o-1', { buyerId: 'b-1', quantity: 2, productId: 'A001', orderId: 'o-1' }, '00-another')

  assert.equal(again.body, first.body)
})

test('a request with a key holds it, and is another one with another key or with none', () => {
  const order = { productId: 'A001', quantity: 2, buyerId: 'b-1' }
  const { body, ...wish } = toWish('o-1', order, TRACEPARENT, 'key-1')

  assert.deepEqual(wish, { orderId: 'o-1', ...order, traceparent: TRACEPARENT, key: 'key-1' })
  assert.equal(body, toWish('o-1', order, TRACEPARENT, 'key-1').body)
  assert.notEqual(body, toWish('o-1', order, TRACEPARENT, 'key-2').body)
  assert.notEqual(body, toWish('o-1', order, TRACEPARENT).body)
})

test('orders have the same body exactly when buyer, product and quantity are the same', () => {
  fc.assert(
    fc.property(bodies, bodies, (one, other) => {
      const same =
        (one.buyerId ?? 'open') === (other.buyerId ?? 'open') &&
        one.productId === other.productId &&
        one.quantity === other.quantity

      assert.equal(toWish('o-1', one, TRACEPARENT).body === toWish('o-1', other, TRACEPARENT).body, same)
    }),
    { numRuns: 500 },
  )
})

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

// Few values, so that two bodies are often the same, or the same after their fields are put together carelessly.
const ids = fc.constantFrom('1', '11', 'open')
const bodies = fc.record(
  { buyerId: ids, productId: ids, quantity: fc.constantFrom(1, 11) },
  { requiredKeys: ['productId', 'quantity'], noNullPrototype: true },
)
