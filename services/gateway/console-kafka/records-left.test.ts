import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordsLeft } from './records-left.ts'

test('a group has to read what is still there: from its offset, or from the first record', () => {
  assert.equal(recordsLeft(15n, { committed: 12n, first: 10n }), 3)
  assert.equal(recordsLeft(15n, { committed: undefined, first: 10n }), 5, 'nothing committed')
  assert.equal(recordsLeft(15n, { committed: 2n, first: 10n }), 5, 'retention was quicker')
  assert.equal(recordsLeft(15n, { committed: 2n, first: undefined }), 13, 'where the log begins is not known')
  assert.equal(recordsLeft(15n, { committed: undefined, first: undefined }), 0)
  assert.equal(recordsLeft(15n, { committed: 20n, first: 0n }), 0, 'a log that was made anew')
})
