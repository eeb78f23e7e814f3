import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EVENTS } from '@timesale/contracts/catalogue'
import { fact, type Fact } from '@timesale/contracts/event'
import { OrderCancelled, OrderConfirmed, OrderPlaced, OrderRejected } from '@timesale/contracts/order-events'
import { StockReserved } from '@timesale/contracts/stock-events'
import { createDecoder, type ReceivedEvent } from '@timesale/kafka/decode'
import { headerBytes } from '@timesale/kafka/headers'
import { eventHeaders } from '@timesale/testkit/records'
import { noticeOf } from './notice.ts'

test('a buyer is told once of each outcome, at the time that the event gives', () => {
  const { about, at } = setup()
  const outcomes = [
    [fact(OrderConfirmed, { aggregateId: 'o-1', version: 2, data: about }), 'CONFIRMED'],
    [fact(OrderRejected, { aggregateId: 'o-1', version: 2, data: { ...about, reason: 'sold-out' } }), 'REJECTED'],
    [fact(OrderCancelled, { aggregateId: 'o-1', version: 2, data: { ...about, reason: 'buyer' } }), 'CANCELLED'],
  ] as const

  for (const [outcome, kind] of outcomes) {
    assert.deepEqual(noticeOf(received(outcome, at)), { orderId: 'o-1', buyerId: 'b-1', kind, at })
  }
})

test('nobody is told of an order that is only placed, or of what happens to stock', () => {
  const { about, at } = setup()
  const { orderId, productId, quantity } = about

  assert.equal(noticeOf(received(fact(OrderPlaced, { aggregateId: 'o-1', version: 1, data: about }), at)), undefined)
  assert.equal(
    noticeOf(
      received(fact(StockReserved, { aggregateId: 'o-1', version: 1, data: { orderId, productId, quantity } }), at),
    ),
    undefined,
  )
})

/** The fact as a consumer gets it. */
function received(told: Fact, at: Date): ReceivedEvent {
  const decoded = createDecoder(
    EVENTS,
    EVENTS,
  )({
    topic: told.definition.topic,
    partition: 0,
    offset: 0n,
    timestamp: 0n,
    key: Buffer.from(told.aggregateId),
    value: Buffer.from(JSON.stringify(told.data)),
    headers: eventHeaders(told, at, undefined).map(headerBytes),
  })
  assert.ok('event' in decoded)
  return decoded.event
}

function setup() {
  const about = {
    orderId: 'o-1',
    buyerId: 'b-1',
    productId: 'A001',
    quantity: 2,
    unitPriceMinor: 12_900,
    currency: 'KRW',
  }
  return { about, at: new Date('2026-03-01T12:34:56.789Z') }
}
