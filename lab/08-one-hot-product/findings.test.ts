import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Claim } from '../framework/experiment.ts'
import { assertOneFails, failing } from '../framework/failing-claims.ts'
import { FEW, type Name, type Samples } from './crowd-rates.ts'
import { claimsOfCrowd, claimsOfLastUnit } from './findings.ts'

const sampleOf = (perSecond: number, soldOut = FEW, wrong = 0) => [{ soldOut, wrong, sold: 1, perSecond }]
const SAMPLES: Samples = {
  ...{ askedAgain: sampleOf(100), woken: sampleOf(200) },
  ...{ guarded: sampleOf(300), batch: sampleOf(3_000) },
}
const LAST_UNIT = { inTime: 1, late: 2, fenced: 1, between: 2, guarded: 1 }

test('what was seen of a crowd holds, and each claim fails by what speaks against it', () => {
  assert.deepEqual(failing(claimsOfCrowd(3 * FEW, SAMPLES)), [])
  const bad: [what: string, claim: RegExp, unlocked: number, samples: Partial<Record<Name, Samples[Name]>>][] = [
    ['nothing was oversold without a lock', /^Whoever reads and then writes/, FEW, {}],
    ['one too many', /nothing is oversold/, 3 * FEW, { guarded: sampleOf(300, FEW + 1) }],
    ['one too few', /nothing is oversold/, 3 * FEW, { woken: sampleOf(200, FEW - 1) }],
    ['one unaccounted for', /nothing is oversold/, 3 * FEW, { batch: sampleOf(3_000, FEW, 1) }],
    ['a lock as fast', /^The guarded UPDATE sells more/, 3 * FEW, { askedAgain: sampleOf(300) }],
    ['a batch not fast enough', /^The batch sells at least/, 3 * FEW, { batch: sampleOf(1_499) }],
  ]
  for (const [what, claim, unlocked, samples] of bad)
    assertOneFails(what, claim, claimsOfCrowd(unlocked, { ...SAMPLES, ...samples }))
})

test('what was seen of the last unit holds, and each claim fails by what speaks against it', () => {
  const claims = (counts: Readonly<Record<string, number>>): Claim[] =>
    claimsOfLastUnit(new Map(Object.entries({ ...LAST_UNIT, ...counts })))
  assert.deepEqual(failing(claims({})), [])
  assertOneFails('late and sold once', /^A holder that is paused/, claims({ late: 1 }))
  assertOneFails('in time and sold twice', /^A holder that is paused/, claims({ inTime: 2 }))
  assertOneFails('fenced and sold twice', /^A row that refuses/, claims({ fenced: 2 }))
  assertOneFails('between and sold once', /^But not when/, claims({ between: 1 }))
  assertOneFails('guarded and sold twice', /^A guarded UPDATE may be/, claims({ guarded: 2 }))
  assert.equal(failing(claimsOfLastUnit(new Map())).length, 4)
})
