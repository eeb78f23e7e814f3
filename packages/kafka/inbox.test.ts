import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Ordering } from '@timesale/contracts/event'
import { judge, keyOf, type Position } from './inbox.ts'

test('the first event of an aggregate is version 1, and any other is ahead of its turn', () => {
  assert.equal(judge(undefined, facts(1)), 'apply')
  assert.equal(judge(undefined, facts(2)), 'gap')
  assert.equal(judge(undefined, facts(2 ** 31 - 1)), 'gap')
})

test('after a fact only the next one is applied', () => {
  assert.equal(judge(at(3), facts(4)), 'apply')
  assert.equal(judge(at(3), facts(5)), 'gap')
})

test('the whole state of an aggregate is applied from any version on that is newer', () => {
  assert.equal(judge(undefined, state(7)), 'apply')
  assert.equal(judge(at(3), state(4)), 'apply')
  assert.equal(judge(at(3), state(9)), 'apply')
})

test('what was applied before is a duplicate', () => {
  for (const event of [facts, state]) {
    assert.equal(judge(at(3), event(3)), 'duplicate')
    assert.equal(judge(at(3), event(2)), 'duplicate')
    assert.equal(judge(at(3), event(1)), 'duplicate')
  }
})

test('another body under the version that was applied last is a conflict', () => {
  for (const event of [facts, state]) assert.equal(judge(at(3), event(3, 'another')), 'conflict')
})

test('what was kept of a body before hashes were checksums is no reason for a conflict', () => {
  const before = { version: 3, hash: 'GhHvpFqPmo0mXyBkWq1zRw' }

  for (const event of [facts, state]) assert.equal(judge(before, event(3, '-1820342161.187')), 'duplicate')
})

test('nothing that is not newer than the last one applied is ever applied, whatever its body', () => {
  fc.assert(
    fc.property(versions, versions, bodies, bodies, orderings, (last, version, lastBody, body, ordering) => {
      const verdict = judge({ version: last, hash: lastBody }, { version, hash: body, ordering })

      assert.equal(verdict === 'apply' || verdict === 'gap', version > last)
      assert.equal(verdict === 'conflict', version === last && body !== lastBody)
      if (ordering === 'state') assert.notEqual(verdict, 'gap')
    }),
  )
})

test('the same facts in the same order are applied 1 to n, however often each is delivered on the way', () => {
  fc.assert(
    fc.property(orderings, fc.array(fc.nat({ max: 3 }), { maxLength: 12 }), (ordering, timesEach) => {
      let position: Position | undefined
      const applied: number[] = []
      for (const [index, times] of timesEach.entries()) {
        for (let i = 0; i <= times; i += 1) {
          const event = { version: index + 1, hash: `body ${index}`, ordering }
          if (judge(position, event) !== 'apply') continue
          applied.push(event.version)
          position = event
        }
      }

      assert.deepEqual(
        applied,
        timesEach.map((_, index) => index + 1),
      )
    }),
  )
})

test('aggregates of two sources never share a key, even under one id', () => {
  assert.notEqual(
    keyOf({ source: '/stock/products', aggregateId: 'A001' }),
    keyOf({ source: '/product/products', aggregateId: 'A001' }),
  )
})

const versions = fc.integer({ min: 1, max: 6 })
const bodies = fc.constantFrom('a', 'b')
const orderings = fc.constantFrom<Ordering>('facts', 'state')

function at(version: number): Position {
  return { version, hash: 'body' }
}

function facts(version: number, hash = 'body') {
  return { version, hash, ordering: 'facts' as const }
}

function state(version: number, hash = 'body') {
  return { version, hash, ordering: 'state' as const }
}
