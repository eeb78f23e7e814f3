import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acceptedOf, answeredOf, outcomeOf, type LoadResult } from './load.ts'

test('a load counts when every request was answered 202', () => {
  assert.equal(acceptedOf(answered({ 202: 7 })), 7)
})

test('a load in which anything was refused, or nothing was answered, fails and says what came', () => {
  assert.throws(() => acceptedOf(answered({ 202: 7, 503: 1 })), /"503":1/)
  assert.throws(() => acceptedOf(answered({})), /202/)
})

test('of a shop as full as it can be those who were told to come again are counted apart, and nothing else is let pass', () => {
  assert.deepEqual(outcomeOf(answered({ 202: 7, 503: 2 })), { accepted: 7, refused: 2 })
  assert.throws(() => outcomeOf(answered({ 202: 7, 500: 1 })), /"500":1/)
  assert.throws(() => outcomeOf(answered({ 503: 2 })), /"503":2/)
})

test('pages count when each of them was answered 200', () => {
  assert.equal(answeredOf(answered({ 200: 7 })), 7)
  assert.throws(() => answeredOf(answered({ 200: 7, 429: 1 })), /"429":1/)
  assert.throws(() => answeredOf(answered({})), /200/)
})

function answered(statuses: Record<string, number>): LoadResult {
  return { statuses, perSecond: 0, startedAt: 0, endedAt: 0, latencyMs: { p50: 0, p99: 0, max: 0 }, cpuUs: 0 }
}
