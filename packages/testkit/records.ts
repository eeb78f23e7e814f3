import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { promisify } from 'node:util'
import { ProduceAcks, Producer } from '@platformatic/kafka'
import { eventId, type Fact } from '@timesale/contracts/event'
import { headerBytes, type StoredHeader } from '@timesale/kafka/headers'
import { keyToPartition } from '@timesale/kafka/partition'
import { endChild, isOver } from '@timesale/process/child'
import { nextTraceparent } from '@timesale/telemetry/trace'
import { consoleConsumer, headersOf, PrintedRecords, utf8, type PrintedRecord } from './console-consumer.ts'
import { until } from './until.ts'

export interface TestRecord {
  readonly topic: string
  readonly key?: string | Buffer | undefined
  readonly value?: string | Buffer | undefined
  readonly headers?: Readonly<Record<string, string | Buffer>> | undefined
  /** Where the key alone does not say it: of a record without one 0. */
  readonly partition?: number
}

/**
 * CloudEvents 1.0, Kafka protocol binding, binary mode: metadata in headers, the value is the data alone. What is on the
 * topics, said a second time: packages/kafka/outbox-lines.ts must come to the same.
 */
export function eventHeaders(fact: Fact, at: Date, traceparent: string | undefined): StoredHeader[] {
  return [
    ['ce_specversion', '1.0'],
    ['ce_type', fact.definition.type],
    ['ce_source', fact.definition.source],
    ['ce_id', eventId(fact.aggregateId, fact.version)],
    ['ce_subject', fact.aggregateId],
    ['ce_time', at.toISOString()],
    ['ce_aggregateversion', String(fact.version)],
    ['content-type', 'application/json'],
    ['traceparent', nextTraceparent(fact.traceparent ?? traceparent)],
  ]
}

/** A fact as the relay would send it. */
export function recordOf(fact: Fact, at = new Date()): TestRecord {
  const headers = eventHeaders(fact, at, fact.traceparent).map(headerBytes)
  return {
    topic: fact.definition.topic,
    key: fact.aggregateId,
    value: JSON.stringify(fact.data),
    headers: Object.fromEntries(headers.map(([name, value]) => [name.toString(), value.toString()])),
  }
}

/** Puts records on their topics, in order, past every service. */
export async function produce(
  brokers: string,
  records: readonly TestRecord[],
  options: { compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd' } = {},
): Promise<void> {
  const producer = new Producer({
    clientId: 'test',
    bootstrapBrokers: [brokers],
    retries: 5,
    retryDelay: 200,
  })
  try {
    for (const batch of batchesOf(records))
      await producer.send({
        // NOTE: here, since the client takes it in its constructor too and does nothing with it there.
        acks: ProduceAcks.ALL,
        compression: options.compression ?? 'none',
        messages: batch.map((record) => ({
          topic: record.topic,
          ...(record.key === undefined
            ? { partition: record.partition ?? 0 }
            : {
                key: Buffer.from(record.key),
                partition: record.partition ?? keyToPartition(Buffer.from(record.key)),
              }),
          ...(record.value === undefined ? {} : { value: Buffer.from(record.value) }),
          headers: new Map(
            Object.entries(record.headers ?? {}).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]),
          ),
        })),
      })
  } finally {
    await producer.close()
  }
}

/** Brokers take no more than 1 MiB in one batch of a partition. */
function batchesOf(records: readonly TestRecord[]): TestRecord[][] {
  const batches: TestRecord[][] = []
  let bytes = 0
  for (const record of records) {
    const own = Buffer.byteLength(record.value ?? '') + 500
    bytes += own
    if (batches.length === 0 || bytes > 500_000) {
      batches.push([])
      bytes = own
    }
    batches.at(-1)?.push(record)
  }
  return batches
}

export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly headers: Readonly<Record<string, string>>
  readonly key: string
  readonly value: string
  /** The value as it is, for values that are no text; null where there is none. */
  readonly bytes: Buffer | null
}

/**
 * Everything on a topic, read with Kafka's own console consumer: a fault of our client would hide itself. With `count`
 * it ends as soon as it has seen so many.
 */
export async function readTopic(brokers: string, topic: string, count?: number): Promise<ReadRecord[]> {
  const { file, args } = await consoleConsumer(brokers, topic, [
    ...['--timeout-ms', count === undefined ? '4000' : '10000'],
    ...(count === undefined ? [] : ['--max-messages', String(count)]),
  ])
  // Latin-1 keeps every byte, whatever the values are.
  const { stdout } = await promisify(execFile)(file, args, { maxBuffer: 1 << 28, encoding: 'latin1' })
  return new PrintedRecords().add(stdout).map(readRecord)
}

/** The same console consumer, kept open: for many looks at one topic. */
export class TopicTail implements AsyncDisposable {
  readonly #child: ChildProcess
  // By place: one that has lost its group, as after a crash of the broker, begins again at the beginning.
  readonly #records = new Map<string, ReadRecord>()
  #complaints = ''

  static async open(brokers: string, topic: string): Promise<TopicTail> {
    // It ends by itself where nobody is left to end it.
    const { file, args } = await consoleConsumer(brokers, topic, ['--timeout-ms', '120000'])
    return new TopicTail(spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] }))
  }

  private constructor(child: ChildProcess) {
    this.#child = child
    const printed = new PrintedRecords()
    child.stdout?.setEncoding('latin1').on('data', (text: string) => {
      for (const record of printed.add(text).map(readRecord)) {
        this.#records.set(`${record.partition}/${record.offset}`, record)
      }
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#complaints += text))
  }

  /** All so far, which are `count` at least. */
  async records(count: number): Promise<readonly ReadRecord[]> {
    await until(`the console consumer has read ${count} records`, () => {
      if (this.#records.size >= count) return true
      if (isOver(this.#child)) throw new Error(`It has ended after ${this.#records.size}. ${this.#complaints}`)
      return false
    })
    return [...this.#records.values()]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It has nothing to tidy up, and would take seconds to leave its group.
    await endChild(this.#child, 'SIGKILL')
  }
}

function readRecord(printed: PrintedRecord): ReadRecord {
  const bytes = printed.value === undefined ? null : Buffer.from(printed.value, 'latin1')
  return {
    partition: printed.partition,
    offset: printed.offset,
    headers: headersOf(printed.headers),
    key: printed.key === undefined ? 'null' : utf8(printed.key),
    value: bytes?.toString('utf8') ?? 'null',
    bytes,
  }
}
