import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuseSale, type Sale } from './sale.ts'

test('a sale is open from its start until just before its end', () => {
  for (const [nowMs, code] of [
    [STARTS - 1, 'sale-not-started'],
    [STARTS - 0.001, 'sale-not-started'],
    [STARTS, undefined],
    [STARTS + 1, undefined],
    [ENDS - 0.001, undefined],
    [ENDS, 'sale-ended'],
    [ENDS + 1, 'sale-ended'],
  ] as const)
    assert.equal(refuseSale(sale(), WISH, nowMs)?.code, code, String(nowMs))
})

test('whoever comes too early is told when to come, and finds it open if they wait so long', () => {
  for (const [nowMs, startsInMs] of [
    [STARTS - 1_500, 1_500],
    [STARTS - 0.25, 1],
    [STARTS - 1.5, 2],
  ] as const) {
    const refusal = refuseSale(sale(), WISH, nowMs)
    const about = { ...ABOUT, startsAt: '2026-11-21T09:00:00.000Z', startsInMs }
    assert.deepEqual(refusal?.about, about)
    assert.equal(refuseSale(sale(), WISH, nowMs + startsInMs), undefined)
  }
})

test('whoever comes too late is told since when, and how late', () => {
  const refusal = refuseSale(sale(), WISH, ENDS + 12.75)
  assert.deepEqual(refusal?.about, { ...ABOUT, endsAt: '2026-11-21T10:00:00.000Z', endedMsAgo: 12 })
})

test('an order above the limit of a buyer is refused, one of just as many is not; without a limit any may be had', () => {
  const limited = sale(2)
  assert.equal(refuseSale(limited, { ...WISH, quantity: 2 }, STARTS), undefined)
  assert.equal(refuseSale(sale(), { ...WISH, quantity: 1_000 }, STARTS), undefined)
  const refusal = refuseSale(limited, { ...WISH, quantity: 3 }, STARTS)
  assert.equal(refusal?.code, 'buyer-limit')
  const errors = [{ field: 'quantity', message: 'must be at most 2, the limit of a buyer in this sale' }]
  assert.deepEqual(refusal.about, { ...ABOUT, limitPerBuyer: 2, errors })
  assert.equal(refuseSale(limited, { ...WISH, quantity: 3 }, ENDS)?.code, 'sale-ended')
})

test('a window that is none is never open', () => {
  const none: Sale = { ...sale(), startsAtMs: ENDS, endsAtMs: STARTS }
  for (const nowMs of [STARTS - 1, STARTS, STARTS + 1, ENDS, ENDS + 1]) assert.ok(refuseSale(none, WISH, nowMs))
})

const STARTS = Date.parse('2026-11-21T09:00:00.000Z')
const ENDS = Date.parse('2026-11-21T10:00:00.000Z')
const WISH = { orderId: 'o-1', productId: 'A001', quantity: 1 }
const ABOUT = { orderId: 'o-1', accepted: false, productId: 'A001', saleId: 's-1' }

function sale(limitPerBuyer?: number): Sale {
  const terms = { saleId: 's-1', units: 10, ...(limitPerBuyer === undefined ? {} : { limitPerBuyer }) }
  return { terms, startsAtMs: STARTS, endsAtMs: ENDS }
}
