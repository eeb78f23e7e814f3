import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BACKLOG_MIB, HEAP_MIB, MEMORY_MIB } from './backlog.ts'
import { claimsOf, type Found } from './findings.ts'
import { EVENTS } from './two-readers.ts'

const GOOD: Found = {
  ...{ list: [EVENTS / 2, EVENTS / 2], topic: [EVENTS, EVENTS], inOrder: { list: 40, topic: 0 } },
  ...{ again: { list: 0, topic: EVENTS }, lost: { popped: true, moved: false }, redelivered: true },
  ...{ after: { plain: 0, logged: EVENTS, topic: EVENTS }, backlog: { list: MEMORY_MIB - 2, topic: BACKLOG_MIB } },
}

/** Which claim fails where this was found. */
const BAD: readonly (readonly [claim: number, Partial<Found>])[] = [
  [0, { list: [EVENTS, EVENTS] }],
  [0, { topic: [EVENTS, EVENTS - 1] }],
  [1, { inOrder: { list: 0, topic: 0 } }],
  [1, { inOrder: { list: 40, topic: 1 } }],
  [2, { again: { list: 1, topic: EVENTS } }],
  [2, { again: { list: 0, topic: EVENTS - 1 } }],
  [3, { lost: { popped: false, moved: false } }],
  [3, { lost: { popped: true, moved: true } }],
  [4, { redelivered: false }],
  [5, { after: { plain: 1, logged: EVENTS, topic: EVENTS } }],
  [5, { after: { plain: 0, logged: EVENTS - 1, topic: EVENTS } }],
  [5, { after: { plain: 0, logged: EVENTS, topic: EVENTS - 1 } }],
  [6, { backlog: { list: BACKLOG_MIB, topic: BACKLOG_MIB } }],
  [6, { backlog: { list: MEMORY_MIB - 2, topic: BACKLOG_MIB - 1 } }],
]

test('what is expected makes every claim hold', () => {
  assert.deepEqual(failing({}), [])
})

test('each claim fails where it was not shown, and no other claim does', () => {
  for (const [claim, bad] of BAD) assert.deepEqual(failing(bad), [claim], JSON.stringify(bad))
  assert.deepEqual([...new Set(BAD.map(([claim]) => claim))], [0, 1, 2, 3, 4, 5, 6])
})

test('the backlog is more than the memory of either', () => {
  assert.ok(BACKLOG_MIB > Math.max(MEMORY_MIB, HEAP_MIB))
})

function failing(bad: Partial<Found>): number[] {
  return claimsOf({ ...GOOD, ...bad }).flatMap(({ holds }, index) => (holds ? [] : [index]))
}
