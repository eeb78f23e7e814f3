import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertOneFails, failing } from '../framework/failing-claims.ts'
import { TTL_MS, type Hits, type Staleness } from './drawbacks.ts'
import { claimsOfDrawbacks, claimsOfRates, type Drawbacks } from './findings.ts'
import type { PageSample, PageSamples } from './rates.ts'

const page = (p50Ms: number, cpuUs: number, answered = 20): PageSample[] => [
  { ...{ offered: 20, answered, perSecond: 10 }, ...{ p50Ms, p99Ms: 2 * p50Ms, cpuUs } },
]
const SAMPLES: PageSamples = {
  postgres: { 10: page(2, 1_000), 100: page(2, 800), 1_000: page(1, 300), 10_000: page(20, 140) },
  redis: { 10: page(1, 900), 100: page(1, 600), 1_000: page(1, 200), 10_000: page(1, 50) },
}
const postgres = (samples: Partial<PageSamples['postgres']>): PageSamples => ({
  ...SAMPLES,
  postgres: { ...SAMPLES.postgres, ...samples },
})

test('what was seen at the four rates holds, and each claim fails by what speaks against it', () => {
  assert.deepEqual(failing(claimsOfRates(SAMPLES)), [])
  const bad: [what: string, claim: RegExp, samples: PageSamples][] = [
    ['a page that never came', /both answer every page/, postgres({ 1_000: page(1, 300, 19) })],
    ['10 ms longer at 10/s', /the median wait/, postgres({ 10: page(11, 1_000) })],
    ['10 ms longer at 100/s', /the median wait/, postgres({ 100: page(11, 800) })],
    ['a tenth of a core at 10/s', /less than a tenth of a core/, postgres({ 10: page(2, 10_900) })],
    ['a tenth of a core at 100/s', /less than a tenth of a core/, postgres({ 100: page(2, 1_600) })],
    ['hardly dearer at 10,000/s', /^At 10,000 it counts/, postgres({ 10_000: page(20, 60) })],
  ]
  for (const [what, claim, samples] of bad) assertOneFails(what, claim, claimsOfRates(samples))
})

test('where the system does not tell the CPU nothing is claimed of it', () => {
  assert.equal(claimsOfRates(postgres({ 10_000: page(20, 0) })).length, 2)
})

const hits = (perSecond: number, asked: number, again: number, found: number): Hits => ({
  ...{ perSecond, asked, again, found },
})
const ATS = [hits(10, 60, 30, 0), hits(100, 200, 170, 170), hits(1_000, 2_000, 1_970, 1_970)] as const
const NONE_OLD: Staleness = { asked: 100, stale: 0, lastStaleMs: 0 }
const DRAWBACKS: Drawbacks = {
  hits: ATS,
  kept: hits(10, 60, 30, 30),
  staleness: {
    ...{ 'database-only': NONE_OLD, ttl: { asked: 100, stale: 60, lastStaleMs: TTL_MS - 40 } },
    ...{ dropped: NONE_OLD, 'dropped-between': { asked: 100, stale: 60, lastStaleMs: TTL_MS } },
  },
  hung: {
    postgres: { offered: 200, answered: 200, withoutRedis: 0, slow: 1 },
    redis: { offered: 200, answered: 200, withoutRedis: 200, slow: 9 },
  },
  ...{ redisBytes: 7_000_000, pageBytes: 35_000 },
}

test('what is paid for Redis holds, and each claim fails by what speaks against it', () => {
  assert.deepEqual(failing(claimsOfDrawbacks(DRAWBACKS)), [])
  const { staleness, hung } = DRAWBACKS
  const old = (changed: Partial<Drawbacks['staleness']>) => ({ staleness: { ...staleness, ...changed } })
  const away = (changed: Partial<Drawbacks['hung']['redis']>) => ({
    hung: { ...hung, redis: { ...hung.redis, ...changed } },
  })
  const kept = /^Kept for 2 s/
  const oldOnes = /^After a committed write/
  const dropped = /^Whoever drops the page/
  const hanging = /^While Redis hangs/
  const bad: [what: string, claim: RegExp, changed: Partial<Drawbacks>][] = [
    ['one was there', kept, { hits: [hits(10, 60, 30, 1), ...ATS.slice(1)] }],
    ['none was asked for again', kept, { hits: [hits(10, 30, 0, 0), ...ATS.slice(1)] }],
    ['none was there where they are kept', kept, { kept: hits(10, 60, 30, 0) }],
    ['few were there at 1,000/s', kept, { hits: [...ATS.slice(0, 2), hits(1_000, 2_000, 1_970, 1_500)] }],
    ['an old one from PostgreSQL', oldOnes, old({ 'database-only': { ...NONE_OLD, stale: 1 } })],
    ['PostgreSQL was not asked', oldOnes, old({ 'database-only': { ...NONE_OLD, asked: 0 } })],
    ['no old one', oldOnes, old({ ttl: NONE_OLD })],
    ['old beyond its time', oldOnes, old({ ttl: { asked: 100, stale: 100, lastStaleMs: TTL_MS + 990 } })],
    ['old for a moment', oldOnes, old({ ttl: { asked: 100, stale: 2, lastStaleMs: 40 } })],
    ['old although dropped', dropped, old({ dropped: { ...NONE_OLD, stale: 1 } })],
    ['a slow reader does no harm', dropped, old({ 'dropped-between': NONE_OLD })],
    ['a page that never came', hanging, away({ answered: 199 })],
    ['Redis did not hang', hanging, away({ withoutRedis: 0 })],
    ['as many are late without Redis', hanging, away({ slow: 1 })],
    ['little memory', /^Redis takes more than/, { redisBytes: 350_000 }],
  ]
  for (const [what, claim, changed] of bad) assertOneFails(what, claim, claimsOfDrawbacks({ ...DRAWBACKS, ...changed }))
})
