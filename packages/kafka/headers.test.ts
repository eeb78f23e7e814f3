import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { headerBytes, storeHeader } from './headers.ts'

test('any value of a header comes back byte for byte from how the outbox keeps it', () => {
  fc.assert(
    fc.property(fc.string(), fc.uint8Array(), (name, bytes) => {
      const value = Buffer.from(bytes)

      // Through JSON, as the outbox and parked_events write it.
      const stored = JSON.parse(JSON.stringify(storeHeader(Buffer.from(name), value))) as ReturnType<typeof storeHeader>

      assert.deepEqual(headerBytes(stored), [Buffer.from(name), value])
    }),
  )
})

test('text stays readable in the outbox, also in Korean, and only bytes that are no text become base64', () => {
  const name = Buffer.from('x')

  assert.deepEqual(storeHeader(name, Buffer.from('한국')), ['x', '한국'])
  assert.deepEqual(storeHeader(name, Buffer.from([0xff])), ['x', '/w==', 'base64'])
  assert.deepEqual(storeHeader(name, null), ['x', ''])
})
