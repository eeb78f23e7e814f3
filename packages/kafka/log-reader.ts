import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import { within } from '@timesale/process/deadline'
import { fetchRecords, type FetchedRecords, type PartitionOffset } from './fetch.ts'
import { hasApiId } from './protocol-error.ts'

export interface LogReaderOptions {
  readonly clientId: string
  readonly brokers: readonly string[]
  readonly topics: readonly string[]
}

/** What there is of a partition: `end` is one past its last record. */
export interface PartitionBounds {
  readonly topic: string
  readonly partition: number
  readonly first: bigint
  readonly end: bigint
}

/** The log does not hold what was asked for: retention has passed it, or it is another log by the same name. */
export class OutsideTheLog extends Error {
  override readonly name = 'OutsideTheLog'
}

interface Read {
  readonly node: number
  readonly fetched?: FetchedRecords
  readonly error?: unknown
}

const ANSWER_MS = 5_000
const FETCH_WAIT_MS = 100
const FETCH_MAX_BYTES = 1024 * 1024
const FETCH_DEADLINE_MS = 10_000
// While much comes in, fetches begin this far apart, so that a batch is worth what it costs to apply.
const FETCH_GAP_MS = 20
const FULL_BATCH_RECORDS = 500
const EARLIEST = -2n
const LATEST = -1n
const OFFSET_OUT_OF_RANGE = 'OFFSET_OUT_OF_RANGE'

/**
 * Reads whole topics from given positions on, without a group: for a reader whose positions are kept with what it makes
 * of the records. Every call is bounded; after an error a new reader must be made.
 */
export class LogReader implements AsyncDisposable {
  readonly #options: LogReaderOptions
  readonly #admin: Admin
  readonly #inFlight = new Map<number, Promise<Read>>()
  readonly #fetches = new Map<number, { readonly began: number; readonly wasFull: boolean }>()
  #positions = new Map<string, PartitionOffset>()

  constructor(options: LogReaderOptions) {
    this.#options = options
    this.#admin = new Admin({
      clientId: options.clientId,
      bootstrapBrokers: [...options.brokers],
      retries: 1,
      retryDelay: 200,
      connectTimeout: 2_000,
      timeout: ANSWER_MS,
    })
    // The next call hears of it.
    this.#admin.on('error', () => undefined)
  }

  /** The id that a cluster was given when its storage was made. */
  async clusterId(): Promise<string> {
    return (await this.#metadata()).id
  }

  /** Of all partitions; `first` is the first record from `since` on (of the log, where left out), or `end`. */
  async bounds(since?: Date): Promise<PartitionBounds[]> {
    const metadata = await this.#metadata()
    const partitionsOf = (topic: string): number[] =>
      Array.from({ length: metadata.topics.get(topic)?.partitionsCount ?? 0 }, (_, partition) => partition)
    const ask = async (timestamp: bigint): Promise<Map<string, bigint>> => {
      const topics = this.#options.topics.map((name) => ({
        name,
        partitions: partitionsOf(name).map((partitionIndex) => ({ partitionIndex, timestamp })),
      }))
      const listed = await answered(ANSWER_MS, this.#admin.listOffsets({ topics }), 'offsets')
      return new Map(
        listed.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex, offset }) => [`${name} ${partitionIndex}`, offset] as const),
        ),
      )
    }
    const [first, end] = await Promise.all([ask(since === undefined ? EARLIEST : BigInt(since.getTime())), ask(LATEST)])
    return this.#options.topics.flatMap((topic) =>
      partitionsOf(topic).map((partition) => {
        const key = `${topic} ${partition}`
        const last = end.get(key) ?? 0n
        const from = first.get(key) ?? 0n
        // Nothing is as new as that.
        return { topic, partition, first: from < 0n ? last : from, end: last }
      }),
    )
  }

  /** Where `next` goes on. Once, before the first. */
  startAt(positions: readonly PartitionOffset[]): void {
    this.#positions = new Map(positions.map((position) => [keyOf(position), position]))
  }

  /**
   * What one of the brokers has of its partitions, in the order of each; nothing after 100 ms without any. The following
   * fetch is then on its way. Throws OutsideTheLog.
   */
  async next(): Promise<FetchedRecords> {
    await this.#startFetches()
    const { node, fetched, error } = await Promise.race(this.#inFlight.values())
    this.#inFlight.delete(node)
    if (fetched === undefined) {
      if (hasApiId(error, OFFSET_OUT_OF_RANGE))
        throw new OutsideTheLog('A position is outside the log', { cause: error })
      throw error
    }
    for (const position of fetched.next) this.#positions.set(keyOf(position), position)
    await this.#startFetches()
    return fetched
  }

  /** Lets everybody see how far a group is that has no members. */
  async commit(group: string, positions: readonly PartitionOffset[]): Promise<void> {
    const topics = [...Map.groupBy(positions, ({ topic }) => topic)].map(([name, partitions]) => ({
      name,
      partitionOffsets: partitions.map(({ partition, offset }) => ({ partition, offset })),
    }))
    await answered(ANSWER_MS, this.#admin.alterConsumerGroupOffsets({ groupId: group, topics }), 'a commit')
  }

  async close(): Promise<void> {
    await answered(1_000, this.#admin.close(), 'closing').catch(() => undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #startFetches(): Promise<void> {
    const metadata = await this.#metadata()
    const byLeader = Map.groupBy(this.#positions.values(), ({ topic, partition }) => {
      return metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1
    })
    for (const [node, positions] of byLeader) {
      if (!this.#inFlight.has(node)) this.#inFlight.set(node, this.#fetch(node, positions))
    }
    if (this.#inFlight.size === 0) throw new Error('There is nothing to read')
  }

  async #fetch(node: number, positions: readonly PartitionOffset[]): Promise<Read> {
    const last = this.#fetches.get(node)
    const waitMs = last === undefined || last.wasFull ? 0 : last.began + FETCH_GAP_MS - performance.now()
    if (waitMs >= 1) await sleep(waitMs)
    const began = performance.now()
    try {
      if (this.#admin.closed) throw new Error('The reader is closed')
      const connection = (await this.#admin.connectToBrokers([node])).get(node)
      if (connection === undefined) throw new Error(`No broker ${node} is known`)
      const asked = fetchRecords(connection, { maxWaitMs: FETCH_WAIT_MS, maxBytes: FETCH_MAX_BYTES, positions })
      const fetched = await answered(FETCH_DEADLINE_MS, asked, 'a fetch')
      this.#fetches.set(node, { began, wasFull: fetched.records.length >= FULL_BATCH_RECORDS })
      return { node, fetched }
    } catch (error) {
      return { node, error }
    }
  }

  #metadata(): ReturnType<Admin['metadata']> {
    return answered(ANSWER_MS, this.#admin.metadata({ topics: [...this.#options.topics] }), 'metadata')
  }
}

function keyOf({ topic, partition }: PartitionOffset): string {
  return `${topic} ${partition}`
}

function answered<T>(ms: number, work: Promise<T>, what: string): Promise<T> {
  return within(ms, work, () => new Error(`No answer from Kafka within ${ms} ms: ${what}`))
}
