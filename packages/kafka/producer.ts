import { ProduceAcks, Producer } from '@platformatic/kafka'
import { within } from '@timesale/process/deadline'
import { keyToPartition } from './partition.ts'

/** One record to send; header order is kept. */
export interface OutgoingRecord {
  readonly topic: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [Buffer, Buffer])[]
}

/** The brokers did not confirm in time, or not as they should: it is not known which records are on the topic. */
export class SendFailed extends Error {
  override readonly name = 'SendFailed'
}

const SEND_DEADLINE_MS = 8_000
const CLOSE_DEADLINE_MS = 1_000

/**
 * An idempotent producer with acks=all that sends one batch at a time and gives up on it after 8 s; the library's own
 * would retry for ever. After a failure it is of no more use: make a new one and send the same records again, in order.
 */
export class OrderedProducer implements AsyncDisposable {
  readonly #producer: Producer<Buffer, Buffer, Buffer, Buffer>
  readonly #lastOffsets = new Map<string, bigint>()
  #sending = false

  constructor(options: { clientId: string; brokers: readonly string[] }) {
    this.#producer = new Producer<Buffer, Buffer, Buffer, Buffer>({
      clientId: options.clientId,
      bootstrapBrokers: [...options.brokers],
      idempotent: true,
      acks: ProduceAcks.ALL,
      autocreateTopics: false,
      retries: 2,
      retryDelay: 200,
      connectTimeout: 2_000,
      timeout: 5_000,
    })
    // Connection errors also reject the call they belong to; without a listener they would end the process.
    this.#producer.on('error', () => undefined)
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    // Two sends at once were all acknowledged and all but one dropped (platformatic/kafka#326).
    if (this.#sending) throw new Error('One send at a time')
    this.#sending = true
    try {
      const sent = this.#producer.send({
        messages: records.map((record) => ({
          topic: record.topic,
          ...(record.key === null ? {} : { key: record.key, partition: keyToPartition(record.key) }),
          ...(record.value === null ? {} : { value: record.value }),
          headers: new Map(record.headers),
        })),
      })
      const { offsets } = await confirmed(SEND_DEADLINE_MS, sent)
      for (const { topic, partition, offset } of offsets ?? []) this.#checkRising(`${topic} ${partition}`, offset)
    } catch (error) {
      throw error instanceof SendFailed
        ? error
        : new SendFailed('The brokers did not confirm the records', { cause: error })
    } finally {
      this.#sending = false
    }
  }

  async close(): Promise<void> {
    // A producer that lost its brokers may never finish closing; the process must not wait for it.
    await confirmed(CLOSE_DEADLINE_MS, this.#producer.close(true)).catch(() => undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #checkRising(partition: string, baseOffset: bigint): void {
    const last = this.#lastOffsets.get(partition)
    if (last !== undefined && baseOffset <= last) throw new SendFailed(`Acknowledged at an old offset: ${partition}`)
    this.#lastOffsets.set(partition, baseOffset)
  }
}

function confirmed<T>(ms: number, work: Promise<T>): Promise<T> {
  return within(ms, work, () => new SendFailed(`No answer from the brokers within ${ms} ms`))
}
