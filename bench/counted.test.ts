import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectCounts, someOf, WorkMissing } from './counted.ts'

test('counts that are right pass', () => {
  expectCounts('accept-64', { orders: [5, 5], records: [10, 10] })
})

test('a run that did too little or too much fails with every count that is wrong', () => {
  assert.throws(
    () => expectCounts('accept-64', { orders: [4, 5], history: [5, 5], records: [6, 5] }),
    (error) =>
      error instanceof WorkMissing &&
      error.message === 'accept-64 did not do its work: orders: 4 instead of 5; records: 6 instead of 5',
  )
})

test('what has failed, or has seen nothing, is no figure', () => {
  assert.equal(someOf('pipeline-latency', 'rate', 0.5), 0.5)
  for (const none of [Number.NaN, Infinity, 0, -1]) {
    assert.throws(() => someOf('pipeline-latency', 'rate of pipeline', none), {
      name: 'WorkMissing',
      message: 'pipeline-latency: there is no rate of pipeline',
    })
  }
})
