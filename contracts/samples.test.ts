import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Compile } from 'typebox/compile'
import { createDecoder, type RawRecord } from '@timesale/kafka/decode'
import { eventHeaders } from '@timesale/testkit/records'
import { ANALYTICS_USES } from '../services/analytics/events/consumer.ts'
import { NOTIFICATION_USES } from '../services/notification/events/consumer.ts'
import { ORDER_USES } from '../services/order/events/consumer.ts'
import { PRODUCT_USES } from '../services/product/events/consumer.ts'
import { STOCK_USES } from '../services/stock/events/consumer.ts'
import { EVENTS } from './catalogue.ts'
import { fact, type EventDefinition } from './event.ts'
import { GROUPS, type Group } from './topics.ts'

// samples/ holds what is on the topics for ever. A sample is never changed: a consumer that no longer accepts one could
// no longer read the topic from its beginning.

test('every event has a sample, and every sample is of an event', () => {
  const files = readdirSync(SAMPLES).toSorted()

  assert.deepEqual(files, EVENTS.map(({ type }) => `${type}.json`).toSorted())
})

test('every sample is a record as the shop sends it', () => {
  for (const definition of EVENTS) {
    const { headers, key, value } = readSample(definition)
    const told = fact(definition, { aggregateId: key, version: Number(headers['ce_aggregateversion']), data: value })

    const sent = Object.fromEntries(eventHeaders(told, new Date(headers['ce_time'] ?? ''), headers['traceparent']))

    const { traceparent: _sampleTrace, ...sampleRest } = headers
    const { traceparent: _sentTrace, ...sentRest } = sent
    assert.deepEqual(sampleRest, sentRest)
    assert.match(headers['traceparent'] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  }
})

test('every sample fits the schema of its event, and without any one of its fields it does not', () => {
  for (const definition of EVENTS) {
    const { value } = readSample(definition)
    const schema = Compile(definition.schema)

    assert.equal(schema.Check(value), true, definition.type)
    for (const field of Object.keys(value)) {
      const { [field]: _left, ...rest } = value
      assert.equal(schema.Check(rest), false, `${definition.type} without ${field}`)
    }
  }
})

test('every consumer accepts every sample of its topics, and knows the ones it uses', () => {
  eachSampleOfEachGroup((group, definition, decode) => {
    const decoded = decode(recordOf(definition))

    assert.ok('event' in decoded, `${group} refuses ${definition.type}`)
    const { event } = decoded
    assert.equal(event.definition, USES[group].includes(definition) ? definition : undefined)
    assert.deepEqual(event.data, readSample(definition).value)
  })
})

test('every consumer accepts samples with fields that a later producer may add', () => {
  eachSampleOfEachGroup((group, definition, decode) => {
    const decoded = decode(recordOf(definition, { addedLater: { any: ['thing', 1, null] } }))

    assert.ok('event' in decoded, `${group} refuses ${definition.type}`)
  })
})

test('every consumer uses only what its topics carry', () => {
  for (const [group, uses] of Object.entries(USES) as [Group, readonly EventDefinition[]][]) {
    for (const { topic, type } of uses) {
      assert.ok((GROUPS[group] as readonly string[]).includes(topic), `${group} never hears ${type}`)
    }
  }
})

const SAMPLES = join(import.meta.dirname, 'samples')

const USES: Readonly<Record<Group, readonly EventDefinition[]>> = {
  order: ORDER_USES,
  stock: STOCK_USES,
  product: PRODUCT_USES,
  notification: NOTIFICATION_USES,
  analytics: ANALYTICS_USES,
}

interface Sample {
  readonly headers: Readonly<Record<string, string>>
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

function readSample({ type }: EventDefinition): Sample {
  return JSON.parse(readFileSync(join(SAMPLES, `${type}.json`), 'utf8')) as Sample
}

function recordOf(definition: EventDefinition, added: object = {}): RawRecord {
  const { headers, key, value } = readSample(definition)
  return {
    topic: definition.topic,
    partition: 0,
    offset: 0n,
    timestamp: 0n,
    key: Buffer.from(key),
    value: Buffer.from(JSON.stringify({ ...value, ...added })),
    headers: Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)]),
  }
}

function eachSampleOfEachGroup(
  check: (group: Group, definition: EventDefinition, decode: ReturnType<typeof createDecoder>) => void,
): void {
  for (const [group, topics] of Object.entries(GROUPS) as [Group, readonly string[]][]) {
    const known = EVENTS.filter(({ topic }) => topics.includes(topic))
    // As the consumer makes it (packages/kafka/consumer.ts).
    const decode = createDecoder(known, USES[group])
    for (const definition of known) check(group, definition, decode)
  }
}
