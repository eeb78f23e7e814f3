import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertOneFails, failing } from '../framework/failing-claims.ts'
import { TTL_MS, type Hits, type Staleness } from './drawbacks.ts'
import { claimsOfDrawbacks, claimsOfRates, figuresOfRates, type Drawbacks } from './findings.ts'
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

test('where the system does not tell the CPU what is claimed of it does not hold, says why, and has no figure', () => {
  const ofCpu = (samples: PageSamples) => figuresOfRates(samples).filter(({ title }) => title.en.startsWith('CPU'))
  assert.equal(ofCpu(SAMPLES).length, 1)
  for (const untold of [postgres({ 10_000: page(20, 0) }), postgres({ 10: page(2, 0) })]) {
    const failed = claimsOfRates(untold).filter(({ holds }) => !holds)
    assert.equal(failed.length, 2)
    for (const { text, because } of failed) {
      assert.match(text.en, /CPU/)
      assert.match(because.en, /^could not be looked at here: /)
    }
    assert.equal(ofCpu(untold).length, 0)
  }
})

const hits = (perSecond: number, asked: number, again: number, found: number): Hits => ({
  ...{ perSecond, asked, again, found },
})
const ATS = [hits(10, 60, 30, 0), hits(100, 200, 170, 170), hits(1_000, 2_000, 1_970, 1_970)] as const
const NONE_OLD: Staleness = { asked: 100, stale: 0, lastStaleMs: 0 }
const SOME_OLD: Staleness = { asked: 100, stale: 60, lastStaleMs: TTL_MS - 40 }
const LATE = { offered: 150, answered: 150, withoutRedis: 150, slow: 9 }
const NOT_LATE = { offered: 150, answered: 150, withoutRedis: 0, slow: 1 }
const thrice = <T>(one: T): T[] => [one, one, one]
/** What is seen three times, and the last time otherwise. */
const butOnce = <T>(one: T, changed: Partial<T>): T[] => [one, one, { ...one, ...changed }]
const DRAWBACKS: Drawbacks = {
  hits: ATS,
  kept: hits(10, 60, 30, 30),
  staleness: {
    ...{ 'database-only': thrice(NONE_OLD), ttl: thrice(SOME_OLD) },
    ...{ dropped: thrice(NONE_OLD), 'dropped-between': thrice(SOME_OLD) },
  },
  hung: { postgres: butOnce(NOT_LATE, { slow: 40 }), redis: thrice(LATE) },
}

test('what is paid for Redis holds, and each claim fails by what speaks against it', () => {
  assert.deepEqual(failing(claimsOfDrawbacks(DRAWBACKS)), [])
  const { staleness, hung } = DRAWBACKS
  const old = (changed: Partial<Drawbacks['staleness']>) => ({ staleness: { ...staleness, ...changed } })
  const away = (redis: Drawbacks['hung']['redis']) => ({ hung: { ...hung, redis } })
  const kept = /^Kept for 2 s/
  const oldOnes = /^After a committed write/
  const dropped = /^Whoever drops the page/
  const hanging = /^While Redis hangs/
  const bad: [what: string, claim: RegExp, changed: Partial<Drawbacks>][] = [
    ['one was there', kept, { hits: [hits(10, 60, 30, 1), ...ATS.slice(1)] }],
    ['none was asked for again', kept, { hits: [hits(10, 30, 0, 0), ...ATS.slice(1)] }],
    ['none was there where they are kept', kept, { kept: hits(10, 60, 30, 0) }],
    ['few were there at 1,000/s', kept, { hits: [...ATS.slice(0, 2), hits(1_000, 2_000, 1_970, 1_500)] }],
    ['an old one from PostgreSQL', oldOnes, old({ 'database-only': butOnce(NONE_OLD, { stale: 1 }) })],
    ['PostgreSQL was not asked', oldOnes, old({ 'database-only': butOnce(NONE_OLD, { asked: 0 }) })],
    ['no old one', oldOnes, old({ ttl: butOnce(SOME_OLD, NONE_OLD) })],
    ['old beyond its time', oldOnes, old({ ttl: thrice({ ...SOME_OLD, lastStaleMs: TTL_MS + 990 }) })],
    ['old for a moment', oldOnes, old({ ttl: thrice({ asked: 100, stale: 2, lastStaleMs: 40 }) })],
    ['old although dropped', dropped, old({ dropped: butOnce(NONE_OLD, { stale: 1 }) })],
    ['a slow reader does no harm', dropped, old({ 'dropped-between': butOnce(SOME_OLD, NONE_OLD) })],
    ['a page that never came', hanging, away(butOnce(LATE, { answered: 149 }))],
    ['Redis did not hang', hanging, away(butOnce(LATE, { withoutRedis: 0 }))],
    ['as many are late without Redis', hanging, away(thrice({ ...LATE, slow: 1 }))],
    ['Redis was never stopped', hanging, away([])],
  ]
  for (const [what, claim, changed] of bad) assertOneFails(what, claim, claimsOfDrawbacks({ ...DRAWBACKS, ...changed }))
})
