import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, before, test } from 'node:test'
import { Admin } from '@platformatic/kafka'
import { fact } from '@timesale/contracts/event'
import { OrderPlaced } from '@timesale/contracts/order-events'
import { DEFAULT_SETTINGS, type Settings } from '@timesale/contracts/settings'
import { SettingsChanged } from '@timesale/contracts/settings-events'
import type { ReceivedEvent } from '@timesale/kafka/decode'
import { TopicTail, type TopicTailOptions } from '@timesale/kafka/topic-tail'
import { PARTITIONS } from '@timesale/contracts/topics'
import { createLogger } from '@timesale/telemetry/logger'
import { orderTold } from '@timesale/testkit/events'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { produce, recordOf, type TestRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { SettingsFollower } from './follow-settings.ts'

// One broker for all: each test leaves it running, and goes on from the settings of the one before.

test('what was said before is heard, the newest version wins, and nothing else counts', async () => {
  await produce(infra.brokers, [
    told(2, { ordersOpen: false, limits: { orders: { points: 5, seconds: 1 } } }),
    { topic: 'settings-topic', key: 'shop', value: '{"ordersOpen":true}' },
    told(1, { ordersOpen: true, limits: {} }),
    told(2, { ordersOpen: true, limits: {} }),
    told(9, { ordersOpen: true, limits: {} }, 'another'),
  ])
  const follower = follow()
  assert.deepEqual(follower.current, DEFAULT_SETTINGS)

  await follower.caughtUp

  assert.deepEqual([follower.version, follower.current], [2, { ordersOpen: false, limits: { orders: ORDERS } }])
})

test('a change is heard while it runs, also one with limits that this version does not know', async () => {
  const follower = follow()
  await follower.caughtUp
  const limits = { browse: ORDERS, later: ORDERS }

  await produce(infra.brokers, [told(3, { ordersOpen: true, limits, outboxCapEvents: 10 })])

  await until('version 3', () => follower.version === 3)
  assert.deepEqual(follower.current, { ordersOpen: true, limits, outboxCapEvents: 10 })
})

test('without Kafka the last word stays; after it is back the next one is heard', async () => {
  const follower = follow()
  await follower.caughtUp
  const kafka = broker()
  await kafka.kill()
  const late = follow()
  try {
    await until('they see that the broker is gone', () => gone.has(follower) && gone.has(late))
    assert.deepEqual([follower.version, late.version, late.current], [3, 0, DEFAULT_SETTINGS])
  } finally {
    await kafka.start()
  }
  // A broker that has just begun may not lead yet.
  await until('it takes records', async () => {
    await produce(infra.brokers, [told(4, { ordersOpen: false, limits: {} })])
    return true
  })

  await until('version 4', () => follower.version === 4 && late.version === 4)
  assert.deepEqual(follower.current, { ordersOpen: false, limits: {} })
})

test('a broker that hangs is waited for, and stopping does not wait for it', async () => {
  const follower = follow()
  const doomed = follow()
  await Promise.all([follower.caughtUp, doomed.caughtUp])
  broker().signal('SIGSTOP')
  try {
    using stoodStill = monitorEventLoopDelay({ resolution: 10 })
    stoodStill.enable()
    const began = performance.now()
    await doomed.stop()
    const tookMs = performance.now() - began
    assert.ok(tookMs < 5_000 + stoodStill.max / 1e6, `${tookMs} ms`)
    assert.equal(follower.version, 4)
  } finally {
    broker().signal('SIGCONT')
  }

  await produce(infra.brokers, [told(5, { ordersOpen: true, limits: {} })])

  await until('version 5', () => follower.version === 5)
  assert.equal(doomed.version, 4)
})

test('a tail from the end hears only what comes, in the order of each partition, and only what it uses', async () => {
  const ids = Array.from({ length: 12 }, (_, index) => `order-${index}`)
  const placed = ids.map((orderId) => orderTold('placed', { orderId, productId: 'A001', quantity: 1 }))
  await produce(infra.brokers, placed)
  const heard: string[] = []
  const ended = tail({
    topics: ['order-topic'],
    from: 'end',
    onEvents: (events) => void heard.push(...namesOf(events)),
  })
  await ended.caughtUp
  assert.ok(ended.isCaughtUp)

  await produce(infra.brokers, [
    ...ids.map((orderId) => orderTold('confirmed', { orderId, productId: 'A001', quantity: 1 })),
    ...ids.map((orderId) => orderTold('placed', { orderId: `${orderId}-b`, productId: 'A001', quantity: 1 })),
    ...ids.map((orderId) =>
      orderTold('placed', { orderId: `${orderId}-b`, productId: 'A001', quantity: 1 }, { version: 2 }),
    ),
  ])

  await until('all are heard', () => heard.length === 24)
  for (const id of ids) {
    const own = heard.filter((name) => name.startsWith(`${id}-b.`))
    assert.deepEqual(own, [`${id}-b.1`, `${id}-b.2`])
  }
})

test('events that could not be taken come again, and none is left out', async () => {
  const heard = new Set<string>()
  let refusals = 0
  const beginning = tail({
    ...{ topics: ['order-topic'], from: 'beginning' },
    onEvents: async (events) => {
      await Promise.resolve()
      if (refusals++ < 3) throw new Error('not now')
      for (const name of namesOf(events)) heard.add(name)
    },
  })

  await beginning.caughtUp

  assert.equal(heard.size, 12 + 24)
  assert.ok(refusals > 3)
})

test('a topic that was made anew is read from its beginning', async () => {
  const heard: string[] = []
  const ended = tail({
    topics: ['order-topic'],
    from: 'end',
    onEvents: (events) => void heard.push(...namesOf(events)),
  })
  await ended.caughtUp
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [infra.brokers] })
  try {
    await admin.deleteTopics({ topics: ['order-topic'] })
    await until('it sees that the topic is gone', () => gone.has(ended))
    await admin.createTopics({ topics: ['order-topic'], partitions: PARTITIONS, replicas: 1 })
  } finally {
    await admin.close()
  }

  await until('it can be written to', async () => {
    await produce(infra.brokers, [orderTold('placed', { orderId: 'anew', productId: 'A001', quantity: 1 })])
    return true
  })

  await until('it is heard', () => heard.includes('anew.1'))
})

test('a topic that nobody has made yet is waited for', async () => {
  const nowhere = tail({ topics: ['order-topic', 'none' as 'order-topic'], from: 'end', onEvents: () => undefined })

  await until('it has tried', () => gone.has(nowhere))

  assert.equal(nowhere.isCaughtUp, false)
})

const ORDERS = { points: 5, seconds: 1 }
let infra: Infrastructure
const followers: (SettingsFollower | TopicTail)[] = []
/** Who has said that it cannot read. */
const gone = new Set<unknown>()

before(async () => {
  infra = await startInfrastructure({ databases: [], kafka: true })
})

after(async () => {
  await Promise.all(followers.map((follower) => follower.stop()))
  await infra[Symbol.asyncDispose]()
})

function follow(): SettingsFollower {
  const follower: SettingsFollower = new SettingsFollower({
    ...{ service: 'test', brokers: [infra.brokers] },
    logger: loggerOf(() => follower),
  }).start()
  followers.push(follower)
  return follower
}

function tail(options: Pick<TopicTailOptions, 'topics' | 'from' | 'onEvents'>): TopicTail {
  const made: TopicTail = new TopicTail({
    ...{ clientId: 'test', uses: [OrderPlaced], brokers: [infra.brokers], ...options },
    logger: loggerOf(() => made),
  })
  made.start()
  followers.push(made)
  return made
}

function loggerOf(whose: () => unknown): ReturnType<typeof createLogger> {
  const logger = createLogger({ service: 'test', level: 'silent' })
  logger.warn = () => void gone.add(whose())
  return logger
}

function broker(): NonNullable<ReturnType<Infrastructure['parts']['get']>> {
  const found = infra.parts.get('kafka-1')
  assert.ok(found !== undefined)
  return found
}

function told(version: number, settings: Settings, settingsId = 'shop'): TestRecord {
  return recordOf(fact(SettingsChanged, { aggregateId: settingsId, version, data: { settingsId, ...settings } }))
}

function namesOf(events: readonly ReceivedEvent[]): string[] {
  return events.map(({ aggregateId, version }) => `${aggregateId}.${version}`)
}
