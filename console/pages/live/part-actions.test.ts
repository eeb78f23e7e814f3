import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PART_ACTIONS, type PartView } from '@timesale/contracts/console-api'
import { ApiProblem } from '../../api/problem.ts'
import { ACTIONS, isSensible, isSilent, priceOf, wayBack } from './part-actions.ts'

const broker = (number: number, state: 'running' | 'stopped') =>
  ({ name: `kafka-${number}`, kind: 'broker', state }) as const

test('every action has a button', () => {
  assert.deepEqual([...ACTIONS].toSorted(), [...PART_ACTIONS].toSorted())
})

test('what is down can only be started, what is paused resumed, and a server of one’s own is left alone', () => {
  const sensible = (state: PartView['state']) => ACTIONS.filter((action) => isSensible(action, state))
  assert.deepEqual(sensible('stopped'), ['start'])
  assert.ok(sensible('paused').includes('resume') && !sensible('running').includes('resume'))
  assert.deepEqual([sensible('external'), sensible('unknown')], [[], []])
})

test('the gateway takes the page with it, by whatever takes the gateway away', () => {
  const gateway = { name: 'gateway', kind: 'service', state: 'running' } as const
  for (const action of ['kill', 'stop', 'pause', 'restart'] as const)
    assert.equal(priceOf(action, gateway, [gateway]), 'gateway')
  assert.equal(priceOf('start', gateway, [gateway]), undefined)
})

test('a broker has a price where no other one runs', () => {
  const [one, other] = [broker(1, 'running'), broker(2, 'running')]
  assert.equal(priceOf('kill', one, [one]), 'last-broker')
  assert.equal(priceOf('kill', one, [one, broker(2, 'stopped')]), 'last-broker')
  assert.equal(priceOf('kill', one, [one, other]), undefined)
  assert.equal(priceOf('kill', { name: 'stock', kind: 'service' }, [one]), undefined)
})

test('account and its database take the log-in of the page with them, unless they come back at once', () => {
  for (const part of [
    { name: 'account', kind: 'service' },
    { name: 'postgres-account', kind: 'database' },
  ] as const) {
    for (const action of ['kill', 'stop', 'pause'] as const) assert.equal(priceOf(action, part, []), 'account')
    for (const action of ['start', 'resume', 'restart'] as const) assert.equal(priceOf(action, part, []), undefined)
  }
})

test('what is down is started, and what is paused resumed', () => {
  assert.deepEqual((['stopped', 'paused', 'running'] as const).map(wayBack), ['start', 'resume', undefined])
})

test('only a gateway that does not answer is no news to whoever has ended it', () => {
  assert.equal(isSilent('gateway', new ApiProblem('no-connection')), true)
  assert.equal(isSilent('gateway', new ApiProblem('no-answer-in-time')), true)
  assert.equal(isSilent('gateway', new ApiProblem('read-only', { status: 403 })), false)
  assert.equal(isSilent('stock', new ApiProblem('no-connection')), false)
})
