import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from '@timesale/verify/verdict'
import { lookWhileStill } from './at-rest.ts'

const good: Finding = { rule: 'a rule', holds: true, says: '', count: 0, offenders: [] }
const bad: Finding = { ...good, holds: false, count: 1, offenders: ['an order'] }

test('what does not hold in books that stood still is told after one look', async () => {
  const { findings, looks } = await lookingAt({ traffic: [7, 7], looks: [[good, bad]] })
  assert.deepEqual([findings, looks], [[good, bad], 1])
})

test('where all holds nobody minds who ordered meanwhile', async () => {
  const { findings, looks } = await lookingAt({ traffic: [7, 9], looks: [[good]] })
  assert.deepEqual([findings, looks], [[good], 1])
})

test('what does not hold while somebody orders is looked at again once all is at rest', async () => {
  const { findings, looks } = await lookingAt({ traffic: [7, 9, 9, 9], looks: [[bad], [good]] })
  assert.deepEqual([findings, looks], [[good], 2])
  const still = await lookingAt({ traffic: [7, 9, 9, 9], looks: [[bad], [bad]] })
  assert.deepEqual([still.findings, still.looks], [[bad], 2])
})

test('where somebody always orders nothing is known, and it says so', async () => {
  const { findings, looks } = await lookingAt({ traffic: [1, 2, 3, 4, 5, 6], looks: [[bad], [bad], [bad]] })
  assert.equal(looks, 3)
  assert.deepEqual(
    findings.map(({ rule, holds }) => [rule, holds]),
    [['nobody else orders while the books are read', false]],
  )
})

test('a shop that does not come to rest again is told as such', async () => {
  const { findings } = await lookingAt({ traffic: [1, 2], looks: [[bad]], rest: { ...bad, rule: 'rest' } })
  assert.deepEqual(
    findings.map(({ rule }) => rule),
    ['rest'],
  )
})

async function lookingAt(about: { traffic: number[]; looks: Finding[][]; rest?: Finding }) {
  let looks = 0
  const findings = await lookWhileStill({
    look: async () => about.looks[(looks += 1) - 1] ?? assert.fail('too many looks'),
    traffic: async () => about.traffic.shift() ?? assert.fail('asked too often'),
    rest: async () => about.rest ?? good,
    onAgain: () => undefined,
  })
  return { findings, looks }
}
