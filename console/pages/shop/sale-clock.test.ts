import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countdown, saleAt } from './sale-clock.ts'

test('a countdown shows 0 when the time is over and not before', () => {
  assert.deepEqual([0, 1, 999, 1000, 1001].map(countdown), ['00:00', '00:01', '00:01', '00:01', '00:02'])
  assert.deepEqual([59_000, 60_000, 3_599_000, 3_600_000, 90_061_000].map(countdown), [
    ...['00:59', '01:00', '59:59', '1:00:00'],
    '25:01:01',
  ])
  assert.equal(countdown(-5), '00:00')
})

test('a sale is on from its beginning until just before its end', () => {
  const sale = { startsAt: '2026-03-01T12:00:00.000Z', endsAt: '2026-03-01T12:01:00.000Z' }
  const start = Date.parse(sale.startsAt)
  assert.deepEqual(
    [-1, 0, 59_999, 60_000].map((after) => saleAt(sale, start + after).state),
    ['upcoming', 'running', 'running', 'ended'],
  )
  assert.equal(saleAt(sale, start - 90_000).clock, '01:30')
  assert.equal(saleAt(sale, start + 30_000).clock, '00:30')
})
