import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertOneFails, failing } from '../framework/failing-claims.ts'
import { claimsOf, type Found } from './findings.ts'
import type { Worked } from './ledger.ts'
import type { PartitionsSample } from './sample.ts'

const SENT = 36_000
const worked = (members: number): Worked => ({ steps: SENT, again: 0, outOfOrder: 0, members })
const sample = (members: number, asking: number): PartitionsSample => ({
  ...{ sent: SENT, worked: worked(members), asking: [asking], committing: [1] },
  ...{ leavingMs: [400, 500], joiningMs: [600, 3_000] },
})
const writtenTo24 = (perSecond: number): Found['written'] => ({
  perSecond: { 1: [410_000], 3: [420_000], 6: [370_000], 12: [350_000], 24: [perSecond] },
  records: 1_200_000,
})
const FOUND: Found = {
  samples: { 1: sample(1, 440), 3: sample(3, 1_300), 6: sample(6, 2_600), 12: sample(6, 2_600), 24: sample(6, 1_900) },
  written: writtenTo24(340_000),
  dyingMs: [10_000, 10_200],
  grown: { worked: { ...worked(6), outOfOrder: 300 }, moved: 300 },
}

test('what was seen holds', () => {
  assert.deepEqual(failing(claimsOf(FOUND)), [])
})

test('each claim fails by what speaks against it', () => {
  const of = (partitions: keyof Found['samples'], changed: Partial<PartitionsSample>): Found => ({
    ...FOUND,
    samples: { ...FOUND.samples, [partitions]: { ...FOUND.samples[partitions], ...changed } },
  })
  const bad: [what: string, claim: RegExp, found: Found][] = [
    ['out of order', /^However many/, of(12, { worked: { ...worked(6), outOfOrder: 1 } })],
    ['a step is missing', /^However many/, of(1, { worked: { ...worked(1), steps: SENT - 1 } })],
    ['one without work', /as many have work/, of(6, { worked: worked(5) })],
    ['3 are not faster', /3 partitions do at least/, of(3, { asking: [700] })],
    ['6 are not faster', /3 partitions do at least/, of(6, { asking: [1_300] })],
    ['24 are faster', /^More partitions than consumers/, of(24, { asking: [4_000] })],
    ['24 cost the producer', /^To 24 partitions/, { ...FOUND, written: writtenTo24(150_000) }],
    [
      'slow with 24 alone',
      /^When somebody comes or goes/,
      of(24, { leavingMs: [6_000, 6_000], joiningMs: [500, 6_000] }),
    ],
    ['a dead one is not waited for', /^A dead one/, { ...FOUND, dyingMs: [10_000, 5_000] }],
    ['none has moved', /^Added later/, { ...FOUND, grown: { worked: worked(6), moved: 0 } }],
    ['some that moved are in order', /^Added later/, { ...FOUND, grown: { ...FOUND.grown, moved: 301 } }],
  ]
  for (const [what, claim, found] of bad) assertOneFails(what, claim, claimsOf(found))
})
