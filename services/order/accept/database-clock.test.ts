import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DatabaseClock } from './database-clock.ts'

test('is the clock of this process until the database has told its own, and goes on from what it told last', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const clock = new DatabaseClock()
  assert.equal(clock.now(), 1_000_000)
  clock.heard(1_005_000, 1_000_000)
  t.mock.timers.setTime(1_000_250)
  assert.equal(clock.now(), 1_005_250)
  clock.heard(undefined, 1_000_250)
  assert.equal(clock.now(), 1_005_250)
  // It was asked before, and waited for a lock until now.
  clock.heard(997_000, 1_000_000)
  assert.equal(clock.now(), 997_250)
})
