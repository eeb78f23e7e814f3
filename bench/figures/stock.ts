import { fact } from '@timesale/contracts/event'
import { OrderPlaced } from '@timesale/contracts/order-events'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import { produce, recordOf } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { track } from '../cleanup.ts'
import { expectCounts } from '../counted.ts'
import { cpuUs } from '../cpu-time.ts'
import { watchDrain } from '../drain.ts'
import { orderId, orderIdPrefix, productId } from '../generator/order-request.ts'
import { measureRounds, type Progress, type Samples, type Side } from '../measure.ts'
import { startProgram } from '../program.ts'
import { pauseRelay } from '../relay-pause.ts'
import { adminUrlOf, outboxIsEmpty, startService } from '../service.ts'

const PRODUCTS = 1_000
// Nobody is sold out here: units enough for all orders of a product.
const UNITS = 10_000_000
const CHUNK = 20_000
const LOOK_EVERY_MS = 40
const WITHIN_MS = 240_000

/** How fast stock works off orders, next to an UPDATE an order. `orders` is how many a sample drains. */
export async function measureStock(
  asked: ReadonlySet<string>,
  rounds: number,
  orders: number,
  progress: Progress,
): Promise<Samples> {
  progress.say('starting PostgreSQL, Kafka and Redis')
  await using servers = await track(startInfrastructure({ databases: ['stock'], kafka: true, redis: true }))
  const on = { servers, orders, progress }
  const sides: readonly Side[] = [
    { name: 'guarded-update', run: () => sampleGuardedUpdate(on) },
    { name: 'stock-hot', run: () => sampleStock('stock-hot', 1, on) },
    { name: 'stock-wide', run: () => sampleStock('stock-wide', PRODUCTS, on) },
  ]
  return await measureRounds(
    sides.filter(({ name }) => asked.has(name)),
    rounds,
    progress,
  )
}

interface Surroundings {
  readonly servers: Infrastructure
  readonly orders: number
  readonly progress: Progress
}

/**
 * Orders are put on the topic while nobody reads; then the real service starts and works them off with its relay paused. The
 * clock runs from the first batch that is committed to the last one, so that the start is not measured.
 */
async function sampleStock(
  name: string,
  products: number,
  { servers, orders, progress }: Surroundings,
): Promise<number> {
  const { sql } = servers.admin('stock')
  await emptyTables(servers, products)
  await using offsets = new Offsets(servers.brokers)
  const before = { placed: await offsets.count('order-topic'), told: await offsets.count('stock-topic') }
  await using pause = await track(pauseRelay(adminUrlOf(servers, 'stock')))
  await placeOnTopic(servers.brokers, orders, products)

  await using service = await startService(servers, 'stock')
  const pids = { node: service.pid, postgres: servers.parts.get('postgres')?.pid ?? 0 }
  const cpuBefore = { node: cpuUs(pids.node), postgres: cpuUs(pids.postgres) }
  const perSecond = await watchDrain(name, {
    total: orders,
    // A row a product, and committed: as cheap as it gets, and true whatever the other tables look like.
    done: async () =>
      (await sql<{ units: number }>`select sum(reserved)::int as units from stock_levels`)[0]?.units ?? 0,
    everyMs: LOOK_EVERY_MS,
    withinMs: WITHIN_MS,
  })
  const us = (part: 'node' | 'postgres'): string => ((cpuUs(pids[part]) - cpuBefore[part]) / orders).toFixed(1)
  progress.say(`${name}: ${us('node')} us of CPU an order in the service, ${us('postgres')} in PostgreSQL`)

  // What it has committed of the topic must be all, or the next sample would begin with this one's rest.
  await until('stock has committed its offsets', async () => (await offsets.lag('stock', 'order-topic')) === 0)
  await pause[Symbol.asyncDispose]()
  await until('the outbox is empty', () => outboxIsEmpty(servers, 'stock'), WITHIN_MS)
  const [rows] = await sql<Record<'reservations' | 'movements' | 'reserved' | 'parked' | 'inbox', number>>`
    select (select count(*)::int from reservations where state = 'HELD') as reservations,
      (select count(*)::int from stock_ledger where kind = 'RESERVE') as movements,
      (select sum(reserved)::int from stock_levels) as reserved,
      (select count(*)::int from parked_events) as parked,
      (select count(*)::int from inbox) as inbox`
  expectCounts(name, {
    'records on order-topic': [(await offsets.count('order-topic')) - before.placed, orders],
    reservations: [rows?.reservations ?? 0, orders],
    'rows in stock_ledger': [rows?.movements ?? 0, orders],
    'rows in inbox': [rows?.inbox ?? 0, orders],
    'units reserved': [rows?.reserved ?? 0, orders],
    'parked events': [rows?.parked ?? 0, 0],
    'records on stock-topic': [(await offsets.count('stock-topic')) - before.told, orders],
  })
  return perSecond
}

async function sampleGuardedUpdate({ servers }: Surroundings): Promise<number> {
  await servers.admin('stock').sql`checkpoint`
  await using program = await startProgram<{ perSecond: number; done: number; counted: Record<string, number> }>(
    'guarded-updates',
    [adminUrlOf(servers, 'stock')],
  )
  const { perSecond, done, counted } = await program.next((message) => message)
  expectCounts(
    'guarded-update',
    Object.fromEntries(Object.entries(counted).map(([what, count]) => [what, [count, done] as const])),
  )
  return perSecond
}

async function emptyTables(servers: Infrastructure, products: number): Promise<void> {
  const { sql } = servers.admin('stock')
  await sql`truncate stock_levels, reservations, stock_ledger, inbox`
  await sql`
    insert into stock_levels (product_id, initial, available, reserved, sold, version, announced)
    select product_id, ${UNITS}::int, ${UNITS}::int, 0, 0, 1, 1
    from unnest(${Array.from({ length: products }, (_, number) => productId(number))}::text[]) as product (product_id)`
  await sql`checkpoint`
}

async function placeOnTopic(brokers: string, orders: number, products: number): Promise<void> {
  const prefix = orderIdPrefix()
  for (let from = 0; from < orders; from += CHUNK) {
    const numbers = Array.from({ length: Math.min(CHUNK, orders - from) }, (_, index) => from + index)
    await produce(
      brokers,
      numbers.map((number) => {
        const id = orderId(prefix, number)
        const about = { buyerId: 'buyer-0001', quantity: 1, unitPriceMinor: 12_900, currency: 'KRW' }
        const data = { orderId: id, productId: productId(number % products), ...about }
        return recordOf(fact(OrderPlaced, { aggregateId: id, version: 1, data }))
      }),
    )
  }
}
