import assert from 'node:assert/strict'
import { STATUS_CODES } from 'node:http'
import { test } from 'node:test'
import { Refusal, REFUSALS, type RefusalCode } from './refusals.ts'

test('every code is a "no" that HTTP knows, with a sentence that people can read', () => {
  for (const [code, { status, title }] of Object.entries(REFUSALS)) {
    assert.match(code, /^[a-z]+(-[a-z]+)*$/)
    assert.ok(status >= 400 && status <= 599 && STATUS_CODES[status] !== undefined, code)
    assert.match(title, /^[A-Z].* .*[^.]$/)
  }
})

test('a refusal says its sentence unless it has a better one', () => {
  assert.equal(new Refusal('sold-out').message, 'The product is sold out')
  assert.equal(new Refusal('sold-out', {}, 'A001 is sold out').message, 'A001 is sold out')
})

test('a refusal carries its code and what it is about', () => {
  for (const code of Object.keys(REFUSALS) as RefusalCode[]) {
    const refusal = new Refusal(code, { orderId: 'o-1' })

    assert.deepEqual([refusal.code, refusal.about], [code, { orderId: 'o-1' }])
    assert.ok(refusal instanceof Error)
  }
})
