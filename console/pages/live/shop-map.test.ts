import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GROUPS, VIEW_GROUPS } from '@timesale/contracts/topics'
import { isService, readBy, readersOf, SERVICES, SHOWN_TOPICS, writersOf, writtenBy } from './shop-map.ts'

test('every group of the shop is of a service that is drawn, and every topic that it reads is drawn', () => {
  for (const [group, topics] of Object.entries({ ...GROUPS, ...VIEW_GROUPS })) {
    assert.ok(isService(group), group)
    assert.deepEqual(new Set(readBy(group)), new Set(topics), group)
  }
})

test('each topic that is drawn has one writer, and somebody reads it', () => {
  for (const topic of SHOWN_TOPICS) {
    assert.equal(writersOf(topic).length, 1, topic)
    assert.ok(readersOf(topic).length > 0, topic)
  }
  assert.deepEqual(writersOf('stock-topic'), ['stock'])
  assert.deepEqual(writtenBy('order'), ['order-topic'])
})

test('who neither reads nor writes has no topics', () => {
  assert.deepEqual([readBy('gateway'), writtenBy('gateway'), readBy('nobody')], [[], [], []])
  assert.ok(SERVICES.every((service) => !service.includes('-')))
})
