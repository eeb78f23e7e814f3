import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertOneFails, failing } from '../framework/failing-claims.ts'
import type { Costs } from './costs.ts'
import { claimsOfAlone, claimsOfTime, figuresOf, type Alone, type ByWay } from './findings.ts'
import { ALONE, ORDERS, type Samples } from './trial.ts'

/** What each order of a block has cost. */
const sampleOf = (p50: number, each: Partial<Costs>): Samples['http'] => {
  const costs = {
    transactions: 3,
    calls: 0,
    records: 0,
    sends: 0,
    fetches: 0,
    others: 0,
    cpuUs: 1,
    serversUs: 1,
    ...each,
  }
  // The same names, each with a number.
  const ofAll = Object.fromEntries(Object.entries(costs).map(([what, count]) => [what, count * ORDERS]))
  return [{ p50, p99: 2 * p50, max: 3 * p50, costs: ofAll as unknown as Costs }]
}
const BY_CALL = { calls: 1, fetches: 0.6 }
const BY_EVENTS = { transactions: 5, records: 2, sends: 2, fetches: 2 }
const SAMPLES: Samples = { http: sampleOf(4, BY_CALL), events: sampleOf(12, BY_EVENTS) }
const DECIDED: ByWay = {
  http: { placed: 550, confirmed: 550, reserved: 550 },
  events: { placed: 550, confirmed: 550, reserved: 550 },
}

test('what was seen of orders that come alone holds, and each claim fails by what speaks against it', () => {
  assert.deepEqual(failing(claimsOfTime(SAMPLES, DECIDED)), [])
  const confirmed = /^Either way each order/
  const longer = /^By events it takes/
  const more = /^It takes more of everything/
  const decided = (changed: Partial<ByWay['http']>): ByWay => ({ ...DECIDED, http: { ...DECIDED.http, ...changed } })
  const calls = (changed: Partial<Costs>): Partial<Samples> => ({ http: sampleOf(4, { ...BY_CALL, ...changed }) })
  const events = (changed: Partial<Costs>): Partial<Samples> => ({ events: sampleOf(12, { ...BY_EVENTS, ...changed }) })
  const bad: [what: string, claim: RegExp, samples: Partial<Samples>, decided?: ByWay][] = [
    ['one that was not confirmed', confirmed, {}, decided({ confirmed: 549 })],
    ['one without its unit', confirmed, {}, decided({ reserved: 549 })],
    ['one with two units', confirmed, {}, decided({ reserved: 551 })],
    ['nothing was placed', confirmed, {}, decided({ placed: 0, confirmed: 0, reserved: 0 })],
    ['hardly longer', longer, { events: sampleOf(4.7, BY_EVENTS) }],
    ['two calls', more, calls({ calls: 2 })],
    ['a call that leaves a record', more, calls({ records: 1 })],
    ['events with a call', more, events({ calls: 1 })],
    ['one record', more, events({ records: 1 })],
    ['a send for both', more, events({ sends: 1 })],
    ['a fetch for both', more, events({ fetches: 1 })],
    ['no more transactions', more, events({ transactions: 3 })],
  ]
  for (const [what, claim, samples, books = DECIDED] of bad)
    assertOneFails(what, claim, claimsOfTime({ ...SAMPLES, ...samples }, books))
})

const NONE = { placed: ALONE, confirmed: 0, reserved: 0 }
const ALL = { placed: ALONE, confirmed: ALONE, reserved: ALONE }
const AWAY: Alone = { meanwhile: { http: NONE, events: NONE }, afterwards: ALL }

test('what was seen while stock was away holds, and fails where it was otherwise a single time', () => {
  assert.deepEqual(failing(claimsOfAlone([AWAY, AWAY, AWAY])), [])
  const bad: [what: string, alone: Partial<Alone>][] = [
    ['a call was answered', { meanwhile: { ...AWAY.meanwhile, http: { ...NONE, confirmed: 1 } } }],
    ['an event was heard', { meanwhile: { ...AWAY.meanwhile, events: { ...NONE, confirmed: 1 } } }],
    ['nothing was placed', { meanwhile: { ...AWAY.meanwhile, http: { ...NONE, placed: 0 } } }],
    ['one was left', { afterwards: { ...ALL, confirmed: ALONE - 1 } }],
    ['one has two units', { afterwards: { ...ALL, reserved: ALONE + 1 } }],
  ]
  for (const [what, alone] of bad)
    assertOneFails(what, /^What it buys/, claimsOfAlone([AWAY, { ...AWAY, ...alone }, AWAY]))
  assert.equal(failing(claimsOfAlone([])).length, 1)
})

test('where the system does not tell the CPU of the servers no figure of it is drawn', () => {
  const titles = (samples: Samples): string[] => figuresOf(samples, [AWAY]).map(({ title }) => title.en)
  const isOfCpu = (title: string): boolean => title.startsWith('CPU')
  assert.ok(titles(SAMPLES).some(isOfCpu))
  assert.ok(!titles({ ...SAMPLES, events: sampleOf(12, { ...BY_EVENTS, serversUs: 0 }) }).some(isOfCpu))
})
