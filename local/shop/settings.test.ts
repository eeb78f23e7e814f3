import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseSettings } from './settings.ts'

test('a first start has one broker and the usual ports', () => {
  assert.deepEqual(chooseSettings(undefined, {}, false), { portOffset: 0, brokers: 1 })
})

test('what was asked once is remembered, and a new wish goes first', () => {
  const remembered = { portOffset: 1000, brokers: 3 } as const
  assert.deepEqual(chooseSettings(remembered, {}, false), remembered)
  assert.deepEqual(chooseSettings(remembered, { portOffset: 0 }, false), { portOffset: 0, brokers: 3 })
})

test('the number of brokers of existing data stays, and the refusal says the ways out', () => {
  const remembered = { portOffset: 0, brokers: 1 } as const
  assert.throws(() => chooseSettings(remembered, { brokers: 3 }, false), /--brokers 1[^]*npm run reset[^]*--data/)
})

test('a Kafka of one’s own leaves the number of brokers open', () => {
  assert.deepEqual(chooseSettings(undefined, {}, true), { portOffset: 0 })
  assert.deepEqual(chooseSettings({ portOffset: 5, brokers: 3 }, {}, true), { portOffset: 5, brokers: 3 })
  assert.throws(() => chooseSettings(undefined, { brokers: 3 }, true), /KAFKA_BROKERS/)
})
