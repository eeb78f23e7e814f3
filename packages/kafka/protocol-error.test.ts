import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MultipleErrors, NetworkError, ProtocolError, ResponseError } from '@platformatic/kafka'
import { hasApiId, refusedWith } from './protocol-error.ts'

test('what a broker has said is found in whatever the client wraps it in', () => {
  const answer = new ResponseError(19, 5, { '/topics/0': [37, null] }, {})
  for (const error of [answer, new MultipleErrors('failed', [answer]), new Error('late', { cause: answer })]) {
    assert.ok(hasApiId(error, 'INVALID_PARTITIONS'))
    assert.equal(refusedWith(error), 'INVALID_PARTITIONS')
  }
})

test('what passes is no refusal, nor is a connection that broke', () => {
  assert.equal(refusedWith(new ProtocolError('NOT_LEADER_OR_FOLLOWER')), undefined)
  assert.equal(refusedWith(new NetworkError('Connection closed')), undefined)
  assert.equal(refusedWith('a text'), undefined)
})
