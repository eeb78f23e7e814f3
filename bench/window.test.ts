import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WINDOW_MAX, Window } from './window.ts'

test('until a rate is known the window is as wide as it may be', () => {
  const window = new Window()

  assert.deepEqual(
    [0, 500, 999].map((at) => window.next(at, at * 10)),
    [WINDOW_MAX, WINDOW_MAX, WINDOW_MAX],
  )
})

test('the window is eight tenths of a second of orders, of which each makes two records', () => {
  const window = new Window()
  window.next(0, 0)

  assert.equal(window.next(1_000, 10_000), 4_000)
})

test('only the last second counts', () => {
  const window = new Window()
  for (const [at, records] of [
    [0, 0],
    [1_000, 100_000],
    [2_000, 100_000],
  ] as const)
    window.next(at, records)

  assert.equal(window.next(3_000, 110_000), 4_000)
})

test('the window has bounds', () => {
  const [fast, slow] = [new Window(), new Window()]
  fast.next(0, 0)
  slow.next(0, 0)

  assert.equal(fast.next(1_000, 1_000_000), 10_000)
  assert.equal(slow.next(1_000, 2), 300)
})
