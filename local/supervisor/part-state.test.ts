import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { after, backoffMs, initialSituation, refusal, type PartEvent, type Situation } from './part-state.ts'

function run(...events: PartEvent[]): Situation {
  return events.reduce(after, initialSituation)
}

const start = { kind: 'start' } as const
const ready = { kind: 'ready' } as const
const stop = { kind: 'stop' } as const
const died = { kind: 'died', ranMs: 100 } as const

test('a part that is started runs once it is ready', () => {
  assert.equal(run(start).state, 'starting')
  assert.equal(run(start, ready).state, 'running')
})

test('a part that dies by itself is started again', () => {
  assert.equal(run(start, ready, died).state, 'restarting')
  assert.equal(run(start, ready, died, ready).state, 'running')
})

test('a part that is killed from outside while it is paused is started again', () => {
  assert.equal(run(start, ready, { kind: 'pause' }, died).state, 'restarting')
})

test('a part that was stopped stays down', () => {
  assert.equal(run(start, ready, stop).state, 'running', 'until its process has ended')
  assert.equal(run(start, ready, stop, died).state, 'stopped')
  assert.equal(run(start, ready, died, stop, died).state, 'stopped', 'also while it waits for its next try')
})

test('deaths in a row are counted until the part has run for a good while', () => {
  assert.equal(run(start, died, died, died).deaths, 3)
  assert.equal(run(start, died, died, { kind: 'died', ranMs: 30_000 }).deaths, 1)
  assert.equal(run(start, died, died, stop, died, start).deaths, 0)
})

test('a part is paused only while it runs', () => {
  assert.equal(run(start, { kind: 'pause' }).state, 'starting')
  assert.equal(run(start, ready, { kind: 'pause' }).state, 'paused')
  assert.equal(run(start, ready, { kind: 'pause' }, { kind: 'resume' }).state, 'running')
  assert.equal(run(start, ready, { kind: 'pause' }, ready).state, 'paused')
})

test('nothing moves a server of the user’s own', () => {
  const external: Situation = { state: 'external', wanted: 'up', deaths: 0 }
  for (const event of [start, ready, stop, died]) assert.equal(after(external, event), external)
  assert.match(refusal('external', 'stop') ?? '', /of your own/)
})

test('whatever happens, a part that died is started again exactly if it is wanted', () => {
  const kinds = ['start', 'ready', 'died', 'stop', 'pause', 'resume'] as const
  const anyEvent = fc.record({ kind: fc.constantFrom(...kinds), ranMs: fc.nat(60_000) })
  fc.assert(
    fc.property(fc.array(anyEvent), (events) => {
      const { state, wanted } = after(run(...events), died)
      assert.equal(state, wanted === 'up' ? 'restarting' : 'stopped')
    }),
  )
})

test('the wait before a restart doubles from half a second up to ten', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 60].map(backoffMs), [500, 1000, 2000, 4000, 8000, 10_000, 10_000])
})

test('what makes no sense is refused with a reason', () => {
  assert.equal(refusal('stopped', 'start'), undefined)
  assert.equal(refusal('paused', 'kill'), undefined)
  assert.equal(refusal('paused', 'stop'), undefined)
  assert.match(refusal('paused', 'start') ?? '', /resume/)
  assert.match(refusal('stopped', 'pause') ?? '', /stopped/)
})
