import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Claim } from '../framework/experiment.ts'
import { assertOneFails, failing } from '../framework/failing-claims.ts'
import { FEW, type Name, type Samples } from './crowd-rates.ts'
import { claimsOfCrowd, claimsOfLastUnit } from './findings.ts'

const sampleOf = (perSecond: number, soldOut = FEW, wrong = 0) => [
  { soldOut, wrong, sold: 1, perSecond, perTransaction: 1 },
]
const SAMPLES: Samples = {
  ...{ askedAgain: sampleOf(100), woken: sampleOf(200) },
  ...{ guarded: sampleOf(300), batch: sampleOf(3_000) },
}
const NEVER_SOLD_OUT = Object.fromEntries(
  Object.entries(SAMPLES).map(([name, samples]) => [name, samples.map((one) => ({ ...one, soldOut: undefined }))]),
)
const LAST_UNIT = { inTime: [1, 1], late: [2, 2], fenced: [1, 1], between: [2, 2], guarded: [1, 1] }

test('what was seen of a crowd holds, and each claim fails by what speaks against it', () => {
  assert.deepEqual(failing(claimsOfCrowd(3 * FEW, SAMPLES)), [])
  const bad: [what: string, claim: RegExp, unlocked: number, samples: Partial<Record<Name, Samples[Name]>>][] = [
    ['nothing was oversold without a lock', /^Whoever reads and then writes/, FEW, {}],
    ['one too many', /nothing is oversold/, 3 * FEW, { guarded: sampleOf(300, FEW + 1) }],
    ['never sold out', /nothing is oversold/, 3 * FEW, NEVER_SOLD_OUT],
    ['one too few', /nothing is oversold/, 3 * FEW, { woken: sampleOf(200, FEW - 1) }],
    ['one unaccounted for', /nothing is oversold/, 3 * FEW, { batch: sampleOf(3_000, FEW, 1) }],
    ['a lock that is faster', /^Nothing is gained by a lock/, 3 * FEW, { askedAgain: sampleOf(340) }],
    [
      'faster in one round and slower in sum',
      /^Nothing is gained by a lock/,
      3 * FEW,
      { woken: [...sampleOf(100), ...sampleOf(590)] },
    ],
    ['a batch not fast enough', /^The batch sells at least/, 3 * FEW, { batch: sampleOf(1_499) }],
  ]
  for (const [what, claim, unlocked, samples] of bad)
    assertOneFails(what, claim, claimsOfCrowd(unlocked, { ...SAMPLES, ...samples }))
})

test('what was seen of the last unit holds, and each claim fails by what speaks against it', () => {
  const claims = (counts: Readonly<Record<string, number[]>>): Claim[] =>
    claimsOfLastUnit(new Map(Object.entries({ ...LAST_UNIT, ...counts })))
  assert.deepEqual(failing(claims({})), [])
  assertOneFails('late and sold once', /^A holder that is paused/, claims({ late: [2, 1] }))
  assertOneFails('in time and sold twice', /^A holder that is paused/, claims({ inTime: [1, 2] }))
  assertOneFails('fenced and sold twice', /^A row that refuses/, claims({ fenced: [1, 2] }))
  assertOneFails('between and sold once', /^But not when/, claims({ between: [2, 1] }))
  assertOneFails('guarded and sold twice', /^A guarded UPDATE may be/, claims({ guarded: [1, 2] }))
  assert.equal(failing(claimsOfLastUnit(new Map())).length, 4)
  assert.equal(failing(claims({ inTime: [], fenced: [], between: [], guarded: [] })).length, 4)
})
