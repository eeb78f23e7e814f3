import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fact } from '@timesale/contracts/event'
import { StockAnnounced } from '@timesale/contracts/stock-events'
import { eventHeaders, headerBytes, storeHeader } from './headers.ts'

test('a fact becomes the headers of a CloudEvent in binary mode, with an id that follows from aggregate and version', () => {
  const { announced, at } = setup()

  const headers = Object.fromEntries(eventHeaders(announced, at, TRACEPARENT).map(([name, value]) => [name, value]))

  const { traceparent, ...rest } = headers
  assert.deepEqual(rest, {
    ce_specversion: '1.0',
    ce_type: 'stock.announced.v1',
    ce_source: '/stock/products',
    ce_id: 'A001.7',
    ce_subject: 'A001',
    ce_time: '2026-03-01T12:34:56.789Z',
    ce_aggregateversion: '7',
    'content-type': 'application/json',
  })
  assert.match(traceparent ?? '', /^00-4bf92f3577b34da6a3ce929d0e0e4736-/)
})

test('a fact that brings the trace of its own cause keeps it in a batch that has another', () => {
  const { announced, at } = setup()
  const own = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00'

  const traceparent = traceparentOf(eventHeaders({ ...announced, traceparent: own }, at, TRACEPARENT))

  assert.match(traceparent, /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/)
  assert.notEqual(traceparent, own)
})

test('a fact without any trace begins one', () => {
  const { announced, at } = setup()

  assert.match(traceparentOf(eventHeaders(announced, at, undefined)), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
})

test('any value of a header comes back byte for byte from how the outbox keeps it', () => {
  fc.assert(
    fc.property(fc.string(), fc.uint8Array(), (name, bytes) => {
      const value = Buffer.from(bytes)

      // Through JSON, as the outbox and parked_events write it.
      const stored = JSON.parse(JSON.stringify(storeHeader(Buffer.from(name), value))) as ReturnType<typeof storeHeader>

      assert.deepEqual(headerBytes(stored), [Buffer.from(name), value])
    }),
  )
})

test('text stays readable in the outbox, also in Korean, and only bytes that are no text become base64', () => {
  const name = Buffer.from('x')

  assert.deepEqual(storeHeader(name, Buffer.from('한국')), ['x', '한국'])
  assert.deepEqual(storeHeader(name, Buffer.from([0xff])), ['x', '/w==', 'base64'])
  assert.deepEqual(storeHeader(name, null), ['x', ''])
})

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

function traceparentOf(headers: ReturnType<typeof eventHeaders>): string {
  return headers.find(([name]) => name === 'traceparent')?.[1] ?? ''
}

function setup() {
  return {
    announced: fact(StockAnnounced, {
      aggregateId: 'A001',
      version: 7,
      data: { productId: 'A001', unitsOnSale: 100 },
    }),
    at: new Date('2026-03-01T12:34:56.789Z'),
  }
}
