import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BACKLOG_EVENTS, BACKLOG_MIB, mebibytes, MEMORY_MIB, type Backlog } from './backlog.ts'
import { claimsOf, type Run } from './findings.ts'
import { EVENTS } from './two-readers.ts'

const GOOD_RUN: Run = {
  ...{ list: [EVENTS / 2, EVENTS / 2], topic: [EVENTS, EVENTS], inOrder: { list: 40, topic: 0 } },
  ...{ again: { list: 0, topic: EVENTS }, lost: { popped: true, moved: false } },
  ...{ readAgain: { uncommitted: true, committed: false }, after: { plain: 0, logged: EVENTS, topic: EVENTS } },
}
// 100 KiB each: less than the memory.
const TAKEN = 10 * (MEMORY_MIB - 8)
const ALL = { taken: BACKLOG_EVENTS, readBack: BACKLOG_EVENTS }
const GOOD_BACKLOG: Backlog = { list: { taken: TAKEN, readBack: TAKEN }, topic: ALL, fromDisk: 1 }

/** Which claim fails where one of the runs has come to this. */
const BAD_RUNS: readonly (readonly [claim: number, Partial<Run>])[] = [
  [0, { list: [EVENTS, EVENTS] }],
  [0, { topic: [EVENTS, EVENTS - 1] }],
  [1, { inOrder: { list: 0, topic: 0 } }],
  [1, { inOrder: { list: 40, topic: 1 } }],
  [2, { again: { list: 1, topic: EVENTS } }],
  [2, { again: { list: 0, topic: EVENTS - 1 } }],
  [3, { lost: { popped: false, moved: false } }],
  [3, { lost: { popped: true, moved: true } }],
  [4, { readAgain: { uncommitted: false, committed: false } }],
  [4, { readAgain: { uncommitted: true, committed: true } }],
  [5, { after: { plain: 1, logged: EVENTS, topic: EVENTS } }],
  [5, { after: { plain: 0, logged: EVENTS - 1, topic: EVENTS } }],
  [5, { after: { plain: 0, logged: EVENTS, topic: EVENTS - 1 } }],
]

/** The same of what was taken while nobody read. */
const BAD_BACKLOGS: readonly (readonly [claim: number, Partial<Backlog>])[] = [
  [6, { list: ALL }],
  [6, { list: { taken: 0, readBack: 0 } }],
  [6, { list: { taken: TAKEN, readBack: TAKEN - 1 } }],
  [6, { topic: { taken: BACKLOG_EVENTS - 1, readBack: BACKLOG_EVENTS - 1 } }],
  [6, { topic: { taken: BACKLOG_EVENTS, readBack: BACKLOG_EVENTS - 1 } }],
  [7, { fromDisk: 0.5 }],
]

test('what is expected makes every claim hold', () => {
  assert.deepEqual(failing({}, {}), [])
})

test('each claim fails in one run of two that has not shown it, and no other claim does', () => {
  for (const [claim, bad] of BAD_RUNS) assert.deepEqual(failing(bad, {}), [claim], JSON.stringify(bad))
  for (const [claim, bad] of BAD_BACKLOGS) assert.deepEqual(failing({}, bad), [claim], JSON.stringify(bad))
  const claims = [...BAD_RUNS, ...BAD_BACKLOGS].map(([claim]) => claim)
  assert.deepEqual([...new Set(claims)], [0, 1, 2, 3, 4, 5, 6, 7])
})

test('where the topic could not be dropped from memory, it is not claimed to have come from the disk', () => {
  for (const fromDisk of [undefined, 0]) {
    const failed = claimsOf([GOOD_RUN], [{ ...GOOD_BACKLOG, fromDisk }]).filter(({ holds }) => !holds)
    assert.equal(failed.length, 1)
    assert.match(failed[0]?.because.en ?? '', /could not be looked at here: .* could not be dropped from memory/)
  }
})

test('the backlog is more than the memory of either', () => {
  assert.ok(BACKLOG_MIB > MEMORY_MIB)
  assert.equal(mebibytes(BACKLOG_EVENTS), BACKLOG_MIB)
})

function failing(badRun: Partial<Run>, badBacklog: Partial<Backlog>): number[] {
  const runs = [GOOD_RUN, { ...GOOD_RUN, ...badRun }]
  const backlogs = [GOOD_BACKLOG, { ...GOOD_BACKLOG, ...badBacklog }]
  return claimsOf(runs, backlogs).flatMap(({ holds }, index) => (holds ? [] : [index]))
}
