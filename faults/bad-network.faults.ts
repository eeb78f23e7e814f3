import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Offsets } from '@timesale/testkit/offsets'
import { readTopic } from '@timesale/testkit/records'
import { commitOf, isProduce } from '@timesale/testkit/tcp-proxy'
import { until } from '@timesale/testkit/until'
import { Rush, placeAccepted, placeOrder } from './rush.ts'
import { startShop, type Shop } from './shop.ts'

// The network between the services and their servers loses answers, or everything.

const PRODUCTS = ['SCARCE', 'PLENTY-1', 'PLENTY-2']

test('an order whose COMMIT is not answered gets one answer, and is there once', async () => {
  await using rush = new Rush(shop, { name: 'commit', ordersPerSecond: 200, products: PRODUCTS })
  await rush.more(500)
  for (let round = 1; round <= 5; round += 1) {
    const orderId = `unanswered-${round}-`
    const drop = shop.databaseProxy('order-1').dropAnswerTo(commitOf(orderId))
    const order = { orderId, productId: 'PLENTY-1', quantity: 1 }
    const answer = await placeAccepted(order1(), order)
    assert.equal(drop.count, 1)
    assert.deepEqual((await placeAccepted(order1(), order)).text, answer.text)
    await rush.more(100)
  }
  await rush.endsWell(1_000)
  const history = await shop.infrastructure.admin('order').sql`
    select order_id from order_history where order_id like 'unanswered-%' and version = 1`
  assert.equal(history.length, 5)
})

test('a batch of events whose COMMIT is not answered is delivered again, and found to be done', async () => {
  await using rush = new Rush(shop, { name: 'batch', ordersPerSecond: 200, products: PRODUCTS })
  await rush.more(500)
  for (let round = 1; round <= 5; round += 1) {
    const before = await duplicates()
    const orderId = `twice-${round}-`
    const drop = shop.databaseProxy('stock-1').dropAnswerTo(commitOf(orderId))
    await placeAccepted(order1(), { orderId, productId: 'PLENTY-1', quantity: 1 })
    await until('the answer was dropped', () => drop.count === 1)
    await until('the batch was delivered again', async () => (await duplicates()) > before)
    await rush.more(100)
  }
  await rush.endsWell(1_000)
})

test('records whose confirmation is lost are on their topic twice at most, and once in effect', async () => {
  await using rush = new Rush(shop, { name: 'produce', ordersPerSecond: 200, products: PRODUCTS })
  await rush.more(300)
  for (let round = 1; round <= 5; round += 1) {
    const drop = shop.kafkaProxy.dropAnswerTo(isProduce)
    await until('the answer was dropped', () => drop.count === 1)
    // Else the next one to be lost may be that of the same records, sent a second time.
    const sentBefore = await recordsSent()
    await until('the relay goes on', async () => (await recordsSent()) > sentBefore)
    await rush.more(200)
  }
  await rush.endsWell(1_000)
  await using offsets = new Offsets(shop.books.brokers)
  const written = await offsets.count('order-topic')
  const records = await readTopic(shop.books.brokers, 'order-topic', written)
  assert.equal(records.length, written, 'all of them were read')
  const copies = Map.groupBy(records, ({ headers }) => `${headers['ce_source']} ${headers['ce_id']}`)
  const often = [...copies].filter(([, same]) => same.length > 2).map(([id, same]) => [id, same.length])
  assert.deepEqual(often.slice(0, 10), [])
})

test('while Redis swallows everything, every order is answered, and soon', async () => {
  await using rush = new Rush(shop, { name: 'redis', ordersPerSecond: 200, products: PRODUCTS })
  await rush.more(300)
  const swallowed = shop.redisProxy.swallowed
  shop.redisProxy.blackHole()
  await rush.more(1_000)
  await shop.redisProxy.heal()
  assert.ok(shop.redisProxy.swallowed > swallowed, 'something was asked of Redis and swallowed')
  await rush.more(300)
  rush.assertAllServed()
  const { answerMs } = rush.buyers.figures
  // A look at Redis gives up after 50 ms, and after some of them nobody looks any more.
  assert.ok((answerMs?.p50 ?? Infinity) < 200, JSON.stringify(answerMs))
  assert.ok((answerMs?.p99 ?? Infinity) < 1_000 + rush.stoodStillMs, JSON.stringify(answerMs))
  await Promise.all(['order-1', 'stock-1'].map((name) => shop.process(name).ready()))
  await rush.endsWell(1_500)
})

test('while the database of the order service swallows everything, buyers are told to come again within seconds', async () => {
  // Buyers wait for longer than anybody is told here that they do.
  await using rush = new Rush(shop, { name: 'hole', ordersPerSecond: 200, products: PRODUCTS, answerWithinMs: 20_000 })
  await rush.more(500)
  const proxy = shop.databaseProxy('order-1')
  const swallowed = proxy.swallowed
  proxy.blackHole()
  const asked = [1, 2, 3].map((number) =>
    placeOrder(order1(), { orderId: `hole-probe-${number}`, productId: 'PLENTY-1', quantity: 1 }),
  )
  for (const answer of await Promise.all(asked)) {
    assert.equal(answer.status, 503, answer.text)
    assert.ok((answer.retryAfterMs ?? 0) >= 1_000, 'it says when to come again')
    // A statement is given up after 6 s, a new connection after 2 s.
    assert.ok(answer.ms < 10_000 + rush.stoodStillMs, `somebody waited for ${answer.ms} ms`)
  }
  await proxy.heal()
  assert.ok(proxy.swallowed > swallowed)
  const healed = performance.now()
  await rush.more(100)
  const ms = performance.now() - healed
  assert.ok(ms < 15_000 + rush.stoodStillMs, `orders were accepted again after ${ms} ms`)
  await rush.more(500)
  const { noAnswer, unavailable } = rush.buyers.figures
  assert.ok(unavailable > 0)
  // Those whose COMMIT nobody answered were told so; nobody was left without a word.
  assert.equal(noAnswer, 0)
  await rush.endsWell(1_000)
})

test('a consumer whose connections to the database have become black holes gets others', async () => {
  await using rush = new Rush(shop, { name: 'forgotten', ordersPerSecond: 200, products: PRODUCTS })
  await rush.more(500)
  const proxy = shop.databaseProxy('stock-1')
  const { swallowed, accepted } = proxy
  proxy.blackHole({ connections: 'open' })
  await until('something is swallowed', () => proxy.swallowed > swallowed)
  const before = await reservations()
  await rush.more(500)
  await until('orders are decided again', async () => (await reservations()) > before + 100, 30_000)
  assert.ok(proxy.accepted > accepted, 'it has connected anew')
  await rush.endsWell(1_500)
})

let shop: Shop

before(async () => {
  shop = await startShop({
    proxied: { database: ['order-1', 'stock-1'], kafka: ['order-1'], redis: ['order-1', 'stock-1'] },
  })
  await shop.putOnSale('SCARCE', 1_000)
  await shop.putOnSale('PLENTY-1', 1_000_000)
  await shop.putOnSale('PLENTY-2', 1_000_000)
})

after(() => shop?.[Symbol.asyncDispose]())

function order1(): string {
  return shop.process('order-1').url
}

/** By the relay, which counts them when it has crossed them off. */
function recordsSent(): Promise<number> {
  return shop.process('order-1').metric('relay_records_total')
}

function duplicates(): Promise<number> {
  return shop.process('stock-1').metric('consumer_events_total', { outcome: 'duplicate' })
}

async function reservations(): Promise<number> {
  const [row] = await shop.infrastructure.admin('stock').sql<{ n: number }>`select count(*)::int as n from reservations`
  return row?.n ?? 0
}
