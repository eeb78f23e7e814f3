import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'hdr-histogram-js'
import type { ViewState } from '@timesale/contracts/storefront-api'
import { GROUPS, VIEW_GROUPS } from '@timesale/contracts/topics'
import { databaseServices, type DatabaseService } from '@timesale/local/shop/ports'
import { Database } from '@timesale/postgres/database'
import { readJson } from '@timesale/testkit/http'
import { Offsets } from '@timesale/testkit/offsets'
import { until } from '@timesale/testkit/until'
import { startLocalShop, type LocalShop } from '../../e2e/local-shop.ts'
import { sampleBare } from '../bare.ts'
import { track } from '../cleanup.ts'
import { expectCounts, someOf, WorkMissing } from '../counted.ts'
import { cpuUs } from '../cpu-time.ts'
import { outcomeOf, startLoad, type Load, type LoadOptions, type LoadResult } from '../generator/load.ts'
import { orderIdPrefix, productId } from '../generator/order-request.ts'
import { pause } from '../pause.ts'
import { measureRounds, type Progress, type Samples, type Side } from '../measure.ts'
import type { CpuAnOrder } from '../report.ts'
import { median } from '../statistics.ts'
import { WINDOW_MAX, Window } from '../window.ts'

const PRODUCTS = 1_000
const UNITS = 1_000_000_000
const CONNECTIONS = 256
const WARM_UP_MS = 15_000
const TELL_EVERY_MS = 50
const WORK_LEFT_MAX_MS = 1_000
const DONE_WITHIN_MS = 120_000
const REPEATED_MAX = 0.01
/** Longer than anything that is measured here. */
const NEVER_MS = 600_000
/** With the start of two programs before it, within the five seconds that a shop may be paused for. */
const BARE_LENGTH = { warmUpMs: 1_500, sampleMs: 2_000 }

export interface PipelineOptions {
  readonly rounds: number
  /** Of one load. */
  readonly seconds: number
  readonly progress: Progress
}

/** The whole shop, as `npm start` makes it, under as many orders as it confirms; then under half as many. */
export async function measurePipeline(
  asked: ReadonlySet<string>,
  options: PipelineOptions,
): Promise<{ samples: Samples; cpu: CpuAnOrder }> {
  const { rounds, seconds, progress } = options
  progress.say('starting a whole shop')
  await using shop = await track(startLocalShop())
  await using pipeline = await Pipeline.of(shop, progress)
  await pipeline.putProductsOnSale()
  progress.say('warming it up')
  await pipeline.warmUp()
  // Of the round: where pipeline has failed there is no half of its rate.
  let latestRate = Number.NaN
  const sides: readonly Side[] = [
    {
      name: 'pipeline-bare',
      run: async () => {
        // An idle shop polls, and would take from what is measured.
        await using _standstill = await track(Promise.resolve(pause(shop.supervisor.pid ?? 0)))
        return (await sampleBare(CONNECTIONS, PRODUCTS, BARE_LENGTH)).perSecond
      },
    },
    {
      name: 'pipeline',
      run: async () => {
        latestRate = Number.NaN
        return (latestRate = await pipeline.confirm(seconds))
      },
    },
    {
      name: 'pipeline-latency',
      run: async () => {
        const rate = someOf('pipeline-latency', 'rate of pipeline', latestRate)
        return await pipeline.latencyAt(rate / 2, Math.ceil(seconds / 2))
      },
    },
  ]
  const needed = sides.filter(({ name }) => asked.has(name) || (name === 'pipeline' && asked.has('pipeline-latency')))
  return { samples: await measureRounds(needed, rounds, progress), cpu: pipeline.cpuAnOrder() }
}

class Pipeline implements AsyncDisposable {
  readonly #shop: LocalShop
  readonly #progress: Progress
  readonly #databases: ReadonlyMap<DatabaseService, Database>
  readonly #offsets: Offsets
  /** Processes whose CPU is counted, by part. */
  readonly #pids: ReadonlyMap<string, number>
  readonly #cpu = new Map<string, number[]>()

  static async of(shop: LocalShop, progress: Progress): Promise<Pipeline> {
    return new Pipeline(shop, new Map((await shop.status()).map(({ name, pid }) => [name, pid ?? 0])), progress)
  }

  private constructor(shop: LocalShop, pids: ReadonlyMap<string, number>, progress: Progress) {
    this.#shop = shop
    this.#progress = progress
    this.#pids = pids
    this.#offsets = new Offsets(shop.brokers)
    this.#databases = new Map(
      databaseServices.map((service) => [
        service,
        new Database({ url: shop.databaseUrl(service), poolSize: 2, applicationName: 'bench' }),
      ]),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#offsets[Symbol.asyncDispose]()
    for (const database of this.#databases.values()) await database.close()
  }

  /** A first load that does not count: programs that have just started are still being compiled. */
  async warmUp(): Promise<void> {
    await this.#load('warm-up', { connections: CONNECTIONS, warmUpMs: 0, sampleMs: WARM_UP_MS, window: WINDOW_MAX })
  }

  /** By the front door, and until the order service has heard of all. */
  async putProductsOnSale(): Promise<void> {
    const ids = Array.from({ length: PRODUCTS }, (_, number) => productId(number))
    for (const chunk of chunks(ids, 50)) await Promise.all(chunk.map((id) => this.#createProduct(id)))
    await until('all products can be ordered', async () => {
      const [row] = await this.#database('order').sql<{ ready: number }>`
        select count(*)::int as ready from product_copies
        where stocked and unit_price_minor is not null and product_id = any(${ids}::text[])`
      return row?.ready === PRODUCTS
    })
  }

  /** Orders CONFIRMED a second over a load of so many seconds. */
  async confirm(seconds: number): Promise<number> {
    const { result, accepted, prefix, workLeftMs } = await this.#load('pipeline', {
      ...{ connections: CONNECTIONS, warmUpMs: 0, sampleMs: seconds * 1000, window: WINDOW_MAX },
    })
    const [row] = await this.#database('order').sql<{ confirmed: number }>`
      select count(*)::int as confirmed from order_history
      where status = 'CONFIRMED' and at <= ${new Date(result.endedAt)}::timestamptz
        and order_id >= ${prefix} and order_id < ${`${prefix}~`}`
    const perSecond = (row?.confirmed ?? 0) / seconds
    this.#progress.say(
      `pipeline: ${accepted} orders, all done ${(workLeftMs / 1000).toFixed(2)} s after the load; POST p50 ${result.latencyMs.p50.toFixed(0)} ms, p99 ${result.latencyMs.p99.toFixed(0)} ms`,
    )
    if (workLeftMs > WORK_LEFT_MAX_MS)
      throw new WorkMissing(`pipeline: ${(workLeftMs / 1000).toFixed(2)} s of work were left at the end of the load`)
    return perSecond
  }

  /**
   * p99 in milliseconds from when a POST was due to when its order's decision was made, which is a commit before it can
   * be read. Open loop: a shop that hesitates is sent as many orders meanwhile.
   */
  async latencyAt(perSecond: number, seconds: number): Promise<number> {
    const warmUpMs = 1_000
    const { result, refused, prefix } = await this.#load('pipeline-latency', {
      ...{ connections: CONNECTIONS, warmUpMs, sampleMs: seconds * 1000, perSecond },
    })
    const rows = await this.#database('order').sql<{ number: number; at: number }>`
      select substr(order_id, ${prefix.length + 1}::int)::int as number, (extract(epoch from at) * 1000)::float8 as at
      from order_history
      where status = 'CONFIRMED' and order_id >= ${prefix} and order_id < ${`${prefix}~`}`
    const latency = build({ highestTrackableValue: NEVER_MS })
    // Nobody in an open loop comes again: whoever is turned away waits for ever.
    for (let count = 0; count < refused; count += 1) latency.recordValue(NEVER_MS)
    for (const { number, at } of rows) {
      const dueMs = (number * 1000) / perSecond
      if (dueMs >= warmUpMs) latency.recordValue(Math.max(0, Math.round(at - result.startedAt - dueMs)))
    }
    someOf('pipeline-latency', 'order that was confirmed', latency.totalCount)
    const [p50, p99] = [latency.getValueAtPercentile(50), latency.getValueAtPercentile(99)]
    this.#progress.say(
      `pipeline-latency: at ${Math.round(perSecond)} orders/s; to CONFIRMED p50 ${p50} ms, p99 ${p99} ms, at most ${latency.maxValue} ms; to 202 p50 ${result.latencyMs.p50.toFixed(0)} ms, p99 ${result.latencyMs.p99.toFixed(0)} ms`,
    )
    return p99
  }

  /** The median of the rounds, by part. */
  cpuAnOrder(): CpuAnOrder {
    const parts = [...this.#cpu].map(([part, values]) => [part, Math.round(median(values) * 10) / 10] as const)
    return Object.fromEntries([...parts, ['sum', Math.round(parts.reduce((sum, [, us]) => sum + us, 0) * 10) / 10]])
  }

  async #load(name: string, options: Omit<LoadOptions, 'port' | 'idPrefix' | 'products'>): Promise<Loaded> {
    const prefix = orderIdPrefix()
    // A load that failed has left orders behind, which would be counted with the next one's.
    await until('what came before is worked off', async () => (await this.#lag()) === 0, DONE_WITHIN_MS)
    const before = await this.#counts()
    const cpuBefore = this.#cpuNow()
    const ownBefore = process.cpuUsage()
    const port = Number(new URL(this.#shop.url('order')).port)
    await using load = await startLoad({ ...options, port, idPrefix: prefix, products: PRODUCTS })
    let over = false
    void load.sampled.then(
      () => (over = true),
      () => (over = true),
    )
    await this.#throttle(load, before.orderTopic, () => over)
    const result = await load.result
    const { accepted, refused } = outcomeOf(result)
    if (refused > 0) this.#progress.say(`${name}: ${refused} requests were told to come again`)
    const workLeftMs = await this.#workLeft(before, accepted, result.endedAt)
    const cpuAfter = this.#cpuNow()
    const own = process.cpuUsage(ownBefore)
    if (name === 'pipeline') {
      for (const [part, us] of cpuAfter) this.#noteCpu(part, (us - (cpuBefore.get(part) ?? 0)) / accepted)
      this.#noteCpu('generator', result.cpuUs)
      this.#noteCpu('bench', (own.user + own.system) / accepted)
    }
    await this.#expectWork(name, before, accepted, prefix)
    return { result, accepted, refused, prefix, workLeftMs }
  }

  /**
   * Tells the generator how far its orders have come, so that at most about eight tenths of a second of them are under way and no more: what is
   * accepted faster than it is worked off would only wait. Ends of partitions are the cheapest thing that knows it.
   */
  async #throttle(load: Load, recordsBefore: number, over: () => boolean): Promise<void> {
    const window = new Window()
    while (!over()) {
      const records = (await this.#offsets.count('order-topic')) - recordsBefore
      load.tell({ records, window: window.next(performance.now(), records) })
      await sleep(TELL_EVERY_MS)
    }
  }

  /** Milliseconds from the end of the load until every group, and the view, has read everything that came of it. */
  async #workLeft(before: Counts, accepted: number, endedAt: number): Promise<number> {
    await until(
      'everything is worked off',
      async () => {
        const orderTopic = (await this.#offsets.count('order-topic')) - before.orderTopic
        const stockTopic = (await this.#offsets.count('stock-topic')) - before.stockTopic
        return orderTopic >= 2 * accepted && stockTopic >= 2 * accepted && (await this.#lag()) === 0
      },
      DONE_WITHIN_MS,
    )
    return Math.max(0, performance.timeOrigin + performance.now() - endedAt)
  }

  async #lag(): Promise<number> {
    return (await this.#lagOfGroups()) + (await this.#lagOfView())
  }

  // What is committed for its group is told now and then; how much is in the view stands in the view itself.
  async #lagOfView(): Promise<number> {
    const counts = await Promise.all(VIEW_GROUPS.storefront.map((topic) => this.#offsets.count(topic)))
    const { served } = await readJson<ViewState>(`${this.#shop.url('storefront')}/view`)
    return Math.max(0, counts.reduce((sum, count) => sum + count, 0) - (served?.done ?? 0))
  }

  async #lagOfGroups(): Promise<number> {
    const reads = Object.entries(GROUPS).flatMap(([group, topics]) => topics.map((topic) => ({ group, topic })))
    const lags = await Promise.all(reads.map(({ group, topic }) => this.#offsets.lag(group, topic)))
    return lags.reduce((sum, lag) => sum + lag, 0)
  }

  async #counts(): Promise<Counts> {
    const [sales] = await this.#database('analytics').sql<{ orders: number }>`
      select coalesce(sum(orders), 0)::int as orders from sales_by_product`
    return {
      orderTopic: await this.#offsets.count('order-topic'),
      stockTopic: await this.#offsets.count('stock-topic'),
      sales: sales?.orders ?? 0,
    }
  }

  async #expectWork(name: string, before: Counts, accepted: number, prefix: string): Promise<void> {
    const after = await this.#counts()
    const [from, to] = [prefix, `${prefix}~`]
    const [order] = await this.#database('order').sql<{ confirmed: number; history: number; waiting: number }>`
      select (select count(*)::int from orders where status = 'CONFIRMED' and order_id >= ${from} and order_id < ${to}) as confirmed,
        (select count(*)::int from order_history where order_id >= ${from} and order_id < ${to}) as history,
        (select count(*)::int from outbox) as waiting`
    const [stock] = await this.#database('stock').sql<{ sold: number; movements: number }>`
      select (select count(*)::int from reservations where state = 'COMMITTED' and order_id >= ${from} and order_id < ${to}) as sold,
        (select count(*)::int from stock_ledger where order_id >= ${from} and order_id < ${to}) as movements`
    const [notification] = await this.#database('notification').sql<{ notices: number }>`
      select count(*)::int as notices from notices where kind = 'CONFIRMED' and order_id >= ${from} and order_id < ${to}`
    expectCounts(name, {
      'orders CONFIRMED': [order?.confirmed ?? 0, accepted],
      'rows in order_history': [order?.history ?? 0, 2 * accepted],
      'rows left in the outbox': [order?.waiting ?? 0, 0],
      'reservations COMMITTED': [stock?.sold ?? 0, accepted],
      'rows in stock_ledger': [stock?.movements ?? 0, 2 * accepted],
      notices: [notification?.notices ?? 0, accepted],
      'orders in the sales': [after.sales - before.sales, accepted],
      'records on order-topic': this.#withoutRepeats(name, after.orderTopic - before.orderTopic, 2 * accepted),
      'records on stock-topic': this.#withoutRepeats(name, after.stockTopic - before.stockTopic, 2 * accepted),
    })
  }

  // A relay whose send was cut off by the standstill of `pipeline-bare` sends again what may be there already: at least once
  // is the promise, and the rows beside this are exact. Many would be work of another kind.
  #withoutRepeats(name: string, records: number, expected: number): [counted: number, expected: number] {
    const repeated = records - expected
    if (repeated <= 0 || repeated > expected * REPEATED_MAX) return [records, expected]
    this.#progress.say(`${name}: ${repeated} records were sent twice`)
    return [expected, expected]
  }

  async #createProduct(id: string): Promise<void> {
    const answer = await fetch(`${this.#shop.url('product')}/products`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ productId: id, name: { ko: `상품 ${id}`, en: `Product ${id}` } },
        ...{ priceMinor: 12_900, currency: 'KRW', units: UNITS },
      }),
    })
    if (answer.status !== 201)
      throw new WorkMissing(`product ${id} was answered ${answer.status}: ${await answer.text()}`)
    await answer.body?.cancel()
  }

  #cpuNow(): Map<string, number> {
    const parts = new Map([...this.#pids].map(([part, pid]) => [part, cpuUs(pid)]))
    const all = cpuUs(this.#shop.supervisor.pid ?? 0)
    // Its tree holds all the others.
    return parts.set('supervisor', all - [...parts.values()].reduce((sum, us) => sum + us, 0))
  }

  #noteCpu(part: string, us: number): void {
    this.#cpu.set(part, [...(this.#cpu.get(part) ?? []), us])
  }

  #database(service: DatabaseService): Database {
    const database = this.#databases.get(service)
    if (database === undefined) throw new Error(`No database of ${service}`)
    return database
  }
}

interface Loaded {
  readonly result: LoadResult
  readonly accepted: number
  /** Requests that were told to come again. */
  readonly refused: number
  readonly prefix: string
  /** From the end of the load. */
  readonly workLeftMs: number
}

interface Counts {
  readonly orderTopic: number
  readonly stockTopic: number
  readonly sales: number
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size))
}
