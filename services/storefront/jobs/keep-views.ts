import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { VIEW_GROUPS } from '@timesale/contracts/topics'
import { rotated } from '@timesale/kafka/brokers'
import { LogReader, type PartitionBounds } from '@timesale/kafka/log-reader'
import type { RedisStore } from '@timesale/redis/redis-store'
import type { Logger } from '@timesale/telemetry/logger'
import { gauge, type Registry } from '@timesale/telemetry/metrics'
import { lagOf, Levels } from '../level.ts'
import {
  beginGeneration,
  deleteOldGenerations,
  giveUpGeneration,
  keepGenerations,
  leaveGenerations,
  noteLook,
  readState,
  serveNext,
  type GenerationState,
  type Generations,
} from '../redis/generations.ts'

/** One that brings a generation up to date until it is stopped, or cannot go on. */
interface Following {
  readonly end: 'gone' | 'other-log' | 'damaged' | undefined
  stop(): Promise<void>
}

export interface ViewKeeperOptions {
  readonly store: RedisStore
  readonly brokers: readonly string[]
  readonly logger: Logger
  readonly registry: Registry
  readonly follow: (generation: string) => Following
}

const EVERY_MS = 400
const WHILE_BUILDING_EVERY_MS = 100
// A view that is built while much comes in is always a little behind; from here on it has caught up in a moment.
const SERVED_FROM_LAG = 2_000
const SWAP_WITHIN_MS = 2_000
const SWAP_TRY_EVERY_MS = 10

/**
 * Keeps the views in Redis: of all instances one has a lease, follows the generation that is served and the one that is
 * being built, serves the latter when it has caught up, and deletes the former. Begins anew where nothing is served or
 * what is served cannot be followed. The lease only spares work: two keepers apply everything once all the same
 * (apply-changes.ts), and only the newest decision of Redis counts.
 */
export class ViewKeeper {
  readonly #options: ViewKeeperOptions
  readonly #name = randomUUID()
  readonly #stop = new AbortController()
  readonly #following = new Map<string, Following>()
  /** Those that have ended, and were seen to. */
  readonly #over = new Set<string>()
  readonly #levels = new Levels()
  readonly #lag
  #done: Promise<void> | undefined
  #reader: LogReader | undefined
  #readers = 0
  #committed = ''
  #isKeeper = false
  #mustTidy = true
  #troubles: string[] = []

  constructor(options: ViewKeeperOptions) {
    this.#options = options
    this.#lag = gauge(options.registry, 'view_lag_records', 'Records not yet applied to what is served', [])
  }

  /** Why pages are older than they should be, for /readyz. */
  get troubles(): readonly string[] {
    return this.#troubles
  }

  start(): void {
    this.#done = this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
    await this.#followOnly([])
    await this.#closeReader()
    if (this.#isKeeper) await leaveGenerations(this.#options.store, this.#name).catch(() => undefined)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      let waitMs = EVERY_MS
      try {
        const generations = await keepGenerations(this.#options.store, this.#name)
        if (generations === undefined) await this.#leave()
        else if (await this.#keep(generations)) waitMs = WHILE_BUILDING_EVERY_MS
        this.#say([])
      } catch (error) {
        this.#say([(error as Error).message], error)
      }
      await sleep(waitMs, undefined, { signal }).catch(() => undefined)
    }
  }

  // Somebody else keeps the views.
  async #leave(): Promise<void> {
    this.#isKeeper = false
    await this.#followOnly([])
  }

  /** True while there is something to be done soon. */
  async #keep({ current, next }: Generations): Promise<boolean> {
    if (!this.#isKeeper) this.#mustTidy = true
    this.#isKeeper = true
    const wanted = [current, next].filter((generation) => generation !== '')
    for (const generation of wanted) await this.#endIfOver(generation, generation === next)
    await this.#followOnly(wanted)
    if (this.#mustTidy) this.#tidy()
    // Taken before: the topics may grow while one looks at them.
    const at = Date.now()
    const bounds = await this.#bounds()
    const lags = new Map<string, number>()
    for (const generation of wanted) {
      const state = await readState(this.#options.store, generation)
      if (state === undefined) continue
      const lag = lagOf(state.positions, { at, bounds })
      const levelAt = this.#levels.levelAt(generation, state.positions, { at, bounds })
      lags.set(generation, lag)
      await noteLook(this.#options.store, generation, { total: state.done + lag, levelAt })
      if (generation === wanted[0]) await this.#show(state, bounds, lag)
    }
    if (next === '') return false
    if ((lags.get(next) ?? Number.POSITIVE_INFINITY) <= SERVED_FROM_LAG) await this.#serve(current, next)
    return true
  }

  // A generation that cannot be followed: one that is being built is given up, for one that is served another is built.
  // Where the log is not the one that it was built from, its pages are of another shop.
  async #endIfOver(generation: string, isNext: boolean): Promise<void> {
    const { end } = this.#following.get(generation) ?? {}
    if (end === undefined || this.#over.has(generation)) return
    const { store, logger } = this.#options
    logger.warn({ generation, end }, 'view: cannot be followed any further; will be built anew')
    if (isNext || end === 'other-log') await giveUpGeneration(store, generation)
    this.#mustTidy = true
    await beginGeneration(store)
    this.#over.add(generation)
  }

  async #followOnly(wanted: readonly string[]): Promise<void> {
    const over = [...this.#following].filter(([generation]) => !wanted.includes(generation))
    for (const [generation] of over) {
      this.#following.delete(generation)
      this.#over.delete(generation)
      this.#levels.forget(generation)
    }
    await Promise.all(over.map(([, following]) => following.stop()))
    for (const generation of wanted) {
      if (!this.#following.has(generation)) this.#following.set(generation, this.#options.follow(generation))
    }
  }

  // The present one stands still for the moment that the next one takes to pass it: no page may step back.
  async #serve(current: string, next: string): Promise<void> {
    const { store, logger } = this.#options
    await this.#following.get(current)?.stop()
    this.#following.delete(current)
    const end = performance.now() + SWAP_WITHIN_MS
    while (performance.now() < end && !this.#stop.signal.aborted) {
      const outcome = await serveNext(store, this.#name, next)
      if (outcome === 'served') {
        logger.info({ generation: next, before: current }, 'view: another generation is served')
        this.#mustTidy = true
      }
      if (outcome !== 'behind') return
      await sleep(SWAP_TRY_EVERY_MS)
    }
  }

  // Beside everything else: it may be a million keys. What fails is done by the next time.
  #tidy(): void {
    this.#mustTidy = false
    deleteOldGenerations(this.#options.store).catch(() => {
      this.#mustTidy = true
    })
  }

  // The truth is in Redis; this is for those who look at groups.
  async #show(state: GenerationState, bounds: readonly PartitionBounds[], lag: number): Promise<void> {
    this.#lag.set(lag)
    const positions = bounds.map(({ topic, partition, first }) => {
      return { topic, partition, offset: state.positions.get(`${topic} ${partition}`) ?? first }
    })
    const text = positions.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}`).join()
    if (text === this.#committed) return
    const [group = 'storefront'] = Object.keys(VIEW_GROUPS)
    await this.#reader?.commit(group, positions)
    this.#committed = text
  }

  async #bounds(): Promise<PartitionBounds[]> {
    const { brokers } = this.#options
    this.#reader ??= new LogReader({
      clientId: 'storefront-keeper',
      // Begun at another broker each time: the one before may hang.
      brokers: rotated(brokers, this.#readers++),
      topics: VIEW_GROUPS.storefront,
    })
    try {
      return await this.#reader.bounds()
    } catch (error) {
      await this.#closeReader()
      throw error
    }
  }

  async #closeReader(): Promise<void> {
    const reader = this.#reader
    this.#reader = undefined
    await reader?.close()
  }

  #say(troubles: string[], error?: unknown): void {
    if (troubles.length > 0 && this.#troubles.length === 0) {
      this.#options.logger.warn({ err: error }, 'view: cannot be kept; will go on trying')
    }
    this.#troubles = troubles
  }
}
