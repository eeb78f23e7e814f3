import assert from 'node:assert/strict'
import { test } from 'node:test'
import { indentJson } from './indent-json.ts'

test('JSON that says the same when it is parsed and written again is indented as that', () => {
  for (const value of [
    { orderId: 'k1', lines: [{ quantity: 2, gift: false }, null], about: {}, none: [] },
    ['{"a":[1,2]}', 'a \\ b', '\\"', '"', 'tab\t, 한글: "x"', ''],
    [[], [[]], {}],
    'text',
    12,
    null,
  ])
    assert.equal(indentJson(JSON.stringify(value)), JSON.stringify(value, null, 2))
})

test('numbers and doubled keys stay as they are written', () => {
  const text = '{ "id":12345678901234567890,\n"price":1.10, "much":1e400, "id":-0, "\\u0041":"\\u0041" }'
  assert.equal(
    indentJson(text),
    [
      ...['{', '  "id": 12345678901234567890,', '  "price": 1.10,', '  "much": 1e400,'],
      ...['  "id": -0,', '  "\\u0041": "\\u0041"', '}'],
    ].join('\n'),
  )
})

test('what is no JSON, or nested deeper than anybody reads, is shown as it is', () => {
  for (const text of ['no JSON', '{"a":', '', `${'['.repeat(100_000)}${']'.repeat(100_000)}`])
    assert.equal(indentJson(text), text)
})
