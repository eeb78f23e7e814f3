import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EndsHistory, KEPT_MS } from './ends-history.ts'

test('an offset says when its record came, between two looks by its share', () => {
  const history = watched([
    [0, 10],
    [1_000, 10],
    [2_000, 20],
    [3_000, 20],
    [4_000, 21],
  ])
  assert.equal(history.writtenAt('p', 10), 1_100, 'the first of ten')
  assert.equal(history.writtenAt('p', 14), 1_500)
  assert.equal(history.writtenAt('p', 19), 2_000, 'the last of ten')
  assert.equal(history.writtenAt('p', 20), 4_000)
})

test('what came before anybody watched is not known, nor what did not come yet, nor another log', () => {
  const history = watched([
    [0, 10],
    [1_000, 20],
  ])
  assert.equal(history.writtenAt('p', 9), undefined)
  assert.equal(history.writtenAt('p', 20), undefined)
  assert.equal(history.writtenAt('q', 10), undefined)
})

test('what came while nobody looked is not guessed at', () => {
  const history = watched([
    [0, 10],
    [60_000, 20],
    [61_000, 30],
  ])
  assert.equal(history.writtenAt('p', 15), undefined)
  assert.equal(history.writtenAt('p', 25), 60_600)
})

test('ten minutes are kept, and the last step however old', () => {
  const history = new EndsHistory()
  for (let second = 0; second <= 700; second += 1) history.note(second * 1_000, new Map([['p', second * 10]]))
  assert.equal(history.writtenAt('p', 500), undefined)
  assert.equal(history.writtenAt('p', 1_010), 101_100)
  for (let second = 701; second <= 2_000; second += 1) history.note(second * 1_000, new Map([['p', 7_000]]))
  history.note(2_001_000, new Map([['p', 7_001]]))
  assert.equal(history.writtenAt('p', 7_000), 2_001_000)
  assert.ok(2_000_000 - KEPT_MS > 700_000)
})

test('a log that was made anew is not taken for the one before, and one that is gone is forgotten', () => {
  const history = watched([
    [0, 10],
    [1_000, 20],
    [2_000, 5],
    [3_000, 15],
  ])
  assert.equal(history.writtenAt('p', 12), 2_800)
  history.note(4_000, new Map())
  history.note(5_000, new Map([['p', 20]]))
  assert.equal(history.writtenAt('p', 12), undefined)
})

function watched(looks: readonly (readonly [at: number, end: number])[]): EndsHistory {
  const history = new EndsHistory()
  for (const [at, end] of looks) history.note(at, new Map([['p', end]]))
  return history
}
