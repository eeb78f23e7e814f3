import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TailEvent } from '@timesale/contracts/console-api'
import { ApiProblem } from '../../api/problem.ts'
import { NEW_TAIL, withHeard, withStream, type Tail } from './tail.ts'

const at = (second: number): string => new Date(1_800_000_000_000 + second * 1000).toISOString()

const heard = (second: number, offset?: number, reachable = true): TailEvent => ({
  ...{ at: at(second), reachable, skipped: 1 },
  records: offset === undefined ? [] : [record(offset)],
})

const record = (offset: number): TailEvent['records'][number] => ({
  ...{ topic: 'play', partition: 0, offset: String(offset), at: at(0) },
  ...{ key: null, value: null, headers: [], event: null, problem: null },
})

const opened = (tail: Tail): Tail => withStream(withStream(tail, { is: 'connecting' }), { is: 'open' })
const lost = (tail: Tail): Tail => withStream(tail, { is: 'broken', problem: new ApiProblem('no-connection') })

test('a stream that was lost and is open again says from when on records may be missing', () => {
  const before = withHeard(withHeard(opened(NEW_TAIL), heard(1, 7)), heard(6))
  assert.equal(before.lostAt, undefined)
  assert.equal(lost(before).lostAt, undefined, 'until it is open again it says that it is not')
  const after = withHeard(opened(lost(before)), heard(30, 9))
  assert.deepEqual([after.lostAt, after.readAt, after.skipped], [at(6), at(30), 3])
  assert.deepEqual(
    after.records.map(({ offset }) => offset),
    ['9', '7'],
  )
})

test('a stream that is lost again still says so from the first time on', () => {
  const once = withHeard(opened(lost(withHeard(opened(NEW_TAIL), heard(1)))), heard(10))
  assert.equal(opened(lost(once)).lostAt, at(1))
})

test('nothing was read while Kafka was away, so records may be missing from before that', () => {
  const away = withHeard(withHeard(opened(NEW_TAIL), heard(1)), heard(6, undefined, false))
  assert.equal(opened(lost(away)).lostAt, at(1))
})

test('what was never read before the stream was lost has no records that are missing', () => {
  assert.equal(opened(lost(opened(NEW_TAIL))).lostAt, undefined)
  const away = withHeard(opened(NEW_TAIL), heard(1, undefined, false))
  assert.equal(opened(lost(away)).lostAt, undefined)
})
