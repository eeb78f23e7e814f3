import { setTimeout as sleep } from 'node:timers/promises'
import { EVENTS } from '@timesale/contracts/catalogue'
import { OrderCancelled, OrderConfirmed, OrderPlaced, OrderRejected } from '@timesale/contracts/order-events'
import { ProductChanged } from '@timesale/contracts/product-events'
import { ShopChanged } from '@timesale/contracts/seller-events'
import { StockAnnounced, StockReleased, StockReserved } from '@timesale/contracts/stock-events'
import { VIEW_GROUPS } from '@timesale/contracts/topics'
import { rotated } from '@timesale/kafka/brokers'
import { createDecoder, type RawRecord, type Undecodable } from '@timesale/kafka/decode'
import { LogReader, OutsideTheLog } from '@timesale/kafka/log-reader'
import { RedisStoreUnavailable, type RedisStore } from '@timesale/redis/redis-store'
import { calmLog, type Logger } from '@timesale/telemetry/logger'
import { counter, type Registry } from '@timesale/telemetry/metrics'
import { applyChanges, type PartitionChanges } from '../redis/apply-changes.ts'
import { noteCluster, readState } from '../redis/generations.ts'
import { changeOf } from '../view.ts'

/** @public What checks of the contracts ask each consumer for, by its name. */
export const STOREFRONT_USES = [
  ProductChanged,
  ShopChanged,
  StockAnnounced,
  StockReserved,
  StockReleased,
  OrderPlaced,
  OrderConfirmed,
  OrderRejected,
  OrderCancelled,
]

/** Why a generation is followed no longer: it is not there, the log is another one, or what is stored cannot be added to. */
type End = 'gone' | 'other-log' | 'damaged'

/** One that follows a generation until it is stopped, or has an end. */
export interface Following {
  readonly end: End | undefined
  stop(): Promise<void>
}

export interface FollowerOptions {
  readonly store: RedisStore
  readonly brokers: readonly string[]
  readonly logger: Logger
  readonly registry: Registry
}

// So that a script holds up no reader for more than a few milliseconds.
const CHANGES_MAX = 200
const AT_ONCE = 3
const RETRY_MIN_MS = 50
const RETRY_MAX_MS = 2_000
const STOP_WITHIN_MS = 1_500

/** Makes what brings generations up to date from the topics, each from where Redis says that it stands. */
export function createFollower(options: FollowerOptions): (generation: string) => Following {
  const { registry, logger } = options
  const topics = VIEW_GROUPS.storefront
  const decode = createDecoder(
    EVENTS.filter(({ topic }) => (topics as readonly string[]).includes(topic)),
    STOREFRONT_USES,
  )
  const applied = counter(registry, 'view_records_total', 'Records that were applied to a view', [])
  const skipped = counter(registry, 'view_skipped_records_total', 'Records that are no events, by why', ['reason'])
  const complain = calmLog(logger, 'view: a record was skipped', 10)
  const skip = ({ reason, message, record: { topic, partition, offset } }: Undecodable): void => {
    skipped.inc({ reason })
    complain(() => ({ topic, partition, offset: Number(offset), reason, detail: message }))
  }
  const changes = (records: readonly RawRecord[]): Pick<PartitionChanges, 'changes' | 'newest'> => {
    const read = records.map(decode)
    for (const one of read) if ('dead' in one) skip(one.dead)
    const events = read.flatMap((one) => ('event' in one ? [one.event] : []))
    const newest = events.reduce((time, event) => Math.max(time, event.time.getTime()), 0)
    return {
      changes: events.map(changeOf).filter((change) => change !== undefined),
      newest: newest === 0 ? '' : new Date(newest).toISOString(),
    }
  }
  return (generation) => new Follower(generation, options, changes, (count) => applied.inc(count))
}

class Follower implements Following {
  readonly #generation: string
  readonly #options: FollowerOptions
  readonly #changes: (records: readonly RawRecord[]) => Pick<PartitionChanges, 'changes' | 'newest'>
  readonly #onApplied: (count: number) => void
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  #end: End | undefined

  constructor(
    generation: string,
    options: FollowerOptions,
    changes: (records: readonly RawRecord[]) => Pick<PartitionChanges, 'changes' | 'newest'>,
    onApplied: (count: number) => void,
  ) {
    this.#generation = generation
    this.#options = options
    this.#changes = changes
    this.#onApplied = onApplied
    this.#done = this.#run()
  }

  get end(): End | undefined {
    return this.#end
  }

  /** What is being applied is still applied; not waited for without end, since a broker may hang. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.race([this.#done, sleep(STOP_WITHIN_MS, undefined, { ref: false })])
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    for (let failures = 0; !signal.aborted && this.#end === undefined;) {
      try {
        await this.#session(failures, () => (failures = 0))
        // It has moved: another one follows it as well, and needs no company.
        await sleep(RETRY_MIN_MS, undefined, { signal })
      } catch (error) {
        if (signal.aborted) return
        failures += 1
        const waitMs = RETRY_MIN_MS + Math.random() * Math.min(RETRY_MIN_MS * 2 ** failures, RETRY_MAX_MS)
        const { logger } = this.#options
        logger.warn({ err: error, generation: this.#generation, failures, waitMs }, 'view: will read on')
        await sleep(waitMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  // From where Redis says it stands until something happens that makes that worth asking again.
  async #session(attempt: number, onProgress: () => void): Promise<void> {
    const { store, brokers } = this.#options
    const state = await readState(store, this.#generation)
    if (state === undefined) return this.#endAs('gone')
    const topics = VIEW_GROUPS.storefront
    await using reader = new LogReader({ clientId: 'storefront-view', brokers: rotated(brokers, attempt), topics })
    const cluster = await reader.clusterId()
    if (state.cluster !== '' && state.cluster !== cluster) return this.#endAs('other-log')
    if (state.cluster === '') await noteCluster(store, this.#generation, cluster)
    const firsts = new Map<string, bigint>()
    const positions = (await reader.bounds()).map(({ topic, partition, first }) => {
      const key = `${topic} ${partition}`
      firsts.set(key, first)
      return { topic, partition, offset: state.positions.get(key) ?? first }
    })
    reader.startAt(positions)
    const stands = new Map(positions.map(({ topic, partition, offset }) => [`${topic} ${partition}`, offset]))
    while (!this.#stop.signal.aborted && this.#end === undefined) {
      let fetched
      try {
        fetched = await reader.next()
      } catch (error) {
        if (error instanceof OutsideTheLog) return this.#endAs('other-log')
        throw error
      }
      onProgress()
      const records = Map.groupBy(fetched.records, ({ topic, partition }) => `${topic} ${partition}`)
      const batches = fetched.next.map(({ topic, partition, offset: to }) => {
        const key = `${topic} ${partition}`
        const batch = { topic, partition, from: stands.get(key) ?? 0n, first: firsts.get(key) ?? 0n, to }
        stands.set(key, to)
        return () => this.#apply(batch, records.get(key) ?? [])
      })
      // What was applied of a batch that failed is found out by asking Redis again, in the next session.
      if (!(await allOf(batches))) return
    }
  }

  /** In pieces, each of which moves the position. False where the view does not stand where the records begin. */
  async #apply(batch: Omit<PartitionChanges, 'changes' | 'newest'>, records: readonly RawRecord[]): Promise<boolean> {
    let { from } = batch
    for (let begin = 0; begin === 0 || begin < records.length; begin += CHANGES_MAX) {
      const following = records[begin + CHANGES_MAX]
      const to = following === undefined ? batch.to : following.offset
      const piece = records.slice(begin, begin + CHANGES_MAX)
      const outcome = await this.#store({ ...batch, from, to, ...this.#changes(piece) })
      if (outcome !== 'applied') {
        if (outcome !== 'moved') this.#endAs(outcome)
        return false
      }
      this.#onApplied(piece.length)
      from = to
    }
    return true
  }

  async #store(changes: PartitionChanges): Promise<'applied' | 'moved' | 'gone' | 'damaged'> {
    try {
      return await applyChanges(this.#options.store, this.#generation, changes)
    } catch (error) {
      if (error instanceof RedisStoreUnavailable) throw error
      // What lies under one of our names is not what we have put there. It may have been applied in part.
      this.#options.logger.error({ err: error, generation: this.#generation }, 'view: cannot be added to')
      return 'damaged'
    }
  }

  #endAs(end: End): void {
    this.#end = end
  }
}

/** A few at a time: Redis works off all that one connection has sent before it looks at the next, which may be a reader's. */
async function allOf(works: readonly (() => Promise<boolean>)[]): Promise<boolean> {
  for (let begin = 0; begin < works.length; begin += AT_ONCE) {
    const outcomes = await Promise.all(works.slice(begin, begin + AT_ONCE).map((work) => work()))
    if (outcomes.includes(false)) return false
  }
  return true
}
