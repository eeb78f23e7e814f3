import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '@timesale/testkit/until'
import { Rush } from './rush.ts'
import { startShop, type Shop } from './shop.ts'

// The servers themselves go and come back while orders run.

const PRODUCTS = ['SCARCE', 'PLENTY-1', 'PLENTY-2']

for (const [how, signal] of [
  ['fast', 'SIGINT'],
  ['immediate', 'SIGQUIT'],
] as const) {
  test(`transactions that a restart of PostgreSQL (${how}) meets are run again as a whole`, async () => {
    await using rush = new Rush(shop, { name: how, ordersPerSecond: 200, products: PRODUCTS })
    const pids = processes().map(({ pid }) => pid)
    let hit = 0
    for (let round = 1; round <= 2 || hit === 0; round += 1) {
      assert.ok(round <= 6, 'no transaction was hit')
      // So slow that there is nearly always a transaction half way.
      for (const name of ['order-1', 'stock-1']) shop.databaseProxy(name).slow({ latencyMs: 10 })
      await rush.more(300)
      const open = await until('a transaction is half way', halfWay)
      const postgres = shop.part('postgres')
      await postgres.kill(signal)
      await postgres.start()
      hit += await aborted(open)
      for (const name of ['order-1', 'stock-1']) await shop.databaseProxy(name).heal()
      const back = performance.now()
      await rush.more(100)
      const ms = performance.now() - back
      assert.ok(ms < 10_000 + rush.stoodStillMs, `orders were accepted again after ${ms} ms`)
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
  rush.assertAllServed()
  await rush.endsWell(1_500)
})

let shop: Shop

before(async () => {
  shop = await startShop({ proxied: { database: ['order-1', 'stock-1'] } })
  await shop.putOnSale('SCARCE', 1_000)
  await shop.putOnSale('PLENTY-1', 1_000_000)
  await shop.putOnSale('PLENTY-2', 1_000_000)
})

after(() => shop?.[Symbol.asyncDispose]())

function processes() {
  return ['product-1', 'order-1', 'stock-1', 'notification-1', 'analytics-1'].map((name) => shop.process(name))
}

/** Transactions of the order service or of stock that have written something and have not ended. */
async function halfWay(): Promise<string[] | undefined> {
  const rows = await shop.infrastructure.admin('order').sql<{ xid: string }>`
    select backend_xid::text as xid from pg_stat_activity
    where (application_name like 'order-%' or application_name like 'stock-%')
      and state in ('active', 'idle in transaction') and backend_xid is not null`
  return rows.length > 0 ? rows.map(({ xid }) => xid) : undefined
}

/** How many of them came to nothing. One that a crash has forgotten altogether is not counted: its number is given again. */
async function aborted(transactions: readonly string[]): Promise<number> {
  const [row] = await shop.infrastructure.admin('order').sql<{ n: number }>`
    select count(*)::int as n from unnest(${transactions}::text[]) as xid
    where case when xid::numeric < pg_snapshot_xmax(pg_current_snapshot())::text::numeric
      then pg_xact_status(xid::xid8) = 'aborted' end`
  return row?.n ?? 0
}

async function waiting(): Promise<number> {
  const [row] = await shop.infrastructure.admin('order').sql<{ n: number }>`select count(*)::int as n from outbox`
  return row?.n ?? 0
}
