import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OrderPace } from './order-pace.ts'

test('a pace is of the last seconds; of counts that are far apart, of the last two', () => {
  const pace = new OrderPace()
  assert.equal(paceOf(pace), undefined)
  pace.note(0, totals(100))
  assert.equal(paceOf(pace), 0)
  for (let second = 1; second <= 20; second += 1)
    pace.note(second * 1_000, totals(second < 15 ? 100 : (second - 14) * 50 + 100))
  assert.equal(paceOf(pace), 50)
  pace.note(60_000, totals(800))
  assert.equal(paceOf(pace), (800 - 400) / 40)
  assert.equal(pace.latest?.asOf, '1970-01-01T00:01:00.000Z')
})

test('an older count of another instance changes nothing', () => {
  const pace = new OrderPace()
  pace.note(2_000, totals(20))
  pace.note(1_000, totals(10))
  assert.deepEqual([pace.latest?.totals.accepted, pace.latest?.acceptedPerSecond], [20, 0])
})

function paceOf(pace: OrderPace): number | undefined {
  return pace.latest?.acceptedPerSecond
}

function totals(accepted: number) {
  return { accepted, open: 0, confirmed: accepted, rejected: 0, cancelled: 0 }
}
