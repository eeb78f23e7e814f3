import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAnswer } from './answer.ts'

const ANSWER = 'HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\nhello'

test('an answer is read with its status and its whole length', () => {
  assert.deepEqual(readAnswer(ANSWER), { status: 202, length: ANSWER.length, isLast: false })
})

test('what follows an answer is left alone', () => {
  assert.deepEqual(readAnswer(`${ANSWER}HTTP/1.1 503`), { status: 202, length: ANSWER.length, isLast: false })
})

test('an answer that is not whole is no answer, wherever it is cut', () => {
  for (let length = 0; length < ANSWER.length; length += 1) {
    assert.equal(readAnswer(ANSWER.slice(0, length)), undefined, `${length} letters`)
  }
})

test('the names of headers may be written in capitals', () => {
  assert.deepEqual(readAnswer('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n'), {
    status: 503,
    length: 38,
    isLast: false,
  })
})

test('a server that hangs up says so in the head, and what a body says is another matter', () => {
  const answer = (head: string, body = ''): string =>
    `HTTP/1.1 200 OK\r\n${head}content-length: ${body.length}\r\n\r\n${body}`
  assert.equal(readAnswer(answer('Connection: close\r\n'))?.isLast, true)
  assert.equal(readAnswer(answer('', '\r\nconnection: close\r\n'))?.isLast, false)
})

test('what has no length, or is not HTTP/1.1, is refused', () => {
  assert.throws(() => readAnswer('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'), /without a length/)
  assert.throws(() => readAnswer('HTTP/1.1 200 OK\r\n\r\ncontent-length: 1\r\n'), /without a length/)
  assert.throws(() => readAnswer('220 mail.example ESMTP\r\n\r\n'), /No answer of HTTP/)
})
