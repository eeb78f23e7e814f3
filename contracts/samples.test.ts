import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Compile } from 'typebox/compile'
import { createDecoder, type RawRecord } from '@timesale/kafka/decode'
import { eventHeaders } from '@timesale/testkit/records'
import { EVENTS } from './catalogue.ts'
import { fact, type EventDefinition } from './event.ts'
import { GROUPS, VIEW_GROUPS } from './topics.ts'

// samples/ holds what is on the topics for ever. A sample is never changed: a consumer that no longer accepts one could
// no longer read the topic from its beginning. Fields that came later have samples of their own.

// Loaded before the first test begins.
const READERS = { ...GROUPS, ...VIEW_GROUPS }
type Reader = keyof typeof READERS

const USES = Object.fromEntries(
  await Promise.all((Object.keys(READERS) as Reader[]).map(async (reader) => [reader, await usesOf(reader)] as const)),
) as Readonly<Record<Reader, readonly EventDefinition[]>>

test('every event has a sample, and every sample is of an event', () => {
  for (const { type } of EVENTS) assert.ok(FILES.includes(`${type}.json`), type)
  for (const file of FILES) assert.equal(EVENTS.filter(({ type }) => isSampleOf(file, type)).length, 1, file)
})

test('every sample is a record as the shop sends it', () => {
  for (const { definition, headers, key, value } of SAMPLES) {
    const told = fact(definition, { aggregateId: key, version: Number(headers['ce_aggregateversion']), data: value })

    const sent = Object.fromEntries(eventHeaders(told, new Date(headers['ce_time'] ?? ''), headers['traceparent']))

    const { traceparent: _sampleTrace, ...sampleRest } = headers
    const { traceparent: _sentTrace, ...sentRest } = sent
    assert.deepEqual(sampleRest, sentRest)
    assert.match(headers['traceparent'] ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  }
})

test('every sample fits the schema of its event, and without any one of the fields that each has it does not', () => {
  for (const { file, definition, value } of SAMPLES) {
    const schema = Compile(definition.schema)
    const required = readSample(`${definition.type}.json`).value

    assert.equal(schema.Check(value), true, file)
    for (const field of Object.keys(value)) {
      const { [field]: _left, ...rest } = value
      assert.equal(schema.Check(rest), !(field in required), `${file} without ${field}`)
    }
  }
})

test('a further sample of an event is there for a field that not every one has', () => {
  for (const { file, definition, value } of SAMPLES) {
    const required = readSample(`${definition.type}.json`).value
    if (file === `${definition.type}.json`) continue
    assert.ok(
      Object.keys(value).some((field) => !(field in required)),
      file,
    )
  }
})

test('every consumer accepts every sample of its topics, and knows the ones it uses', () => {
  eachSampleOfEachGroup((group, sample, decode) => {
    const decoded = decode(recordOf(sample))

    assert.ok('event' in decoded, `${group} refuses ${sample.file}`)
    const { event } = decoded
    assert.equal(event.definition, USES[group].includes(sample.definition) ? sample.definition : undefined)
    assert.deepEqual(event.data, sample.value)
  })
})

test('every consumer accepts samples with fields that a later producer may add', () => {
  eachSampleOfEachGroup((group, sample, decode) => {
    const decoded = decode(recordOf(sample, { addedLater: { any: ['thing', 1, null] } }))

    assert.ok('event' in decoded, `${group} refuses ${sample.file}`)
  })
})

test('every consumer uses only what its topics carry', () => {
  for (const [group, uses] of Object.entries(USES) as [Reader, readonly EventDefinition[]][]) {
    for (const { topic, type } of uses) {
      assert.ok((READERS[group] as readonly string[]).includes(topic), `${group} never hears ${type}`)
    }
  }
})

interface Sample {
  readonly headers: Readonly<Record<string, string>>
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface SampleOf extends Sample {
  readonly file: string
  readonly definition: EventDefinition
}

const FOLDER = join(import.meta.dirname, 'samples')
const FILES = readdirSync(FOLDER).toSorted()
const SAMPLES: readonly SampleOf[] = EVENTS.flatMap((definition) =>
  FILES.filter((file) => isSampleOf(file, definition.type)).map((file) => ({ ...readSample(file), file, definition })),
)

/** Each consumer exports what it uses as `<NAME>_USES`. */
async function usesOf(reader: Reader): Promise<readonly EventDefinition[]> {
  const consumer = (await import(`../services/${reader}/events/consumer.ts`)) as Record<string, unknown>
  const uses = consumer[`${reader.toUpperCase()}_USES`]
  assert.ok(Array.isArray(uses) && uses.length > 0, `${reader} says nowhere what it uses`)
  return uses as EventDefinition[]
}

/** `<type>.json` with the fields that each has, and `<type>.<what>.json` with others beside them. */
function isSampleOf(file: string, type: string): boolean {
  return file === `${type}.json` || (file.startsWith(`${type}.`) && /^[a-z-]+\.json$/.test(file.slice(type.length + 1)))
}

function readSample(file: string): Sample {
  return JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Sample
}

function recordOf({ definition, headers, key, value }: SampleOf, added: object = {}): RawRecord {
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
  check: (group: Reader, sample: SampleOf, decode: ReturnType<typeof createDecoder>) => void,
): void {
  for (const [group, topics] of Object.entries(READERS) as [Reader, readonly string[]][]) {
    const known = EVENTS.filter(({ topic }) => topics.includes(topic))
    // As the consumer makes it (packages/kafka/consumer.ts).
    const decode = createDecoder(known, USES[group])
    for (const sample of SAMPLES) if (known.includes(sample.definition)) check(group, sample, decode)
  }
}
