import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Settings } from '@timesale/contracts/settings'
import { changeSettings, etagOf, readIfMatch } from './settings.ts'

const ORDERS = { points: 5, seconds: 1 }
const BEFORE = { version: 3, ordersOpen: true, limits: { browse: ORDERS, orders: ORDERS }, outboxCapEvents: 10 }

test('a change is the next version, told as a whole', () => {
  const { settings, facts } = changeSettings(BEFORE, { ordersOpen: false, limits: {} }, [])

  assert.deepEqual(settings, { version: 4, ordersOpen: false, limits: {} })
  const [told, ...others] = facts
  assert.deepEqual([told?.aggregateId, told?.version, others], ['shop', 4, []])
  assert.deepEqual(told?.data, { settingsId: 'shop', ordersOpen: false, limits: {} })
})

test('what is the same, in whatever order, is no change', () => {
  const same: Settings = {
    outboxCapEvents: 10,
    limits: { orders: { seconds: 1, points: 5 }, browse: ORDERS },
    ordersOpen: true,
  }

  assert.deepEqual(changeSettings(BEFORE, same, []), { settings: BEFORE, facts: [] })
})

test('who has seen another version is refused, also where nothing would change', () => {
  for (const expected of [[[2]], [[]], [[3], [4]]]) {
    assert.throws(() => changeSettings(BEFORE, BEFORE, expected), { code: 'precondition-failed' })
  }
  assert.equal(changeSettings(BEFORE, { ordersOpen: false, limits: {} }, [[1, 3], [3]]).settings.version, 4)
})

test('an If-Match names versions by their strong tags', () => {
  assert.deepEqual(readIfMatch(etagOf(BEFORE)), [3])
  assert.deepEqual(readIfMatch('"1", W/"2","03" , "4", "x", ""'), [1, 4])
  assert.equal(readIfMatch('*'), undefined)
  assert.equal(readIfMatch(undefined), undefined)
})
