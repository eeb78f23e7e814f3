import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAnswer } from './answer.ts'

const ANSWER = 'HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\nhello'

test('an answer is read with its status and its whole length', () => {
  assert.deepEqual(readAnswer(ANSWER), { status: 202, length: ANSWER.length })
})

test('what follows an answer is left alone', () => {
  assert.deepEqual(readAnswer(`${ANSWER}HTTP/1.1 503`), { status: 202, length: ANSWER.length })
})

test('an answer that is not whole is no answer, wherever it is cut', () => {
  for (let length = 0; length < ANSWER.length; length += 1) {
    assert.equal(readAnswer(ANSWER.slice(0, length)), undefined, `${length} letters`)
  }
})

test('the names of headers may be written in capitals', () => {
  assert.deepEqual(readAnswer('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n'), { status: 503, length: 38 })
})

test('what has no length, or is not HTTP/1.1, is refused', () => {
  assert.throws(() => readAnswer('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'), /without a length/)
  assert.throws(() => readAnswer('HTTP/1.1 200 OK\r\n\r\ncontent-length: 1\r\n'), /without a length/)
  assert.throws(() => readAnswer('220 mail.example ESMTP\r\n\r\n'), /No answer of HTTP/)
})
