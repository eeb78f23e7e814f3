import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acceptedOf, type LoadResult } from './load.ts'

test('a load counts when every request was answered 202', () => {
  assert.equal(acceptedOf(answered({ 202: 7 })), 7)
})

test('a load in which anything was refused, or nothing was answered, fails and says what came', () => {
  assert.throws(() => acceptedOf(answered({ 202: 7, 503: 1 })), /"503":1/)
  assert.throws(() => acceptedOf(answered({})), /202/)
})

function answered(statuses: Record<string, number>): LoadResult {
  return { statuses, perSecond: 0, startedAt: 0, endedAt: 0, latencyMs: { p50: 0, p99: 0, max: 0 }, cpuUs: 0 }
}
