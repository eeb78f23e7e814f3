import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimsOf, type Results } from './findings.ts'
import type { Outages } from './outages.ts'
import type { Way } from './ways.ts'

const calm = { asked: 240, accepted: 240, refused: 0, slow: 0 }
const well: Outages = {
  ...{ stockAway: calm, noticeAway: calm, all: { ...calm, asked: 900, accepted: 900 } },
  ...{ written: 900, unwritten: 0, withoutReservation: 0, withoutNotice: 0 },
  ...{ acceptedMeanwhile: 240, noticesMeanwhile: 230 },
  ...{ stockCaughtUp: 3, noticesCaughtUp: 2, inTime: true },
}
const GOOD: Readonly<Record<Way, Outages>> = {
  'in-request': {
    ...well,
    stockAway: { asked: 240, accepted: 20, refused: 220, slow: 240 },
    noticeAway: { ...calm, slow: 240 },
    ...{ withoutNotice: 240, acceptedMeanwhile: 0, noticesMeanwhile: 0, stockCaughtUp: 0, noticesCaughtUp: 0 },
  },
  afterwards: { ...well, withoutNotice: 240, noticesCaughtUp: 0 },
  events: well,
}

/** Which claim fails where one of the ways has done this. */
const BAD: readonly (readonly [claim: number, way: Way, Partial<Outages>])[] = [
  [0, 'in-request', { stockAway: { ...calm, slow: 240 } }],
  [0, 'in-request', { stockAway: { ...calm, refused: 220 } }],
  [1, 'in-request', { noticeAway: calm }],
  [1, 'in-request', { withoutNotice: 0 }],
  [2, 'afterwards', { all: { ...calm, refused: 1 } }],
  [2, 'afterwards', { unwritten: 1 }],
  [2, 'afterwards', { withoutReservation: 1 }],
  [2, 'afterwards', { withoutNotice: 0 }],
  [3, 'events', { all: { ...calm, refused: 1 } }],
  [3, 'events', { unwritten: 1 }],
  [3, 'events', { withoutReservation: 1 }],
  [3, 'events', { withoutNotice: 1 }],
  [4, 'events', { noticesMeanwhile: 1 }],
  [4, 'events', { acceptedMeanwhile: 0, noticesMeanwhile: 0 }],
  [4, 'in-request', { noticesMeanwhile: 1 }],
  [5, 'afterwards', { inTime: false }],
  [5, 'afterwards', { stockCaughtUp: 61 }],
  [5, 'events', { noticesCaughtUp: 61 }],
  [5, 'events', { stockCaughtUp: 0 }],
]

test('what is expected makes every claim hold', () => {
  assert.deepEqual(failing('events', {}), [])
})

test('each claim fails in one run of two that has not shown it, and no other claim does', () => {
  for (const [claim, way, bad] of BAD) assert.deepEqual(failing(way, bad), [claim], `${way} ${JSON.stringify(bad)}`)
  assert.deepEqual([...new Set(BAD.map(([claim]) => claim))], [0, 1, 2, 3, 4, 5])
})

function failing(way: Way, bad: Partial<Outages>): number[] {
  const runs = (of: Way): Outages[] => [GOOD[of], of === way ? { ...GOOD[of], ...bad } : GOOD[of]]
  const results: Results = {
    ...{ 'in-request': runs('in-request'), afterwards: runs('afterwards'), events: runs('events') },
  }
  return claimsOf(results).flatMap(({ holds }, index) => (holds ? [] : [index]))
}
