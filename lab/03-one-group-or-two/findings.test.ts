import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimsOf, type Run } from './findings.ts'
import { KEYS, RECORDS } from './reading.ts'

const all = Array.from({ length: RECORDS }, (_, index) => `order-${index % KEYS} ${Math.floor(index / KEYS) + 1}`)
const half = all.length / 2
const backwards = all.toReversed()

const GOOD: Run = {
  ...{ first: all.slice(0, half), second: all.slice(half), together: all, other: all },
  ...{ six: [all.slice(0, half), all.slice(half), ['order-1 1'], ['order-2 1'], [], []], mixed: backwards },
}

/** Which claim fails where one of the runs has come to this. */
const BAD: readonly (readonly [claim: number, Partial<Run>])[] = [
  [0, { first: all, second: [] }],
  [0, { first: all }],
  [0, { together: all.slice(1) }],
  [1, { other: all.slice(1) }],
  [2, { six: [all, all, all, all, all, []] }],
  [2, { six: [all, all, all, [], [], []] }],
  [3, { together: backwards }],
  [4, { mixed: all }],
]

test('what is expected makes every claim hold', () => {
  assert.deepEqual(failing({}), [])
})

test('each claim fails in one run of two that has not shown it, and no other claim does', () => {
  for (const [index, [claim, bad]] of BAD.entries()) assert.deepEqual(failing(bad), [claim], `sample ${index}`)
  assert.deepEqual([...new Set(BAD.map(([claim]) => claim))], [0, 1, 2, 3, 4])
})

test('records that come again to who has read them refute nothing', () => {
  const again = all.slice(0, half)
  assert.deepEqual(
    failing({ first: [...again, ...again], together: [...all, ...again], other: [...all, ...again] }),
    [],
  )
})

function failing(bad: Partial<Run>): number[] {
  return claimsOf([GOOD, { ...GOOD, ...bad }]).flatMap(({ holds }, index) => (holds ? [] : [index]))
}
