import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ProduceAcks, Producer } from '@platformatic/kafka'
import type { Fact } from '@timesale/contracts/event'
import { eventHeaders, headerBytes } from '@timesale/kafka/headers'
import { keyToPartition } from '@timesale/kafka/partition'
import { kafkaTool } from '@timesale/local/infrastructure/kafka'

export interface TestRecord {
  readonly topic: string
  readonly key?: string | undefined
  readonly value?: string | Buffer | undefined
  readonly headers?: Readonly<Record<string, string>>
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
export async function produce(brokers: string, records: readonly TestRecord[]): Promise<void> {
  const producer = new Producer({
    clientId: 'test',
    bootstrapBrokers: [brokers],
    acks: ProduceAcks.ALL,
    retries: 5,
    retryDelay: 200,
  })
  try {
    await producer.send({
      messages: records.map((record) => ({
        topic: record.topic,
        ...(record.key === undefined
          ? { partition: 0 }
          : { key: Buffer.from(record.key), partition: keyToPartition(Buffer.from(record.key)) }),
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

export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly headers: Readonly<Record<string, string>>
  readonly key: string
  readonly value: string
}

/** Everything on a topic, read with Kafka's own console consumer: a fault of our client would hide itself. */
export async function readTopic(brokers: string, topic: string): Promise<ReadRecord[]> {
  const { file, args } = await kafkaTool('console-consumer', [
    ...['--bootstrap-server', brokers, '--topic', topic, '--from-beginning', '--timeout-ms', '2500'],
    ...['print.partition', 'print.offset', 'print.headers', 'print.key'].flatMap((name) => [
      '--formatter-property',
      `${name}=true`,
    ]),
    ...['--formatter-property', 'key.separator=\u0001', '--formatter-property', 'headers.separator=\u0002'],
  ])
  const { stdout } = await promisify(execFile)(file, args, { maxBuffer: 1 << 28 })
  return stdout.split('\n').flatMap((line) => {
    const [partition, offset, headers, key, ...value] = line.split('\u0001')
    if (key === undefined || partition === undefined || offset === undefined || headers === undefined) return []
    return [
      {
        partition: Number(partition.replace('Partition:', '')),
        offset: Number(offset.replace('Offset:', '')),
        headers: Object.fromEntries(
          headers.split('\u0002').map((header) => {
            const colon = header.indexOf(':')
            return [header.slice(0, colon), header.slice(colon + 1)]
          }),
        ),
        key,
        value: value.join('\u0001'),
      },
    ]
  })
}
