import { setTimeout as sleep } from 'node:timers/promises'
import { Base, Writer, initProducerIdV4, produceV9, type ClusterMetadata, type Connection } from '@platformatic/kafka'
import { within } from '@timesale/process/deadline'
import type { PartitionOffset } from './fetch.ts'
import { keyToPartition } from './partition.ts'
import { encodeRecordBatch, type OutgoingRecord } from './record-batch.ts'

/** The brokers did not confirm in time, or not as they should: it is not known which records are on the topic. */
export class SendFailed extends Error {
  override readonly name = 'SendFailed'
}

const SEND_DEADLINE_MS = 8_000
const CLOSE_DEADLINE_MS = 1_000
const CONNECT_TIMEOUT_MS = 2_000
const REQUEST_TIMEOUT_MS = 5_000
const METADATA_MAX_AGE_MS = 60_000
const IDENTIFY_ATTEMPTS = 10
const IDENTIFY_RETRY_MS = 200
const ACKS_ALL = -1
const NO_LEADER = -1
// Both are known to every broker since 2.7, and by the latest.
const PRODUCE_KEY = 0
const PRODUCE_VERSION = 9

interface Identity {
  readonly id: bigint
  readonly epoch: number
}

interface PartitionBatch {
  readonly topic: string
  readonly partition: number
  readonly records: OutgoingRecord[]
}

/**
 * An idempotent producer with acks=all that sends one batch at a time and gives up on it after 8 s. After a failure it
 * is of no more use: make a new one and send the same records again, in order.
 *
 * Uses the client library's connections and requests, and an encoder of its own: the library's Producer costs 16 µs a
 * record, this 3, and it retries for ever.
 */
export class OrderedProducer implements AsyncDisposable {
  readonly #client: Base
  readonly #lastOffsets = new Map<string, bigint>()
  readonly #sequences = new Map<string, number>()
  #identity: Identity | undefined
  #sending = false

  constructor(options: { clientId: string; brokers: readonly string[] }) {
    this.#client = new Base({
      clientId: options.clientId,
      bootstrapBrokers: [...options.brokers],
      autocreateTopics: false,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      retries: 2,
      retryDelay: 200,
      connectTimeout: CONNECT_TIMEOUT_MS,
      timeout: REQUEST_TIMEOUT_MS,
    })
    // Connection errors also reject the call they belong to; without a listener they would end the process.
    this.#client.on('error', () => undefined)
  }

  /**
   * Sends no more than a broker takes in one batch of a partition (1 MiB by default): the caller sees to that. Answers where
   * the first record of each partition has come to lie.
   */
  async send(records: readonly OutgoingRecord[]): Promise<PartitionOffset[]> {
    // Two sends at once could come in another order than they were begun.
    if (this.#sending) throw new Error('One send at a time')
    this.#sending = true
    try {
      return await confirmed(SEND_DEADLINE_MS, this.#send(records))
    } catch (error) {
      throw error instanceof SendFailed
        ? error
        : new SendFailed('The brokers did not confirm the records', { cause: error })
    } finally {
      this.#sending = false
    }
  }

  async close(): Promise<void> {
    // A client that lost its brokers may never finish closing; the process must not wait for it.
    await confirmed(CLOSE_DEADLINE_MS, this.#client.close()).catch(() => undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #send(records: readonly OutgoingRecord[]): Promise<PartitionOffset[]> {
    const topics = [...new Set(records.map(({ topic }) => topic))]
    const metadata = await this.#client.metadata({ topics })
    const byLeader = new Map<number, PartitionBatch[]>()
    for (const batch of toPartitions(records, metadata)) {
      const leader = metadata.topics.get(batch.topic)?.partitions[batch.partition]?.leader ?? NO_LEADER
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch])
    }
    const identity = await this.#identify([...byLeader.keys()][0] ?? NO_LEADER)
    const sent = [...byLeader].map(([leader, batches]) => this.#sendTo(leader, batches, identity))
    return (await Promise.all(sent)).flat()
  }

  async #sendTo(
    leader: number,
    batches: readonly PartitionBatch[],
    { id, epoch }: Identity,
  ): Promise<PartitionOffset[]> {
    const connection = await this.#connect(leader)
    const now = Date.now()
    const encoded = batches.map((batch) => {
      const { topic, partition, records } = batch
      const place = `${topic} ${partition}`
      const sequence = this.#sequences.get(place) ?? 0
      // Wraps around as the broker expects: 2^31 - 1 is followed by 0.
      this.#sequences.set(place, (sequence + records.length) % 2 ** 31)
      return { topic, partition, bytes: encodeRecordBatch(records, { id, epoch, sequence }, now) }
    })
    const answer = await produce(connection, encoded)
    return answer.responses.flatMap(({ name, partitionResponses }) =>
      partitionResponses.map(({ index, baseOffset }) => {
        this.#checkRising(`${name} ${index}`, baseOffset)
        return { topic: name, partition: index, offset: baseOffset }
      }),
    )
  }

  async #connect(node: number): Promise<Connection> {
    const connection = (await this.#client.connectToBrokers([node])).get(node)
    if (connection === undefined) throw new SendFailed('A partition has no leader')
    return connection
  }

  // One identity for all brokers; any of them gives it.
  async #identify(broker: number): Promise<Identity> {
    if (this.#identity !== undefined) return this.#identity
    const connection = await this.#connect(broker)
    for (let attempt = 1; this.#identity === undefined; attempt += 1) {
      try {
        const answer = await initProducerIdV4.api.async(connection, null, REQUEST_TIMEOUT_MS, -1n, -1)
        this.#identity = { id: answer.producerId, epoch: answer.producerEpoch }
      } catch (error) {
        // A broker that was just started has none to give for a moment.
        if (attempt >= IDENTIFY_ATTEMPTS) throw error
        await sleep(IDENTIFY_RETRY_MS)
      }
    }
    return this.#identity
  }

  #checkRising(partition: string, baseOffset: bigint): void {
    const last = this.#lastOffsets.get(partition)
    if (last !== undefined && baseOffset <= last) throw new SendFailed(`Acknowledged at an old offset: ${partition}`)
    this.#lastOffsets.set(partition, baseOffset)
  }
}

// Produce request v9: transactional_id acks timeout_ms [name [index records]].
function produce(
  connection: Connection,
  batches: readonly { topic: string; partition: number; bytes: Buffer }[],
): Promise<produceV9.ProduceResponse> {
  const byTopic = [...Map.groupBy(batches, ({ topic }) => topic)]
  const request = (): Writer =>
    Writer.create()
      .appendString(null)
      .appendInt16(ACKS_ALL)
      .appendInt32(REQUEST_TIMEOUT_MS)
      .appendArray(byTopic, (topicWriter, [topic, partitions]) => {
        topicWriter.appendString(topic).appendArray(partitions, (writer, { partition, bytes }) => {
          writer
            .appendInt32(partition)
            .appendUnsignedVarInt(bytes.length + 1)
            .append(bytes)
        })
      })
      .appendTaggedFields()
  return new Promise((resolve, reject) => {
    connection.send(PRODUCE_KEY, PRODUCE_VERSION, request, produceV9.parseResponse, true, true, (error, answer) => {
      if (error !== null && error !== undefined) reject(error)
      else resolve(answer as produceV9.ProduceResponse)
    })
  })
}

function toPartitions(records: readonly OutgoingRecord[], metadata: ClusterMetadata): Iterable<PartitionBatch> {
  const batches = new Map<string, PartitionBatch>()
  for (const record of records) {
    const count = metadata.topics.get(record.topic)?.partitionsCount ?? 1
    const partition = record.partition ?? partitionOf(record.key, count)
    const place = `${record.topic} ${partition}`
    const batch = batches.get(place)
    if (batch === undefined) batches.set(place, { topic: record.topic, partition, records: [record] })
    else batch.records.push(record)
  }
  return batches.values()
}

function partitionOf(key: OutgoingRecord['key'], count: number): number {
  return key === null ? 0 : keyToPartition(typeof key === 'string' ? Buffer.from(key, 'utf8') : key) % count
}

function confirmed<T>(ms: number, work: Promise<T>): Promise<T> {
  return within(ms, work, () => new SendFailed(`No answer from the brokers within ${ms} ms`))
}
