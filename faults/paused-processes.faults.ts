import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Offsets } from '@timesale/testkit/offsets'
import { isProduce } from '@timesale/testkit/tcp-proxy'
import { until } from '@timesale/testkit/until'
import { Rush } from './rush.ts'
import type { ServiceProcess } from './service-process.ts'
import { startShop, type Shop } from './shop.ts'

// Two processes of the order service and two of stock. Some are stopped in their tracks and go on when others have long
// taken their place; one more comes and goes, so that the group is never at rest.

const PRODUCTS = ['SCARCE', 'PLENTY-1', 'PLENTY-2']
const ORDERS = ['order-1', 'order-2']

test('a consumer that was paused with a batch in hand, past its session, does no harm when it goes on', async () => {
  await using rush = new Rush(shop, { name: 'zombie', ordersPerSecond: 150, products: PRODUCTS, at: ORDERS })
  await rush.more(300)
  await until('each has its share', async () => (await shares()) === '3,3')
  const zombie = shop.process('stock-1')
  await until('it is stopped in the midst of a batch', () => stoppedInBatch(zombie), 60_000)
  try {
    // Its session is 10 s long.
    await until('the other one has all partitions', async () => (await shares()) === '6')
    const before = await decided()
    await rush.more(300)
    // Also of those products whose rows the paused one holds: PostgreSQL ends its transaction.
    await until('the other one goes on', async () => (await decided()) > before + 200)
  } finally {
    zombie.resume()
  }
  await until('it has a share again', async () => (await shares()) === '3,3', 60_000)
  await rush.more(300)
  await rush.endsWell(2_000)
})

test('a leader of the relay that was paused with a batch under way is replaced within 12 s, and what is sent twice does no harm', async () => {
  await using rush = new Rush(shop, { name: 'leader', ordersPerSecond: 150, products: PRODUCTS, at: ORDERS })
  const leader = await until('somebody leads', leading)
  // So slow that a batch is confirmed only long after it was sent.
  shop.kafkaProxy.slow({ latencyMs: 200 })
  await rush.more(300)
  const duplicatesBefore = await duplicates()
  const paused = shop.process(leader)
  const pid = await leaderSession()
  await recordsUnderWay()
  paused.pause()
  try {
    const at = performance.now()
    await until('another session leads', async () => {
      const now = await leaderSession()
      return now !== undefined && now !== pid
    })
    const ms = performance.now() - at
    assert.ok(ms < 12_000 + rush.stoodStillMs, `the lead moved after ${ms} ms`)
    await shop.kafkaProxy.heal()
    await rush.more(200)
  } finally {
    paused.resume()
    await shop.kafkaProxy.heal()
  }
  await until('it serves again', () => paused.ready().then(() => true))
  await rush.more(300)
  await rush.endsWell(1_500)
  await until('the other one leads, and it alone', async () => {
    const leads = await Promise.all(ORDERS.map((name) => shop.process(name).metric('relay_leading')))
    return leads.join() === ORDERS.map((name) => (name === leader ? 0 : 1)).join()
  })
  assert.ok((await duplicates()) > duplicatesBefore, 'nothing was sent twice: there was no batch under way')
})

test('while a third process of stock comes and goes every few seconds, orders go on, and those of each order in order', async () => {
  await using rush = new Rush(shop, { name: 'restless', ordersPerSecond: 100, products: PRODUCTS, at: ORDERS })
  await rush.more(200)
  const restless = await shop.addProcess('stock-3', { INSTANCE_ID: '' })
  const assignedBefore = await assignments()
  let rounds = 0
  for (const enough = performance.now() + 24_000; performance.now() < enough || rounds < 3; rounds += 1) {
    await until('it has its share', async () => (await shares()) === '2,2,2', 60_000)
    await restless.end('SIGTERM')
    await until('it has left', async () => (await shares()) === '3,3', 60_000)
    const before = await decided()
    await until('orders are decided meanwhile', async () => (await decided()) > before)
    await restless.start()
  }
  await restless.end('SIGTERM')
  assert.ok((await assignments()) - assignedBefore >= 2 * rounds, 'the group was disturbed each time')
  await rush.more(200)
  await rush.endsWell(1_500)
})

let shop: Shop
let offsets: Offsets

before(async () => {
  shop = await startShop({
    processes: { order: 2, stock: 2 },
    proxied: { kafka: ORDERS },
  })
  offsets = new Offsets(shop.books.brokers)
  await shop.putOnSale('SCARCE', 1_000)
  await shop.putOnSale('PLENTY-1', 1_000_000)
  await shop.putOnSale('PLENTY-2', 1_000_000)
})

after(async () => {
  await offsets?.[Symbol.asyncDispose]()
  await shop?.[Symbol.asyncDispose]()
})

/** Longer than any batch takes, and less than the five seconds after which PostgreSQL ends a transaction that is idle. */
const BATCH_MS = 1_000

/** Stops a process of stock. Where it has just read a batch and not yet written it, its transaction stays open; else it goes on. */
async function stoppedInBatch(one: ServiceProcess): Promise<boolean> {
  one.pause()
  const before = await openTransactions()
  if (before.length > 0) await sleep(BATCH_MS)
  const after = await openTransactions()
  if (after.some((transaction) => before.includes(transaction))) return true
  one.resume()
  return false
}

async function openTransactions(): Promise<string[]> {
  const rows = await shop.infrastructure.admin('stock').sql<{ one: string }>`
    select pid || ' ' || xact_start as one from pg_stat_activity
    where datname = current_database() and state = 'idle in transaction'`
  return rows.map(({ one }) => one)
}

/** How many partitions of the topic of orders each process of stock has, as in `3,3`. */
async function shares(): Promise<string> {
  const members = await offsets.members('stock', 'order-topic')
  return members
    .map(({ length }) => length)
    .filter((length) => length > 0)
    .join()
}

async function leading(): Promise<string | undefined> {
  for (const name of ORDERS) if ((await shop.process(name).metric('relay_leading')) === 1) return name
  return undefined
}

/** The session of PostgreSQL that holds the lock of the order service's relay. */
async function leaderSession(): Promise<number | undefined> {
  const [row] = await shop.infrastructure.admin('order').sql<{ pid: number }>`
    select pid from pg_locks join pg_database on pg_database.oid = database
    where locktype = 'advisory' and granted and datname = current_database()`
  return row?.pid
}

/** Resolves when the leader has just sent records to the brokers, which go their way as always. */
function recordsUnderWay(): Promise<void> {
  return new Promise((resolve) => {
    // All requests are shown to it, until the proxy is healed.
    shop.kafkaProxy.dropAnswerTo((request, connection) => {
      if (isProduce(request, connection)) resolve()
      return false
    })
  })
}

async function duplicates(): Promise<number> {
  const counts = ['stock-1', 'stock-2'].map((name) =>
    shop.process(name).metric('consumer_events_total', { outcome: 'duplicate' }),
  )
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

async function decided(): Promise<number> {
  const [row] = await shop.infrastructure.admin('order').sql<{ n: number }>`
    select count(*)::int as n from orders where status <> 'PLACED'`
  return row?.n ?? 0
}

async function assignments(): Promise<number> {
  const logs = await Promise.all(['stock-1', 'stock-2'].map((name) => shop.process(name).log()))
  return logs.reduce((sum, log) => sum + log.split('partitions assigned').length - 1, 0)
}
