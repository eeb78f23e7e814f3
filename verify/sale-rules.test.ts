import assert from 'node:assert/strict'
import { test } from 'node:test'
import { told, type OrderAccount, type ReservationAccount } from './accounts.ts'
import type { EventRecord } from './event-record.ts'
import { Rulebook } from './finding.ts'
import { SaleRules } from './sale-rules.ts'

const START = Date.parse('2026-05-01T10:00:00.000Z')
const END = Date.parse('2026-05-01T11:00:00.000Z')
const SALE = {
  saleId: 'S',
  priceMinor: 90,
  units: 5,
  limitPerBuyer: 2,
  startsAt: '2026-05-01T10:00:00Z',
  endsAt: '2026-05-01T20:00:00+09:00',
}
const TERMS = { saleId: 'S', units: 5, limitPerBuyer: 2 }

interface Ordered {
  readonly buyerId?: string
  readonly quantity?: number
  readonly state?: string
  readonly price?: number
  readonly placedAt?: number
  readonly terms?: object | undefined
  readonly refusedFor?: string
}

test('orders inside their sale, at its price and on its terms offend nobody', () => {
  assert.deepEqual(
    offencesOf([
      { quantity: 2 },
      { buyerId: 'lee', placedAt: START },
      { buyerId: 'park', quantity: 2, placedAt: END - 1, state: 'HELD' },
      { buyerId: 'park', state: 'RELEASED' },
      { buyerId: 'lee', state: 'REFUSED', refusedFor: 'sale-sold-out' },
      { state: 'REFUSED', refusedFor: 'buyer-limit' },
    ]),
    [],
  )
})

test('a sale that was changed is each of its versions, for window, price and terms', () => {
  const later = { ...SALE, priceMinor: 80, units: 9, startsAt: '2026-05-02T10:00:00Z', endsAt: '2026-05-02T11:00:00Z' }
  const { limitPerBuyer: _none, ...unlimited } = later
  const order = { price: 80, terms: { ...TERMS, units: 9 }, placedAt: Date.parse('2026-05-02T10:30:00Z') }
  assert.deepEqual(offencesOf([{}, order], { sales: [SALE, later] }), [])
  assert.deepEqual(
    offencesOf([{ ...order, quantity: 9, terms: { saleId: 'S', units: 9 } }], { sales: [unlimited] }),
    [],
  )
})

test('each order that is not as its sale was is named', () => {
  const window = (placedAt: number): string[] => offencesOf([{ placedAt }])
  assert.deepEqual(window(START - 1), [
    'orders of a sale were placed inside its window: order o-1 was placed at 2026-05-01T09:59:59.999Z, outside of sale S',
  ])
  assert.match(window(END).join(), /o-1 was placed at 2026-05-01T11:00:00.000Z/)
  assert.deepEqual(offencesOf([{ price: 91 }]), [
    'orders of a sale are at its price, on its terms: order o-1 of sale S: its price 91 is none of it',
  ])
  assert.match(offencesOf([{ terms: { ...TERMS, units: 6 } }]).join(), /6 units, 2 a buyer, are no terms of it/)
  assert.match(offencesOf([{ terms: { saleId: 'S', units: 5 } }]).join(), /5 units, Infinity a buyer, are no terms/)
  assert.match(offencesOf([{}], { sales: [] }).join(), /order o-1: P never had a sale S/)
  // Without terms in its event nothing allows its units either.
  assert.match(offencesOf([{ terms: undefined }]).join(), /its event says nothing of terms/)
  assert.match(offencesOf([{ terms: undefined }]).join(), /sale S of P: 1 units are taken, and there were 0/)
})

test('units beyond the sale, or beyond what a buyer may have, are counted', () => {
  assert.deepEqual(
    offencesOf([{ quantity: 2 }, { buyerId: 'lee', quantity: 2, state: 'HELD' }, { buyerId: 'park', quantity: 2 }]),
    ['no time sale is oversold: sale S of P: 6 units are taken, and there were 5'],
  )
  assert.deepEqual(offencesOf([{ quantity: 2 }, { state: 'HELD' }]), [
    'no buyer has more of a sale than they may: kim in sale S of P has 3 units, and may have 2',
  ])
})

test('whoever was refused although there was room is named, unless units came back since', () => {
  const refused = { state: 'REFUSED', quantity: 2 }
  assert.deepEqual(offencesOf([{}, { ...refused, buyerId: 'lee', refusedFor: 'sale-sold-out' }]), [
    'nobody was refused what a sale still had: order o-2 wanted 2 of 5, of which 1 were taken (sale-sold-out)',
  ])
  assert.deepEqual(offencesOf([{ buyerId: 'lee' }, { ...refused, refusedFor: 'buyer-limit' }]), [
    'nobody was refused what a sale still had: order o-2 wanted 2 of 2, of which 0 were taken (buyer-limit)',
  ])
  const back = { productId: 'P', saleId: 'S', buyerId: 'park', quantity: 4, at: START + 1_000, isReturn: true }
  const late = { ...refused, buyerId: 'lee', refusedFor: 'sale-sold-out' }
  assert.deepEqual(offencesOf([{}, late], { arrivals: [back] }), [])
  assert.equal(offencesOf([{}, late], { arrivals: [{ ...back, at: START - 60_000 }] }).length, 1)
  assert.equal(offencesOf([{}, late], { arrivals: [{ ...back, saleId: 'T' }] }).length, 1)
  assert.equal(offencesOf([{ ...refused, refusedFor: 'buyer-limit' }], { arrivals: [back] }).length, 1)
  assert.equal(
    offencesOf([{ ...refused, refusedFor: 'buyer-limit' }], { arrivals: [{ ...back, buyerId: 'kim' }] }).length,
    0,
  )
})

test('who is of no sale cannot be refused for one', () => {
  const rules = new Rulebook()
  const none = {
    orders: new Map(),
    reservations: new Map(),
    levels: new Map(),
    products: new Map(),
    shops: new Map(),
    settings: new Map(),
  }
  const sales = new SaleRules(none, [], rules)
  sales.take(eventOf('stock.rejected.v1', 'o-1', { reason: 'buyer-limit' }))
  sales.end()
  assert.match(JSON.stringify(rules.findings), /order o-1 was refused for buyer-limit and is of no time sale/)
})

function offencesOf(
  ordered: readonly Ordered[],
  {
    sales = [SALE],
    arrivals = [],
  }: { sales?: readonly object[]; arrivals?: ConstructorParameters<typeof SaleRules>[1] } = {},
): string[] {
  const orders = new Map<string, OrderAccount>()
  const reservations = new Map<string, ReservationAccount>()
  const events = sales.map((sale) => eventOf('product.changed.v1', 'P', { sale }))
  for (const [index, order] of ordered.entries()) {
    const orderId = `o-${index + 1}`
    const { buyerId = 'kim', quantity = 1, state = 'COMMITTED', price = 90, placedAt = START + 1, refusedFor } = order
    const terms = 'terms' in order ? order.terms : TERMS
    const about = { buyerId, productId: 'P', quantity, unitPriceMinor: price, currency: 'KRW', status: 'CONFIRMED' }
    orders.set(orderId, { ...told(2), ...about, sale: { saleId: 'S', placedAt }, endedAt: 0, noticed: true })
    reservations.set(orderId, { ...told(1), productId: 'P', quantity, state, sale: { saleId: 'S', buyerId } })
    events.push(eventOf('order.placed.v1', orderId, { ...(terms === undefined ? {} : { sale: terms }) }))
    if (refusedFor !== undefined) events.push(eventOf('stock.rejected.v1', orderId, { reason: refusedFor }))
  }
  const rules = new Rulebook()
  const accounts = {
    orders,
    reservations,
    levels: new Map(),
    products: new Map(),
    shops: new Map(),
    settings: new Map(),
  }
  const saleRules = new SaleRules(accounts, arrivals, rules)
  // Topics are read side by side: what came last may be heard first.
  for (const event of events.toReversed()) saleRules.take(event)
  saleRules.end()
  return rules.findings.flatMap(({ rule, offenders }) => offenders.map((offender) => `${rule}: ${offender}`))
}

function eventOf(type: string, aggregateId: string, data: EventRecord['data']): EventRecord {
  const time = new Date(START).toISOString()
  return { topic: '', partition: 0, offset: 0, source: '', type, aggregateId, version: 1, time, data }
}
