import assert from 'node:assert/strict'
import { fact } from '@timesale/contracts/event'
import { test } from 'node:test'
import fc from 'fast-check'
import { EVENTS } from '@timesale/contracts/catalogue'
import { OrderConfirmed, OrderPlaced, type OrderAbout } from '@timesale/contracts/order-events'
import { createDecoder, type ReceivedEvent } from '@timesale/kafka/decode'
import { headerBytes } from '@timesale/kafka/headers'
import { eventHeaders } from '@timesale/testkit/records'
import { sumUp, type SalesOfBatch, type Sum } from './sales.ts'

test('what is confirmed counts by the minute of its own time and by product', () => {
  const { minutes, products } = sumUp([
    confirmed({ quantity: 2, unitPriceMinor: 1_000 }, '2026-03-01T12:00:00.000Z'),
    confirmed({ quantity: 1, unitPriceMinor: 500 }, '2026-03-01T12:00:59.999Z'),
    confirmed({ quantity: 5, unitPriceMinor: 1, productId: 'B002' }, '2026-03-01T12:01:00.000Z'),
  ])

  assert.deepEqual(minutes, [
    { by: '2026-03-01T12:00:00.000Z', currency: 'KRW', orders: 2, units: 3, revenueMinor: 2_500n },
    { by: '2026-03-01T12:01:00.000Z', currency: 'KRW', orders: 1, units: 5, revenueMinor: 5n },
  ])
  assert.deepEqual(products, [
    { by: 'A001', currency: 'KRW', orders: 2, units: 3, revenueMinor: 2_500n },
    { by: 'B002', currency: 'KRW', orders: 1, units: 5, revenueMinor: 5n },
  ])
})

test('currencies are never added to each other', () => {
  const { minutes, products } = sumUp([
    confirmed({ quantity: 1, unitPriceMinor: 7, currency: 'KRW' }),
    confirmed({ quantity: 1, unitPriceMinor: 9, currency: 'USD' }),
  ])

  for (const sums of [minutes, products]) {
    assert.deepEqual(
      sums.map(({ currency, revenueMinor }) => [currency, revenueMinor]),
      [
        ['KRW', 7n],
        ['USD', 9n],
      ],
    )
  }
})

test('an order that is only placed is counted as an event and sells nothing', () => {
  const { minutes, products, events } = sumUp([placed({}), placed({}), confirmed({})])

  assert.equal(minutes[0]?.orders, 1)
  assert.equal(products[0]?.orders, 1)
  assert.deepEqual(
    events.map(({ type, events }) => [type, events]),
    [
      ['order.placed.v1', 2],
      ['order.confirmed.v1', 1],
    ],
  )
})

test('revenue stays exact beyond what a number can hold', () => {
  const dear = { quantity: 1000, unitPriceMinor: 1_000_000_000_000 }
  const batch = [...Array.from({ length: 20 }, () => confirmed(dear)), confirmed({ quantity: 1, unitPriceMinor: 1 })]

  const { minutes, products } = sumUp(batch)

  assert.equal(minutes[0]?.revenueMinor, 20_000_000_000_000_001n)
  assert.equal(products[0]?.revenueMinor, 20_000_000_000_000_001n)
})

test('however events are cut into batches, the sums of the batches add up to a count by hand', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ order: orders, time: times, sold: fc.boolean() }), { maxLength: 30, size: '+1' }),
      fc.array(fc.nat({ max: 30 }), { maxLength: 5 }),
      (happened, points) => {
        const batch = happened.map(({ order, time, sold }) => (sold ? confirmed(order, time) : placed(order, time)))

        const sums = cutAt(batch, points).map(sumUp)

        const sold = happened.filter((one) => one.sold)
        assert.deepEqual(
          added(sums.flatMap(({ minutes }) => minutes)),
          byHand(sold.map(({ order, time }) => ({ ...order, by: `${time.slice(0, 16)}:00.000Z` }))),
        )
        assert.deepEqual(
          added(sums.flatMap(({ products }) => products)),
          byHand(sold.map(({ order }) => ({ ...order, by: order.productId }))),
        )
        assert.equal(countOf(sums, 'order.confirmed.v1'), sold.length)
        assert.equal(countOf(sums, 'order.placed.v1'), happened.length - sold.length)
      },
    ),
  )
})

test('within a batch each key stands once, so that one statement can add them all', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(orders, times), { maxLength: 20, size: '+1' }), (happened) => {
      const { minutes, products, events } = sumUp(happened.map(([order, time]) => confirmed(order, time)))

      for (const keys of [
        minutes.map(({ by, currency }) => `${by} ${currency}`),
        products.map(({ by, currency }) => `${by} ${currency}`),
        events.map(({ minute, type }) => `${minute} ${type}`),
      ]) {
        assert.equal(new Set(keys).size, keys.length)
      }
    }),
  )
})

const orders = fc.record(
  {
    productId: fc.constantFrom('A001', 'B002'),
    quantity: fc.integer({ min: 1, max: 1000 }),
    unitPriceMinor: fc.integer({ min: 0, max: 1_000_000_000_000 }),
    currency: fc.constantFrom('KRW', 'USD'),
  },
  { noNullPrototype: true },
)
const times = fc
  .date({ min: new Date('2026-03-01T23:58:00Z'), max: new Date('2026-03-02T00:02:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString())

function cutAt(batch: readonly ReceivedEvent[], points: readonly number[]): ReceivedEvent[][] {
  const at = [0, ...points.map((point) => Math.min(point, batch.length)).toSorted((a, b) => a - b), batch.length]
  return at.slice(1).map((end, index) => batch.slice(at[index], end))
}

/** What the database makes of the sums of several batches. */
function added(sums: readonly Sum[]): Record<string, [orders: number, units: number, revenueMinor: bigint]> {
  const all: Record<string, [number, number, bigint]> = {}
  for (const { by, currency, orders, units, revenueMinor } of sums) {
    const [o, u, r] = all[`${by} ${currency}`] ?? [0, 0, 0n]
    all[`${by} ${currency}`] = [o + orders, u + units, r + revenueMinor]
  }
  return all
}

function byHand(
  sold: readonly { by: string; currency: string; quantity: number; unitPriceMinor: number }[],
): Record<string, [number, number, bigint]> {
  const keys = [...new Set(sold.map(({ by, currency }) => `${by} ${currency}`))]
  return Object.fromEntries(
    keys.map((key) => {
      const its = sold.filter(({ by, currency }) => `${by} ${currency}` === key)
      const units = its.reduce((sum, { quantity }) => sum + quantity, 0)
      const revenue = its.reduce((sum, one) => sum + BigInt(one.quantity) * BigInt(one.unitPriceMinor), 0n)
      return [key, [its.length, units, revenue]]
    }),
  )
}

function countOf(sums: readonly SalesOfBatch[], type: string): number {
  return sums
    .flatMap(({ events }) => events)
    .filter((one) => one.type === type)
    .reduce((total, one) => total + one.events, 0)
}

function confirmed(order: Partial<OrderAbout>, time = '2026-03-01T12:00:30.000Z'): ReceivedEvent {
  return received(OrderConfirmed, 2, order, time)
}

function placed(order: Partial<OrderAbout>, time = '2026-03-01T12:00:30.000Z'): ReceivedEvent {
  return received(OrderPlaced, 1, order, time)
}

const decode = createDecoder(EVENTS, EVENTS)

/** The fact as a consumer gets it. */
function received(
  definition: typeof OrderPlaced | typeof OrderConfirmed,
  version: number,
  order: Partial<OrderAbout>,
  time: string,
): ReceivedEvent {
  const about = { orderId: 'o-1', buyerId: 'open', productId: 'A001', quantity: 1, unitPriceMinor: 1, currency: 'KRW' }
  const told = fact(definition, { aggregateId: 'o-1', version, data: { ...about, ...order } })
  const decoded = decode({
    topic: definition.topic,
    partition: 0,
    offset: 0n,
    timestamp: 0n,
    key: Buffer.from(told.aggregateId),
    value: Buffer.from(JSON.stringify(told.data)),
    headers: eventHeaders(told, new Date(time), undefined).map(headerBytes),
  })
  assert.ok('event' in decoded)
  return decoded.event
}
