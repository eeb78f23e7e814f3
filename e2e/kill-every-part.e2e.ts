import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Buyers } from '@timesale/sale/buyers'
import { until } from '@timesale/testkit/until'
import { settled, verdict } from '@timesale/verify/verdict'
import { startLocalShop, type LocalShop } from './local-shop.ts'

// The promise itself: any part may die at any moment, and the books balance. Buyers order all the time; each part is
// killed with SIGKILL in turn, past the supervisor, which brings it back.

const PARTS = [
  'stock',
  'kafka-1',
  'postgres-stock',
  'order',
  'redis',
  'postgres-order',
  'notification',
  'postgres-notification',
  'analytics',
  'postgres-analytics',
  'product',
  'postgres-product',
] as const

/** Accepting an order asks nobody but these. */
const NEEDED_TO_ACCEPT = new Set<string>(['order', 'postgres-order'])
const BEFORE_MS = 1_000
const ORDERS_PER_SECOND = 30
/** Nothing here is about how fast a part starts. */
const RUNS_WITHIN_MS = 120_000

let shop: LocalShop
let buyers: Buyers

before(async () => {
  shop = await startLocalShop()
  // One product of which there is soon nothing left, and two of which there is plenty.
  await putOnSale('SCARCE', 300)
  await putOnSale('PLENTY-1', 1_000_000)
  await putOnSale('PLENTY-2', 1_000_000)
  buyers = new Buyers({
    urls: [shop.url('order')],
    products: ['SCARCE', 'PLENTY-1', 'PLENTY-2'],
    ordersPerSecond: ORDERS_PER_SECOND,
  })
})

after(async () => {
  await shop?.[Symbol.asyncDispose]()
})

for (const part of PARTS) {
  test(`orders go on while ${part} is killed, and it comes back`, async () => {
    await moreOrders(BEFORE_MS)
    const { pid, unansweredBefore } = await kill(part)
    await until(
      `${part} runs again`,
      async () => {
        const now = (await shop.status()).find(({ name }) => name === part)
        return now?.state === 'running' && now.pid !== pid
      },
      RUNS_WITHIN_MS,
    )
    await moreOrders(BEFORE_MS)
    if (NEEDED_TO_ACCEPT.has(part)) return
    assert.equal(unanswered(), unansweredBefore, 'Every order is answered 202, or 409 where nothing is left')
  })
}

test('a consumer that was stopped for a while catches up', async () => {
  await shop.run('part', 'stop', 'notification')
  await moreOrders(3_000)
  await until('its lag shows', async () => /notification [1-9]/.test(await shop.run('status')))
  await shop.run('part', 'start', 'notification')
})

test('the books balance after all of it', async () => {
  await buyers.stop()
  assert.deepEqual(buyers.unexpected, [])
  const told = buyers.outcome()
  assert.ok(told.accepted.length > 300, `only ${told.accepted.length} orders were accepted: nothing is proved`)
  await settled(shop)
  assert.deepEqual(await verdict(shop, told), [])
  assert.ok(told.turnedAway.length > 0, 'nobody was turned away at the door, so that path was not tried')
})

async function kill(part: string): Promise<{ pid: number; unansweredBefore: number }> {
  const pid = (await shop.status()).find(({ name }) => name === part)?.pid
  assert.ok(typeof pid === 'number', `${part} has no process`)
  const unansweredBefore = unanswered()
  process.kill(pid, 'SIGKILL')
  return { pid, unansweredBefore }
}

function unanswered(): number {
  const { unavailable, noAnswer } = buyers.figures
  return unavailable + noAnswer
}

async function moreOrders(ms: number): Promise<void> {
  const known = (): number => buyers.figures.accepted + buyers.figures.turnedAway
  const enough = known() + (ORDERS_PER_SECOND * ms) / 1000
  await until('more orders come in', () => known() >= enough)
}

async function putOnSale(productId: string, units: number): Promise<void> {
  const answer = await fetch(`${shop.url('product')}/products`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      productId,
      name: { ko: productId, en: productId },
      priceMinor: 1_000,
      currency: 'KRW',
      units,
    }),
  })
  assert.equal(answer.status, 201)
  await until(
    `${productId} can be ordered`,
    async () => (await fetch(`${shop.url('order')}/orderable-products/${productId}`)).ok,
  )
}
