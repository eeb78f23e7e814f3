import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RawRecord } from '@timesale/kafka/decode'
import { stockReserved } from '@timesale/testkit/events'

import { recordViews } from './record-view.ts'

test('an event is shown as a consumer reads it', () => {
  const { key = '', value = '', headers = {} } = stockReserved({ orderId: 'o-1', productId: 'A001', quantity: 1 })
  const view = show({
    topic: 'stock-topic',
    key: Buffer.from(key),
    value: Buffer.from(value),
    headers: Object.entries(headers).map(([name, told]) => [Buffer.from(name), Buffer.from(told)] as const),
  })
  assert.deepEqual(view.event, {
    type: 'stock.reserved.v1',
    source: '/stock/reservations',
    aggregateId: 'o-1',
    version: 1,
  })
  assert.equal(view.problem, null)
  assert.equal(view.key?.text, 'o-1')
  assert.deepEqual(view.headers[0], { name: 'ce_specversion', value: { encoding: 'utf8', text: '1.0', bytes: 3 } })
  assert.deepEqual([view.offset, view.at], ['9007199254740993', '2026-01-01T00:00:00.000Z'])
})

test('what is no event says why', () => {
  assert.match(show({ value: Buffer.from('hello') }).problem ?? '', /^no-headers: .* has no CloudEvents headers$/)
  assert.equal(show({}).event, null)
})

test('what is missing is null, and what is empty is not', () => {
  const { key, value, headers } = show({ key: Buffer.alloc(0), headers: [[Buffer.from('a'), null]] })
  assert.deepEqual(key, { encoding: 'utf8', text: '', bytes: 0 })
  assert.equal(value, null)
  assert.deepEqual(headers, [{ name: 'a', value: null }])
})

test('bytes that are no text come as base64, and tell their length', () => {
  const { value } = show({ value: Buffer.from([0, 255, 254]) })
  assert.deepEqual(value, { encoding: 'base64', text: 'AP/+', bytes: 3 })
  const long = show({ value: Buffer.alloc(100, 255) }, 9).value
  assert.equal(Buffer.from(long?.text ?? '', 'base64').length, 9)
  assert.equal(long?.bytes, 100)
})

test('a long text is cut between two letters', () => {
  const text = '가나다라'
  for (const [cut, expected] of [
    [1, ''],
    [3, '가'],
    [5, '가'],
    [6, '가나'],
    [11, '가나다'],
    [12, text],
    [99, text],
  ] as const) {
    const { value } = show({ value: Buffer.from(text) }, cut)
    assert.deepEqual(value, { encoding: 'utf8', text: expected, bytes: 12 }, `${cut}`)
  }
  assert.equal(show({ value: Buffer.from('\ufeffa') }).value?.text, '\ufeffa')
})

test('a stamp that is no time is none', () => {
  for (const timestamp of [-1n, 2n ** 62n]) assert.equal(show({ timestamp }).at, '1970-01-01T00:00:00.000Z')
})

function show(record: Partial<RawRecord>, cutBytes = 1_000): ReturnType<ReturnType<typeof recordViews>> {
  const stamped = { offset: 2n ** 53n + 1n, timestamp: BigInt(Date.UTC(2026, 0, 1)) }
  const empty = { topic: 'play-a', partition: 0, ...stamped, key: null, value: null, headers: [] }
  return recordViews(cutBytes)({ ...empty, ...record })
}
