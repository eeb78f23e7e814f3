import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PlaceOrder } from '@timesale/contracts/order-api'
import { Check } from 'typebox/value'
import { OrderRequest, PageRequest, orderId, orderIdPrefix, productId } from './order-request.ts'

test('a request is one that the order service takes, with the length that it says', () => {
  const prefix = orderIdPrefix()
  const request = new OrderRequest({ port: 8081, path: '/orders', idPrefix: prefix })

  request.splice(987_654_321_098, 42)

  const [head = '', body = ''] = request.bytes.toString('latin1').split('\r\n\r\n')
  assert.match(head, /^POST \/orders HTTP\/1\.1\r\nhost: 127\.0\.0\.1:8081\r\n/)
  assert.match(head, new RegExp(`\r\ncontent-length: ${body.length}$`))
  const order: unknown = JSON.parse(body)
  assert.ok(Check(PlaceOrder, order))
  assert.equal(order.orderId, `${prefix}987654321098`)
  assert.equal(order.productId, productId(42))
})

test('a request that is spliced again holds nothing of the order before', () => {
  const prefix = orderIdPrefix()
  const request = new OrderRequest({ port: 8081, path: '/orders', idPrefix: prefix })

  request.splice(999_999, 999)
  request.splice(7, 0)

  const order = JSON.parse(request.bytes.toString('latin1').split('\r\n\r\n')[1] ?? '') as Record<string, string>
  assert.equal(order['orderId'], orderId(prefix, 7))
  assert.equal(order['productId'], 'P0000')
})

test('whoever is logged in says so, and orders for nobody else', () => {
  const prefix = orderIdPrefix()
  // Looks like the places of both numbers, and is neither.
  const authorization = `Bearer ${prefix}P0000`
  const request = new OrderRequest({ port: 8080, path: '/api/orders', idPrefix: prefix, authorization })

  request.splice(5, 6)

  const [head = '', body = ''] = request.bytes.toString('latin1').split('\r\n\r\n')
  assert.match(head, /^POST \/api\/orders HTTP\/1\.1\r\n/)
  assert.ok(head.includes(`\r\nauthorization: ${authorization}\r\n`))
  assert.deepEqual(JSON.parse(body), { orderId: orderId(prefix, 5), productId: 'P0006', quantity: 1 })
})

test('a page is asked for at its product', () => {
  const request = new PageRequest({ port: 8080, path: '/api/products', authorization: 'Bearer P0000' })

  request.splice(987_654_321_098, 42)

  const host = 'host: 127.0.0.1:8080'
  const expected = `GET /api/products/P0042 HTTP/1.1\r\n${host}\r\nauthorization: Bearer P0000\r\n\r\n`
  assert.equal(request.bytes.toString('latin1'), expected)
})

test('ids look like UUIDs and rise with time and number', () => {
  const earlier = orderId(orderIdPrefix(new Date(1_000_000)), 999_999)
  const later = orderId(orderIdPrefix(new Date(1_000_001)), 0)

  assert.match(later, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9]{12}$/)
  assert.ok(earlier < later)
  assert.ok(orderId('', 9) < orderId('', 10))
})
