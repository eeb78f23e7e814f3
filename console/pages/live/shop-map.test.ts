import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GROUPS, VIEW_GROUPS } from '@timesale/contracts/topics'
import { isService, readBy, readersOf, SERVICES, SHOWN_TOPICS, writersOf, writtenBy } from './shop-map.ts'

// One that somebody has added is drawn beside it: see otherParts and otherGroups.
test('every topic that a service of the picture reads is drawn', () => {
  const drawn = Object.entries({ ...GROUPS, ...VIEW_GROUPS }).filter(([group]) => isService(group))
  assert.ok(drawn.length >= 6)
  for (const [group, topics] of drawn) {
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
