import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiProblem } from '../../api/problem.ts'
import { againAfterMs } from './seat-again.ts'

test('what passes by itself is asked for again, not before whoever refused said', () => {
  assert.equal(againAfterMs(new ApiProblem('rate-limited', { status: 429 })), 3_000)
  assert.equal(againAfterMs(new ApiProblem('rate-limited', { status: 429, retryAfterSeconds: 20 })), 20_000)
  assert.equal(againAfterMs(new ApiProblem('upstream-unavailable', { status: 503, retryAfterSeconds: 1 })), 3_000)
  assert.equal(againAfterMs(new ApiProblem('no-connection')), 3_000)
  assert.equal(againAfterMs(new ApiProblem('no-answer-in-time')), 3_000)
})

test('a no that somebody has to do something about is never asked for again', () => {
  for (const [code, status] of [
    ['unauthenticated', 401],
    ['wrong-credentials', 401],
    ['forbidden', 403],
    ['strange-answer', 200],
    ['internal-error', 500],
  ] as const)
    assert.equal(againAfterMs(new ApiProblem(code, { status })), false, code)
  assert.equal(againAfterMs(new TypeError('a bug')), false)
})
