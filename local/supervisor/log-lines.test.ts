import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calm } from './calm.ts'
import { readableLine } from './log-lines.ts'

test('a service’s line is told in words', () => {
  const line =
    '{"level":40,"time":"2026-11-21T09:25:36.123Z","service":"order","orderId":"7","attempt":2,"err":{"type":"Error","message":"no route"},"msg":"redis is slow"}'
  assert.deepEqual(readableLine(line, 'service'), {
    text: '09:25:36 warn redis is slow Error: no route orderId=7 attempt=2',
    important: true,
  })
})

test('only warnings and errors of a service are important', () => {
  const lines = [20, 30, 40, 50, 60].map((level) => JSON.stringify({ level, msg: 'x' }))
  assert.deepEqual(
    lines.map((line) => readableLine(line, 'service').important),
    [false, false, true, true, true],
  )
})

test('plain text of a service is important, that of a database is not', () => {
  assert.equal(readableLine('Error: boom', 'service').important, true)
  assert.equal(readableLine('', 'service').important, false)
  assert.equal(readableLine('LOG:  ready', 'database').important, false)
  assert.equal(readableLine('{"not":"pino"}', 'broker').text, '{"not":"pino"}')
})

test('the same complaint is let through once in five seconds, with the number held back', () => {
  let now = 0
  const seldom = calm(() => now)
  assert.equal(seldom('try 1 failed'), 'try 1 failed')
  assert.equal(seldom('try 2 failed'), undefined)
  assert.equal(seldom('another'), 'another')
  now = 4999
  assert.equal(seldom('try 3 failed'), undefined)
  now = 5000
  assert.equal(seldom('try 4 failed'), 'try 4 failed (and 2 more like it)')
  now = 20_000
  assert.equal(seldom('try 5 failed'), 'try 5 failed')
})
