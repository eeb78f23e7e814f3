import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readViewToken, writeViewToken } from './view-token.ts'

test('a token is read as it was written, also where the id holds dots', () => {
  const token = { source: '/order/orders', aggregateId: 'a.1-~_.2', version: 12 } as const
  assert.deepEqual(readViewToken(writeViewToken(token)), token)
})

test('what is no token is none', () => {
  for (const text of [
    '',
    'x',
    '/order/orders/1',
    '/order/orders/1.0',
    '/no/source/1.1',
    '/order/orders/a b.1',
    '/order/orders/1.1x',
  ])
    assert.equal(readViewToken(text), undefined, text)
})
