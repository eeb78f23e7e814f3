import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topicSpecs } from '@timesale/contracts/topics'
import { aboutTopic } from './topic-kind.ts'

test('every topic of the shop is protected, and every playground topic is not', () => {
  for (const { name } of topicSpecs({ playground: false })) {
    const { kind, protected: isProtected, producers } = aboutTopic(name, false)
    assert.ok(isProtected, name)
    assert.equal(kind, name.endsWith('.dlq') ? 'dead-letter' : 'shop')
    assert.ok(producers.length === 1 || name === 'payment-topic', name)
  }
  const playground = topicSpecs({ playground: true }).slice(topicSpecs({ playground: false }).length)
  assert.equal(playground.length, 4)
  for (const name of [...playground.map((spec) => spec.name), 'play-a', 'play-'])
    assert.deepEqual(aboutTopic(name, false), { kind: 'playground', protected: false, producers: [], groups: [] })
})

test('what is Kafka’s own, or whose nobody knows, is protected', () => {
  for (const [name, isInternal, kind] of [
    ['__consumer_offsets', true, 'internal'],
    ['__share_group_state', false, 'internal'],
    ['play-internal', true, 'internal'],
    ['orders', false, 'other'],
    ['Play-a', false, 'other'],
    ['replay-a', false, 'other'],
    ['order-topic.stranger.dlq', false, 'other'],
    ['exam-topic2', false, 'other'],
  ] as const) {
    const about = aboutTopic(name, isInternal)
    assert.deepEqual([about.kind, about.protected], [kind, true], name)
  }
})

test('who writes a topic and who reads it is the contracts’', () => {
  const { producers, groups } = aboutTopic('stock-topic', false)
  assert.deepEqual([producers, groups], [['stock'], ['order', 'analytics', 'storefront']])
  assert.deepEqual(aboutTopic('order-topic.stock.dlq', false).producers, ['stock'])
  assert.deepEqual(aboutTopic('settings-topic', false).producers, ['account'])
})
