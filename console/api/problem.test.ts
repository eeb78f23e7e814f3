import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiProblem, isFinal, problemOf } from './problem.ts'

test('a no of the asked is final; too slow, too many and out of order pass', () => {
  const final = [400, 401, 403, 404, 409, 422].map((status) => isFinal(new ApiProblem('not-found', { status })))
  assert.deepEqual(new Set(final), new Set([true]))
  const passing = [0, 408, 429, 500, 503].map((status) => isFinal(new ApiProblem('overloaded', { status })))
  assert.deepEqual(new Set(passing), new Set([false]))
  assert.equal(isFinal(new TypeError('a bug')), false)
})

test('what a proxy says for a gateway that does not answer it is like no answer, and asked for again', async () => {
  const page = (status: number): Response =>
    new Response('<html><h1>Bad Gateway</h1></html>', { status, headers: { 'content-type': 'text/html' } })
  const problems = await Promise.all([502, 503, 504].map((status) => problemOf(page(status))))
  assert.deepEqual(
    problems.map(({ code, status }) => [code, status]),
    [
      ['no-connection', 0],
      ['no-connection', 0],
      ['no-answer-in-time', 0],
    ],
  )
  const other = await problemOf(Response.json({ message: 'no healthy upstream' }, { status: 503 }))
  assert.equal(other.code, 'no-connection')
})

test('a no of the gateway itself keeps its code, and a page that is none of its answers is strange', async () => {
  const overloaded = await problemOf(
    Response.json({ code: 'overloaded', status: 503 }, { status: 503, headers: { 'retry-after': '2' } }),
  )
  assert.deepEqual([overloaded.code, overloaded.status, overloaded.retryAfterSeconds], ['overloaded', 503, 2])
  const strange = await problemOf(new Response('<html></html>', { status: 404 }))
  assert.deepEqual([strange.code, strange.status], ['strange-answer', 404])
})
