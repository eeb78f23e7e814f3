import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everyMinute, revenueOf } from './sales-by-minute.ts'

const sold = (minute: string, currency: string, orders: number) => ({
  ...{ minute: `2026-03-01T12:${minute}:00.000Z`, currency, orders },
  ...{ units: 2 * orders, revenueMinor: 100 * orders },
})
const at = (clock: string): number => Date.parse(`2026-03-01T12:${clock}.000Z`)

test('a minute in which nothing was sold is there as well, and currencies are counted together', () => {
  const minutes = everyMinute([sold('01', 'KRW', 3), sold('01', 'USD', 1)], at('00:30'), at('02:10'))
  assert.deepEqual(minutes, [
    { at: at('00:00'), orders: 0, units: 0 },
    { at: at('01:00'), orders: 4, units: 8 },
    { at: at('02:00'), orders: 0, units: 0 },
  ])
})

test('money is summed up by its currency', () => {
  const sums = revenueOf([sold('01', 'KRW', 3), sold('01', 'USD', 1), sold('02', 'KRW', 1)])
  assert.deepEqual(
    [...sums],
    [
      ['KRW', 400],
      ['USD', 100],
    ],
  )
})
