import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lagOf, Levels, type Look } from './level.ts'

test('a view is behind by what it has not read, partition by partition', () => {
  const look = lookAt(1, 10, 10)
  assert.equal(lagOf(new Map(), look), 20)
  assert.equal(lagOf(at(4, 10), look), 6)
  assert.equal(lagOf(at(10, 12), look), 0, 'what was read beyond makes up for nothing')
  assert.equal(lagOf(at(9, 20), look), 1)
})

test('a view that is level with the topics is level as of the look at them', () => {
  const levels = new Levels()
  assert.equal(levels.levelAt('g', at(1, 1), lookAt(100, 1, 1)), 100)
  assert.equal(levels.levelAt('g', at(1, 1), lookAt(500, 1, 1)), 500)
})

test('a view that is always a little behind is level as of a look that it has passed since', () => {
  const levels = new Levels()
  assert.equal(levels.levelAt('g', at(0, 0), lookAt(100, 10, 10)), undefined)
  assert.equal(levels.levelAt('g', at(12, 9), lookAt(500, 20, 20)), undefined, 'one partition is not enough')
  assert.equal(levels.levelAt('g', at(12, 11), lookAt(900, 30, 30)), 100)
  assert.equal(levels.levelAt('g', at(29, 30), lookAt(1_300, 40, 40)), undefined, 'told once')
  assert.equal(levels.levelAt('g', at(30, 30), lookAt(1_700, 50, 50)), 900, 'and the next look is the next one kept')
})

test('each view has a level of its own, and none when it is forgotten', () => {
  const levels = new Levels()
  levels.levelAt('one', at(0, 0), lookAt(100, 5, 5))
  assert.equal(levels.levelAt('two', at(5, 5), lookAt(200, 6, 6)), undefined)
  levels.forget('one')
  assert.equal(levels.levelAt('one', at(5, 5), lookAt(300, 6, 6)), undefined)
})

function lookAt(moment: number, ...ends: number[]): Look {
  return {
    at: moment,
    bounds: ends.map((end, partition) => ({ topic: 'order-topic', partition, first: 0n, end: BigInt(end) })),
  }
}

function at(...offsets: number[]): Map<string, bigint> {
  return new Map(offsets.map((offset, partition) => [`order-topic ${partition}`, BigInt(offset)]))
}
