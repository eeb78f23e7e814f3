import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertOneFails, failing } from '../framework/failing-claims.ts'
import type { Costs } from './costs.ts'
import { claimsOfForgetting, claimsOfRushes } from './findings.ts'
import { UNDER_WAY, UNITS, WRITTEN, type Courses, type Forgotten } from './forgetting.ts'
import { offeredPerSecond } from './rush.ts'
import type { Rush, Sample, Samples, Way } from './rushes.ts'

const REQUESTS = 1_000
const NO_COSTS: Costs = {
  ...{ statements: 0, transactions: 0, logBytes: 0, lookups: 0 },
  ...{ postgresUs: 0, redisUs: 0, ownUs: 0 },
}

/** For 1,000 requests. */
type Seen = Partial<Costs> & { readonly wrong?: number }

const sampleOf = ({ wrong = 0, ...costs }: Seen): Sample[] => [
  { requests: REQUESTS, seconds: 1, sold: new Set(), rows: 1, wrong, costs: { ...NO_COSTS, ...costs } },
]

const KIB = 1024
const SEEN: Readonly<Record<Rush, Readonly<Record<Way, Seen>>>> = {
  soldOut: {
    single: { statements: 1_000, transactions: 950 },
    singleSelect: { statements: 1_000, transactions: 0 },
    singleLook: { statements: 1_000, transactions: 0, lookups: 2_000 },
    batch: { statements: 85, transactions: 85, logBytes: 160 * KIB },
    batchSelect: { statements: 85 },
    batchLook: { statements: 85, lookups: 1_085 },
    counter: {},
  },
  plenty: {
    single: { statements: 1_000, transactions: 950 },
    singleSelect: { statements: 2_000, transactions: 950 },
    singleLook: { statements: 1_000, transactions: 950, lookups: 2_000 },
    batch: { statements: 85, transactions: 85, logBytes: 160 * KIB },
    batchSelect: { statements: 160, transactions: 80, logBytes: 160 * KIB },
    batchLook: { statements: 85, transactions: 85, logBytes: 160 * KIB, lookups: 1_085 },
    counter: { statements: 80, transactions: 80 },
  },
}

function samplesOf(rush?: Rush, way?: Way, seen: Seen = {}): Samples {
  const of = (one: Way): Samples[Way] => {
    const told = (which: Rush): Sample[] =>
      sampleOf({ ...SEEN[which][one], ...(rush === which && way === one ? seen : {}) })
    return { soldOut: told('soldOut'), plenty: told('plenty') }
  }
  return {
    ...{ single: of('single'), singleSelect: of('singleSelect'), singleLook: of('singleLook') },
    ...{ batch: of('batch'), batchSelect: of('batchSelect'), batchLook: of('batchLook') },
    counter: of('counter'),
  }
}

test('what was seen of rushes holds, and each claim fails by what speaks against it', () => {
  assert.deepEqual(failing(claimsOfRushes(samplesOf())), [])
  const bad: [what: string, claim: RegExp, rush: Rush, way: Way, seen: Seen][] = [
    ['one sale wrong', /^As long as Redis forgets nothing/, 'plenty', 'counter', { wrong: 1 }],
    ['a SELECT that spares no write', /^Sold out, with a trans/, 'soldOut', 'singleSelect', { transactions: 300 }],
    ['a look that spares no write', /^Sold out, with a trans/, 'soldOut', 'singleLook', { transactions: 300 }],
    ['a word that spares the SELECT', /^Sold out, one by one/, 'soldOut', 'singleLook', { statements: 500 }],
    ['a look at nothing', /^Sold out, one by one/, 'soldOut', 'singleLook', { lookups: 500 }],
    ['batches too small, sold out', /^Batches leave/, 'soldOut', 'batch', { transactions: 300 }],
    ['batches too small, not sold out', /^Batches leave/, 'plenty', 'batch', { transactions: 300 }],
    ['a SELECT that spares no log', /^Sold out, in batches/, 'soldOut', 'batchSelect', { logBytes: 50 * KIB }],
    ['a look that spares no log', /^Sold out, in batches/, 'soldOut', 'batchLook', { logBytes: 50 * KIB }],
    ['a SELECT that spares log', /^Not sold out, in b/, 'plenty', 'batchSelect', { logBytes: 100 * KIB }],
    ['a look that spares log', /^Not sold out, in b/, 'plenty', 'batchLook', { logBytes: 100 * KIB }],
    ['few looks', /^Not sold out, in b/, 'plenty', 'batchLook', { lookups: 500 }],
    ['a SELECT that costs no statement', /^Not sold out, one/, 'plenty', 'single', { statements: 1_500 }],
    ['a look that costs statements', /^Not sold out, one/, 'plenty', 'singleLook', { statements: 1_600 }],
  ]
  for (const [what, claim, ...seen] of bad) assertOneFails(what, claim, claimsOfRushes(samplesOf(...seen)))
})

const HINTED: Forgotten = { sold: UNITS, times: 9, whileSelling: 5, wrong: 0 }
const COUNTED: Forgotten = { sold: UNITS + UNDER_WAY, times: 1, whileSelling: 1, wrong: 0 }
const COURSES: Courses = {
  hintsFlushed: [HINTED],
  hintsGone: [{ ...HINTED, times: 1, whileSelling: 1 }],
  counterFromSale: [{ ...COUNTED, sold: UNITS + WRITTEN + UNDER_WAY }],
  counterFromRows: [COUNTED],
}

test('what was seen of Redis that forgets holds, and each claim fails by what speaks against it', () => {
  assert.deepEqual(failing(claimsOfForgetting(COURSES)), [])
  const bad: [what: string, claim: RegExp, courses: Partial<Courses>][] = [
    ['one too many', /^Where PostgreSQL decides/, { hintsFlushed: [{ ...HINTED, sold: UNITS + 1 }] }],
    ['one too few', /^Where PostgreSQL decides/, { hintsGone: [{ ...HINTED, sold: UNITS - 1 }] }],
    ['one told wrongly', /^Where PostgreSQL decides/, { hintsFlushed: [{ ...HINTED, wrong: 1 }] }],
    ['nothing forgotten', /^Where PostgreSQL decides/, { hintsGone: [{ ...HINTED, times: 0 }] }],
    ['forgotten too late', /^Where PostgreSQL decides/, { hintsFlushed: [{ ...HINTED, whileSelling: 0 }] }],
    ['nothing sold again', /^Where Redis decides/, { counterFromSale: [{ ...COUNTED, sold: UNITS }] }],
    ['saved by the rows', /^To count the rows first/, { counterFromRows: [{ ...COUNTED, sold: UNITS }] }],
    ['forgotten twice', /^To count the rows first/, { counterFromRows: [{ ...COUNTED, times: 2 }] }],
  ]
  for (const [what, claim, courses] of bad) assertOneFails(what, claim, claimsOfForgetting({ ...COURSES, ...courses }))
})

test('what is offered counts those who ask again, and the time in which they come', () => {
  assert.equal(Math.round(offeredPerSecond(5_000)), 9_580)
  assert.equal(Math.round(offeredPerSecond(1_500)), 7_955)
})
