import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '@timesale/testkit/until'
import { Rush, assertTurnedAway, placeAccepted, placeOrder, placePatiently } from './rush.ts'
import { startShop, type Shop } from './shop.ts'

// No proxy is between anybody here: it would be in this process, and thousands who are turned away and come again leave
// it no time, so that the database would seem to be away as well.

const OUTBOX_CAP = 3_000

test('when more facts wait than may wait, orders are turned away without effect, until they have left', async () => {
  await using rush = new Rush(shop, { name: 'full', ordersPerSecond: 400, products: ['PLENTY'] })
  await rush.more(300)
  const accepted = { orderId: 'accepted-before', productId: 'PLENTY', quantity: 1 }
  const url = shop.process('order-1').url
  await placeAccepted(url, accepted)
  const broker = shop.part('kafka-1')
  await broker.kill()
  let probes = 0
  const isFull = async (): Promise<boolean> => {
    const order = { orderId: `probe-${(probes += 1)}`, productId: 'PLENTY', quantity: 1 }
    return (await placeOrder(url, order)).code === 'outbox-full'
  }
  await until('the outbox is full', isFull, 60_000)
  const refused = await Promise.all(
    Array.from({ length: 50 }, (_none, index) =>
      placePatiently(url, { orderId: `refused-${index}`, productId: 'PLENTY', quantity: 1 }),
    ),
  )
  for (const answer of refused) {
    assertTurnedAway(answer)
    assert.equal(answer.code, 'outbox-full')
  }
  const again = await placePatiently(url, accepted)
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
  shop = await startShop({ env: { order: { OUTBOX_CAP_EVENTS: String(OUTBOX_CAP) } } })
  await shop.putOnSale('PLENTY', 1_000_000)
})

after(() => shop?.[Symbol.asyncDispose]())
