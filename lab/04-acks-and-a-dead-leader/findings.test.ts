import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault } from './faults.ts'
import { ACKS, claimsOf, type Counted } from './findings.ts'
import type { Acks } from './sender.ts'

const FAULTS: readonly Fault[] = ['followers are behind', 'followers keep up']
const GOOD = FAULTS.flatMap((fault) => {
  return ACKS.map((acks) => roundOf(fault, acks, fault === 'followers are behind' && acks !== 'all' ? 2 : 0))
})

/** Which claim fails where so many were gone in one more kill. */
const BAD: readonly (readonly [claim: number, Fault, Acks, gone: number])[] = [
  [0, 'followers are behind', '0', 0],
  [1, 'followers are behind', '1', 0],
  [2, 'followers are behind', 'all', 1],
  [2, 'followers keep up', 'all', 1],
]

test('what is expected makes every claim hold, whatever else is gone while the followers keep up', () => {
  assert.deepEqual(failing(GOOD), [])
  assert.deepEqual(failing([...GOOD, roundOf('followers keep up', '0', 1)]), [])
})

test('each claim fails in one kill that has not shown it, and no other claim does', () => {
  for (const [claim, fault, acks, gone] of BAD)
    assert.deepEqual(failing([...GOOD, roundOf(fault, acks, gone)]), [claim], `${fault}, acks=${acks}: ${gone}`)
})

test('nothing holds where nothing was killed', () => {
  assert.deepEqual(failing([]), [0, 1, 2])
})

function roundOf(fault: Fault, acks: Acks, gone: number): Counted {
  return { fault, acks, gone, acknowledged: new Set(['a', 'b', 'c']), waitMs: 1 }
}

function failing(counted: readonly Counted[]): number[] {
  return claimsOf(counted).flatMap(({ holds }, index) => (holds ? [] : [index]))
}
