import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectCounts, WorkMissing } from './counted.ts'

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
