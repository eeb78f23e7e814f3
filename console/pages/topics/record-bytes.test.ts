import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCut } from './record-bytes.ts'

test('the beginning of a value is told from all of it, whatever it is written in', () => {
  const whole = Buffer.from('한글 and more')
  for (const length of [0, 1, 2, 3, whole.length]) {
    const told = whole.subarray(0, length)
    assert.equal(isCut({ encoding: 'base64', text: told.toString('base64'), bytes: length }), false)
    assert.equal(isCut({ encoding: 'base64', text: told.toString('base64'), bytes: length + 1 }), true)
  }
  assert.equal(isCut({ encoding: 'utf8', text: '한글', bytes: 6 }), false)
  assert.equal(isCut({ encoding: 'utf8', text: '한글', bytes: 7 }), true)
})
