import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Figure } from './figures/catalogue.ts'
import { resultOf, resultRow, shown } from './report.ts'

const RATIO: Figure = {
  name: 'accept-64',
  what: '',
  unit: 'orders/s',
  side: 'own',
  against: 'bare',
  reach: 0.5,
  better: 0.6,
}
const LATENCY: Figure = { name: 'pipeline-latency', what: '', unit: 'ms', side: 'own', reach: 300, better: 150 }

test('a ratio is that of the medians, with the samples of both sides beside it', () => {
  const samples = new Map([
    ['own', [10, 30, 20]],
    ['bare', [100, 40, 50]],
  ])

  const result = resultOf(RATIO, samples)

  assert.deepEqual(result, {
    ...{
      name: 'accept-64',
      value: 20,
      unit: 'orders/s',
      against: 50,
      ratio: 0.4,
      reach: 0.5,
      better: 0.6,
      reached: false,
    },
    rounds: { value: [10, 30, 20], against: [100, 40, 50] },
  })
})

test('a ratio is reached from below, a time from above', () => {
  const verdict = (figure: Figure, own: number): string | undefined => {
    const result = resultOf(
      figure,
      new Map([
        ['own', [own]],
        ['bare', [100]],
      ]),
    )
    return result === undefined ? undefined : resultRow(result).at(-1)
  }

  assert.deepEqual(
    [49, 50, 60].map((own) => verdict(RATIO, own)),
    ['missed', 'reached', 'better'],
  )
  assert.deepEqual(
    [301, 300, 150].map((own) => verdict(LATENCY, own)),
    ['missed', 'reached', 'better'],
  )
})

test('a figure of which one side has failed has no result', () => {
  assert.equal(resultOf(RATIO, new Map([['own', [1]]])), undefined)
  assert.equal(resultOf(RATIO, new Map([['bare', [1]]])), undefined)
  assert.equal(resultOf(LATENCY, new Map()), undefined)
})

test('numbers have the digits that say something', () => {
  assert.deepEqual([12_345.6, 99.94, 9.876, 0.5].map(shown), ['12,346', '99.9', '9.88', '0.50'])
})
