import { setTimeout as sleep } from 'node:timers/promises'
import type { LiveView, PartView, RushView } from '@timesale/contracts/console-api'
import type { ServiceTotals } from '@timesale/contracts/totals-api'
import { Changes } from './changes.ts'
import type { Happenings } from './happenings.ts'
import type { KafkaSight } from './kafka-watch.ts'
import { OrderPace } from './order-pace.ts'
import { Source, type Seen } from './source.ts'

/** Where a live view comes from. Each is asked about once a second, and may fail or hang without holding up another. */
export interface LiveSources {
  readonly parts: () => Promise<readonly PartView[]>
  readonly kafka: () => Promise<KafkaSight>
  /** By the names of services. */
  readonly totals: ReadonlyMap<string, () => Promise<ServiceTotals>>
  readonly isRedisReachable: () => boolean
  readonly rush: () => Promise<RushView | null>
}

const EVERY_MS = 1_000
/** A view waits so long for its sources; who answers later is in the next one. */
const PATIENCE_MS = 400
const LINGER_MS = 60_000
const ANSWER_MS = 2_000
const TOO_OLD_MS = 10_000

/** Gathers the live view, however many look, while somebody does and for a minute after. */
export class LiveWatch {
  readonly #happenings: Happenings
  readonly #isRedisReachable: () => boolean
  readonly #parts: Source<readonly PartView[]>
  readonly #kafka: Source<KafkaSight>
  readonly #rush: Source<RushView | null>
  readonly #totals: ReadonlyMap<string, Source<ServiceTotals>>
  readonly #sources: readonly Source<unknown>[]
  readonly #listeners = new Set<(view: LiveView) => void>()
  #pace = new OrderPace()
  #changes = new Changes()
  #wantedUntil = Number.NEGATIVE_INFINITY
  readonly #closed = new AbortController()
  #running: Promise<void> | undefined

  constructor({ happenings, ...from }: LiveSources & { readonly happenings: Happenings }) {
    this.#happenings = happenings
    this.#isRedisReachable = from.isRedisReachable
    this.#parts = new Source({ read: from.parts, withinMs: ANSWER_MS })
    this.#kafka = new Source({ read: from.kafka, withinMs: ANSWER_MS })
    this.#rush = new Source({ read: from.rush, withinMs: ANSWER_MS })
    this.#totals = new Map(
      [...from.totals].map(([name, read]) => [name, new Source({ read, withinMs: ANSWER_MS })] as const),
    )
    this.#sources = [this.#parts, this.#kafka, this.#rush, ...this.#totals.values()]
  }

  /** Each second, until the function that comes back is called. */
  listen(listener: (view: LiveView) => void): () => void {
    this.#listeners.add(listener)
    this.#want()
    return () => {
      this.#listeners.delete(listener)
      this.#want()
    }
  }

  /** What Kafka looked like a second ago, or when it last answered; undefined where it has not of late. */
  async kafka(): Promise<Seen<KafkaSight> | undefined> {
    const isFresh = this.#running !== undefined && this.#kafka.latest !== undefined
    this.#want()
    if (!isFresh) await this.#kafka.ask()
    return this.#kafka.latest
  }

  /** The same, without asking for it. */
  get latestKafka(): Seen<KafkaSight> | undefined {
    return this.#kafka.latest
  }

  close(): void {
    this.#closed.abort()
  }

  #want(): void {
    this.#wantedUntil = performance.now() + LINGER_MS
    if (!this.#closed.signal.aborted) this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    // What was seen when somebody last looked is no measure of what has changed since.
    this.#pace = new OrderPace()
    this.#changes = new Changes()
    const { signal } = this.#closed
    while (!signal.aborted && (this.#listeners.size > 0 || performance.now() < this.#wantedUntil)) {
      const next = performance.now() + EVERY_MS
      const asked = Promise.all(this.#sources.map((source) => source.ask()))
      await Promise.race([asked, sleep(PATIENCE_MS, undefined, { ref: false })])
      this.#tell(this.#view())
      await sleep(next - performance.now(), undefined, { signal }).catch(() => undefined)
    }
    this.#running = undefined
  }

  #tell(view: LiveView): void {
    for (const change of this.#changes.since(view)) this.#happenings.add(change)
    for (const listener of this.#listeners) listener(view)
  }

  #view(): LiveView {
    const [parts, kafka, rush] = [this.#parts.latest, this.#kafka.latest, this.#rush.latest]
    const at = new Date().toISOString()
    return {
      at,
      parts: parts === undefined ? null : { asOf: parts.asOf, list: [...parts.value] },
      topics: kafka === undefined ? null : { asOf: kafka.value.asOf, list: [...kafka.value.topics] },
      groups: kafka === undefined ? null : { asOf: kafka.value.asOf, list: [...kafka.value.groups] },
      orders: this.#orders(),
      stock: this.#stock(),
      outboxes: this.#outboxes(),
      redis: { asOf: at, reachable: this.#isRedisReachable() },
      rush: rush === undefined ? null : { asOf: rush.asOf, last: rush.value },
    }
  }

  #orders(): LiveView['orders'] {
    const seen = this.#totals.get('order')?.latest
    if (seen?.value.counted?.orders === undefined) return null
    this.#pace.note(readAt(seen, seen.value.counted.ageMs), seen.value.counted.orders)
    return this.#pace.latest
  }

  #stock(): LiveView['stock'] {
    const seen = this.#totals.get('stock')?.latest
    if (seen?.value.counted?.stock === undefined) return null
    const asOf = new Date(readAt(seen, seen.value.counted.ageMs)).toISOString()
    return { asOf, totals: seen.value.counted.stock }
  }

  #outboxes(): LiveView['outboxes'] {
    return [...this.#totals].flatMap(([service, { latest }]) => {
      const outbox = latest?.value.outbox
      // A service whose database is away goes on saying what it heard last.
      if (latest === undefined || outbox === undefined || outbox === null || outbox.ageMs > TOO_OLD_MS) return []
      const { ageMs, rows, events, oldestMs } = outbox
      const asOf = new Date(readAt(latest, ageMs)).toISOString()
      return [{ asOf, outbox: { service, rows, events, oldestSeconds: rows === 0 ? null : oldestMs / 1000 } }]
    })
  }
}

function readAt({ asOf }: Seen<unknown>, ageMs: number): number {
  return Date.parse(asOf) - ageMs
}
