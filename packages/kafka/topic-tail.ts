import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer } from '@platformatic/kafka'
import type { EventDefinition } from '@timesale/contracts/event'
import type { TopicName } from '@timesale/contracts/topics'
import { within } from '@timesale/process/deadline'
import { calmLog, type Logger } from '@timesale/telemetry/logger'
import { rotated } from './brokers.ts'
import { createDecoder, type Decoded, type RawRecord, type ReceivedEvent } from './decode.ts'
import { fetchRecords } from './fetch.ts'

export interface TopicTailOptions {
  /** How the brokers see it in their logs. */
  readonly clientId: string
  readonly topics: readonly TopicName[]
  readonly brokers: readonly string[]
  /** Everything that is there, or only what comes from now on. */
  readonly from: 'beginning' | 'end'
  /** The events that are handed on; all others are passed over. */
  readonly uses: readonly EventDefinition[]
  /**
   * Events in the order of their partition, some of them again after a fault: whoever keeps a state compares versions.
   * They must not be kept, since they hold the broker's whole answer; their data may. What throws is tried again.
   */
  readonly onEvents: (events: readonly ReceivedEvent[]) => void | Promise<void>
  readonly logger: Logger
  /** How long a fetch waits at the broker for something to come; an idle tail asks each leader this often. */
  readonly maxWaitMs?: number
}

interface Position {
  readonly topic: string
  readonly partition: number
  /** The next to fetch. */
  offset: bigint
  /** Where the partition ended when the tail had last to find its way. */
  end: bigint
}

interface Session {
  readonly client: Client
  readonly over: AbortController
  /** Leaders that have not answered yet. */
  readonly silent: Set<number>
}

const MAX_WAIT_MS = 250
const MAX_BYTES = 1024 * 1024
const ANSWER_WITHIN_MS = 5_000
const CLOSE_WITHIN_MS = 2_000
const BACKOFF_MIN_MS = 50
const BACKOFF_MAX_MS = 2_000
const READ_UNCOMMITTED = 0
const EARLIEST = -2n
const LATEST = -1n

/**
 * Reads topics without a group: every process that has one reads all of it, nobody shares, nothing is committed. For
 * what each process must hear (settings) or shows as it comes (a stream of events). Survives brokers that die, hang and
 * come back, and topics that are not there yet: it tries for ever, and goes on where it was.
 */
export class TopicTail {
  readonly #options: TopicTailOptions
  readonly #decode: (record: RawRecord) => Decoded
  readonly #passedOver: (fields: () => object) => void
  readonly #positions = new Map<string, Position>()
  readonly #stop = new AbortController()
  readonly #caughtUp = Promise.withResolvers<void>()
  #isCaughtUp = false
  #failures = 0
  #sessions = 0
  #done: Promise<void> = Promise.resolve()

  constructor(options: TopicTailOptions) {
    this.#options = options
    this.#decode = createDecoder(options.uses, options.uses)
    this.#passedOver = calmLog(options.logger, 'tail: a record that is no event was passed over', 1)
  }

  /** Resolves once everything was handed on that was there when the tail first reached the brokers. */
  get caughtUp(): Promise<void> {
    return this.#caughtUp.promise
  }

  get isCaughtUp(): boolean {
    return this.#isCaughtUp
  }

  start(): void {
    this.#done = this.#run()
  }

  /** What is handed on at this moment is finished, within two seconds; nothing comes after it. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.race([this.#done, sleep(CLOSE_WITHIN_MS, undefined, { ref: false })])
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#session()
      } catch (error) {
        if (signal.aborted) return
        if (this.#failures === 0) this.#options.logger.warn({ err: error }, 'tail: cannot read; tries until it can')
        this.#failures += 1
        const waitMs = Math.min(BACKOFF_MIN_MS * 2 ** this.#failures, BACKOFF_MAX_MS) * (0.5 + Math.random() / 2)
        await sleep(waitMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  /** As long as all goes well. What goes wrong ends it, and the next one looks anew who leads which partition. */
  async #session(): Promise<void> {
    const { clientId, topics, brokers } = this.#options
    // The client's class for everything that reads; without a group it is never joined with.
    const client = new Consumer<Buffer, Buffer, Buffer, Buffer>({
      clientId,
      groupId: clientId,
      bootstrapBrokers: rotated(brokers, this.#sessions++),
      autocommit: false,
      isolationLevel: READ_UNCOMMITTED,
      retries: 0,
      connectTimeout: 2_000,
      timeout: ANSWER_WITHIN_MS,
    })
    // Whatever it is, the request that waits hears of it.
    client.on('error', () => undefined)
    const over = new AbortController()
    const end = (): void => over.abort()
    this.#stop.signal.addEventListener('abort', end)
    try {
      const metadata = await answered(client.metadata({ topics: [...topics] }), 'metadata')
      await this.#findPositions(client)
      const byLeader = Map.groupBy(
        this.#positions.values(),
        ({ topic, partition }) => metadata.topics.get(topic)?.partitions[partition]?.leader ?? -1,
      )
      const session = { client, over, silent: new Set(byLeader.keys()) }
      const followed = await Promise.allSettled(
        [...byLeader].map(([node, positions]) => this.#follow(session, node, positions)),
      )
      // Only now is none of them at work any more, and another session can begin.
      for (const outcome of followed) if (outcome.status === 'rejected') throw outcome.reason
    } finally {
      this.#stop.signal.removeEventListener('abort', end)
      await within(CLOSE_WITHIN_MS, client.close(true), () => new Error('late')).catch(() => undefined)
    }
  }

  async #follow(session: Session, node: number, positions: readonly Position[]): Promise<void> {
    try {
      while (!session.over.signal.aborted) await this.#step(session, node, positions)
    } finally {
      session.over.abort()
    }
  }

  async #step({ client, over, silent }: Session, node: number, positions: readonly Position[]): Promise<void> {
    const maxWaitMs = this.#options.maxWaitMs ?? MAX_WAIT_MS
    const connection = (await answered(client.connectToBrokers([node]), 'a connection')).get(node)
    if (connection === undefined) throw new Error(`No broker ${node} is known`)
    const fetched = fetchRecords(connection, { maxWaitMs, maxBytes: MAX_BYTES, positions })
    const { records, next } = await answered(fetched, 'a fetch', maxWaitMs + ANSWER_WITHIN_MS)
    if (over.signal.aborted) return
    const events = records.flatMap((record) => this.#eventOf(record))
    if (events.length > 0) await this.#options.onEvents(events)
    for (const { topic, partition, offset } of next) {
      const position = this.#positions.get(`${topic} ${partition}`)
      if (position !== undefined) position.offset = offset
    }
    silent.delete(node)
    if (silent.size === 0) this.#noticeProgress()
  }

  #eventOf(record: RawRecord): ReceivedEvent[] {
    const decoded = this.#decode(record)
    if ('event' in decoded) return decoded.event.definition === undefined ? [] : [decoded.event]
    const { reason, message } = decoded.dead
    const { topic, partition, offset } = record
    this.#passedOver(() => ({ topic, partition, offset: String(offset), reason, detail: message }))
    return []
  }

  /** All leaders answer. */
  #noticeProgress(): void {
    if (this.#failures > 0) this.#options.logger.info('tail: reads again')
    this.#failures = 0
    if (this.#isCaughtUp || ![...this.#positions.values()].every(({ offset, end }) => offset >= end)) return
    this.#isCaughtUp = true
    this.#caughtUp.resolve()
  }

  async #findPositions(client: Client): Promise<void> {
    const { topics, from } = this.#options
    const offsets = (timestamp: bigint): Promise<Map<string, bigint[]>> =>
      answered(client.listOffsets({ topics: [...topics], timestamp }), 'offsets')
    const [earliest, latest] = await Promise.all([offsets(EARLIEST), offsets(LATEST)])
    for (const topic of topics) {
      for (const [partition, end] of (latest.get(topic) ?? []).entries()) {
        const first = earliest.get(topic)?.[partition] ?? 0n
        const known = this.#positions.get(`${topic} ${partition}`)?.offset ?? (from === 'beginning' ? first : end)
        // Outside where retention passed us, or the topic was made anew: then from the beginning, never from the end.
        const offset = known < first || known > end ? first : known
        this.#positions.set(`${topic} ${partition}`, { topic, partition, offset, end })
      }
    }
  }
}

type Client = Consumer<Buffer, Buffer, Buffer, Buffer>

function answered<T>(work: Promise<T>, what: string, ms = ANSWER_WITHIN_MS): Promise<T> {
  return within(ms, work, () => new Error(`No answer within ${ms} ms: ${what}`))
}
