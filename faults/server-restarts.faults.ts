import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '@timesale/testkit/until'
import { Rush, assertTurnedAway, placeOrder } from './rush.ts'
import { startShop, type Shop } from './shop.ts'

// The servers themselves go and come back while orders run.

const PRODUCTS = ['SCARCE', 'PLENTY-1', 'PLENTY-2']
const OUTBOX_CAP = 3_000

for (const [how, signal] of [
  ['fast', 'SIGINT'],
  ['immediate', 'SIGQUIT'],
] as const) {
  test(`transactions that a restart of PostgreSQL (${how}) meets are run again as a whole`, async () => {
    await using rush = new Rush(shop, { name: how, ordersPerSecond: 200, products: PRODUCTS })
    const pids = processes().map(({ pid }) => pid)
    for (let round = 1; round <= 2; round += 1) {
      // So slow that there is nearly always a transaction half way.
      for (const name of ['order-1', 'stock-1']) shop.databaseProxy(name).slow({ latencyMs: 10 })
      await rush.more(300)
      const triedBefore = await triedAgain()
      await until('a transaction is half way', halfWay)
      const postgres = shop.part('postgres')
      await postgres.kill(signal)
      await postgres.start()
      for (const name of ['order-1', 'stock-1']) await shop.databaseProxy(name).heal()
      const back = performance.now()
      await rush.more(100)
      const ms = performance.now() - back
      assert.ok(ms < 10_000, `orders were accepted again after ${ms} ms`)
      assert.ok((await triedAgain()) > triedBefore, 'no transaction was hit')
    }
    await rush.more(200)
    await rush.endsWell(1_000)
    assert.deepEqual(
      processes().map(({ pid, running }) => running && pid),
      pids,
      'no process has ended',
    )
  })
}

test('while the broker is away orders are accepted, and all are told when it is back', async () => {
  await using rush = new Rush(shop, { name: 'broker', ordersPerSecond: 200, products: PRODUCTS })
  for (let round = 1; round <= 2; round += 1) {
    await rush.more(300)
    const broker = shop.part('kafka-1')
    await broker.kill()
    await rush.more(300)
    await until('facts wait', async () => (await waiting()) >= 300)
    await broker.start()
    await until('they have left', async () => (await waiting()) < 200, 60_000)
  }
  await rush.more(300)
  const { unavailable, noAnswer } = rush.buyers.figures
  assert.deepEqual({ unavailable, noAnswer }, { unavailable: 0, noAnswer: 0 })
  await rush.endsWell(1_500)
})

test('when more facts wait than may wait, orders are turned away without effect, until they have left', async () => {
  await using rush = new Rush(shop, { name: 'full', ordersPerSecond: 400, products: PRODUCTS })
  await rush.more(300)
  const accepted = { orderId: 'accepted-before', productId: 'PLENTY-1', quantity: 1 }
  assert.equal((await placeOrder(shop.process('order-1').url, accepted)).status, 202)
  const broker = shop.part('kafka-1')
  await broker.kill()
  await until('the outbox is full', () => rush.buyers.figures.unavailable > 0, 60_000)
  const url = shop.process('order-1').url
  const refused = await Promise.all(
    Array.from({ length: 50 }, (_none, index) =>
      placeOrder(url, { orderId: `refused-${index}`, productId: 'PLENTY-1', quantity: 1 }),
    ),
  )
  for (const answer of refused) {
    assertTurnedAway(answer)
    assert.equal(answer.code, 'outbox-full')
  }
  const again = await placeOrder(url, accepted)
  assert.equal(again.status, 202, 'an order that was accepted before gets its answer again, whatever waits')
  await broker.start()
  await rush.more(500)
  await rush.endsWell(2_000)
  const [effects] = await shop.infrastructure.admin('order').sql<{ n: number }>`
    select count(*)::int as n from orders where order_id like 'refused-%'`
  assert.equal(effects?.n, 0)
})

let shop: Shop

before(async () => {
  shop = await startShop({
    proxied: { database: ['order-1', 'stock-1'] },
    env: { order: { OUTBOX_CAP_EVENTS: String(OUTBOX_CAP) } },
  })
  await shop.putOnSale('SCARCE', 1_000)
  await shop.putOnSale('PLENTY-1', 1_000_000)
  await shop.putOnSale('PLENTY-2', 1_000_000)
})

after(() => shop?.[Symbol.asyncDispose]())

function processes() {
  return ['product-1', 'order-1', 'stock-1', 'notification-1', 'analytics-1'].map((name) => shop.process(name))
}

/** Whether a transaction of the order service or of stock has begun and not ended. */
async function halfWay(): Promise<boolean> {
  const rows = await shop.infrastructure.admin('order').sql`
    select 1 from pg_stat_activity
    where (application_name like 'order-%' or application_name like 'stock-%')
      and state in ('active', 'idle in transaction') and backend_xid is not null`
  return rows.length > 0
}

/** How often the order service or stock has run a transaction again because the database did not answer. */
async function triedAgain(): Promise<number> {
  const logs = await Promise.all(['order-1', 'stock-1'].map((name) => shop.process(name).log()))
  return logs.join('').split(/the database did not answer|will try the batch again/).length - 1
}

async function waiting(): Promise<number> {
  const [row] = await shop.infrastructure.admin('order').sql<{ n: number }>`select count(*)::int as n from outbox`
  return row?.n ?? 0
}
