import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Notice } from '@timesale/contracts/notification-api'
import type { Running } from '@timesale/process/run'
import { orderTold } from '@timesale/testkit/events'
import { calledFor } from '@timesale/testkit/gateway-key'
import { readJson, readProblem, send } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { readMetric } from '@timesale/testkit/metrics'
import { Offsets } from '@timesale/testkit/offsets'
import { produce, type TestRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startNotification } from '../app.ts'
import { readConfig } from '../config.ts'

const AT = new Date('2026-03-01T12:34:56.789Z')

test('the buyer is told once of what became of an order, at the time when it happened', async () => {
  for (const [what, kind] of [
    ['confirmed', 'CONFIRMED'],
    ['rejected', 'REJECTED'],
    ['cancelled', 'CANCELLED'],
  ] as const) {
    const order = { orderId: `n-${what}`, productId: 'A001', quantity: 1, buyerId: 'kim' }
    await tell(orderTold('placed', order))
    await consumed(order.orderId, 1)
    const nothingYet = await send(`${shop().url}/notices?orderId=${order.orderId}`)
    assert.equal(nothingYet.text, '[]', 'an order that is placed is no news to its buyer')

    const outcome = orderTold(what, order, { at: AT })
    await tell(outcome, outcome)
    await consumed(order.orderId, 2)
    const answer = await send(`${shop().url}/notices?orderId=${order.orderId}`)
    assert.equal(answer.status, 200)
    assert.equal(answer.text, `[{"orderId":"n-${what}","kind":"${kind}","at":"2026-03-01T12:34:56.789Z"}]`)
    assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
  }
})

test('two outcomes of one order are two notices, oldest first', async () => {
  const order = { orderId: 'n-returned', productId: 'A001', quantity: 1 }
  await tell(
    orderTold('placed', order),
    orderTold('confirmed', order, { at: new Date(AT.getTime() + 1) }),
    orderTold('cancelled', order, { version: 3, at: new Date(AT.getTime() + 2) }),
  )
  await consumed('n-returned', 3)
  assert.deepEqual(
    (await noticesOf('n-returned')).map(({ kind }) => kind),
    ['CONFIRMED', 'CANCELLED'],
  )
})

test('an outcome that overtakes the order waits for it, and is told once', async () => {
  const order = { orderId: 'n-overtaken', productId: 'A001', quantity: 1 }
  await tell(orderTold('confirmed', order, { at: AT }))
  await until('it is parked', async () => {
    return (await shop().db.sql`select 1 from parked_events where aggregate_id = 'n-overtaken'`).length === 1
  })
  assert.deepEqual(await noticesOf('n-overtaken'), [])
  await tell(orderTold('placed', order))
  await consumed('n-overtaken', 2)
  assert.deepEqual(await noticesOf('n-overtaken'), [
    { orderId: 'n-overtaken', kind: 'CONFIRMED', at: AT.toISOString() },
  ])
})

test('nobody is told of an order twice, also when all of the topic is delivered again', async () => {
  const orders = Array.from({ length: 40 }, (_, index) => ({ orderId: `n-${index}`, productId: 'A001', quantity: 1 }))
  const told = orders.flatMap((order, index) => [
    orderTold('placed', order),
    orderTold((['confirmed', 'rejected', 'cancelled'] as const)[index % 3] ?? 'confirmed', order, { at: AT }),
  ])
  await tell(...told)
  await Promise.all(orders.map(({ orderId }) => consumed(orderId, 2)))
  const before = await allNotices()
  assert.equal(before.filter(({ order_id: id }) => /^n-\d+$/.test(id)).length, orders.length)

  const { infra } = shop()
  await using offsets = new Offsets(infra.brokers)
  const records = await offsets.count('order-topic')
  await stop()
  // The broker may not have heard yet that its last member has left.
  await until('the group is forgotten', () => offsets.forget('notification').then(() => true))
  await startService()
  // Some of it more than once, where a batch has to be tried again.
  await until('all of it was delivered again', async () => {
    return (await readMetric(shop().url, 'consumer_events_total', { outcome: 'duplicate' })) >= records
  })
  assert.equal(await readMetric(shop().url, 'consumer_events_total', { outcome: 'applied' }), 0)
  assert.equal(await readMetric(shop().url, 'consumer_offset_fallbacks_total'), 6, 'every partition from its beginning')
  assert.deepEqual(await allNotices(), before)
  assert.deepEqual(await shop().db.sql`select 1 from parked_events`, [])

  const late = { orderId: 'n-later', productId: 'A001', quantity: 1 }
  await tell(orderTold('placed', late), orderTold('confirmed', late))
  await until('it goes on', async () => (await noticesOf('n-later')).length === 1)
})

test('notices are for the buyer of the order and for operators; for others there are none', async () => {
  const { url } = shop()
  const order = { orderId: 'n-mine', productId: 'A001', quantity: 1, buyerId: 'kim' }
  await tell(orderTold('placed', order), orderTold('confirmed', order, { at: AT }))
  await consumed('n-mine', 2)
  const ask = async (orderId: string, ...who: Parameters<typeof calledFor>) =>
    await send(`${url}/notices?orderId=${orderId}`, { headers: await calledFor(...who) })
  const notice = `[{"orderId":"n-mine","kind":"CONFIRMED","at":"${AT.toISOString()}"}]`
  assert.equal((await ask('n-mine', 'kim')).text, notice)
  assert.equal((await ask('n-mine', 'ops', 'operator')).text, notice)
  for (const who of [['lee', 'buyer'], ['lee', 'seller'], ['Kim'], ['open']] as const) {
    const answers = [await ask('n-mine', ...who), await ask('nobody-knows', ...who)]
    assert.deepEqual(
      answers.map(({ status, text }) => [status, text]),
      [
        [200, '[]'],
        [200, '[]'],
      ],
    )
  }
  assert.equal(readProblem(await ask('n-mine')).code, 'unauthenticated')
})

test('notices are asked for by one order id, and by nothing else', async () => {
  const { url } = shop()
  assert.deepEqual(await readJson(`${url}/notices?orderId=nobody-knows`), [])
  for (const [query, field] of [
    ['', 'orderId'],
    ['?orderId=', 'orderId'],
    ['?orderId=a%20b', 'orderId'],
    ['?orderId=%00', 'orderId'],
    ['?orderId=%ED%95%9C', 'orderId'],
    [`?orderId=${'x'.repeat(65)}`, 'orderId'],
    ['?orderId=a&orderId=b', 'orderId'],
    ['?orderId[]=a', 'orderId'],
    ['?orderId=a&kind=CONFIRMED', 'kind'],
    ['?orderid=a', 'orderId'],
  ] as const) {
    const document = readProblem(await send(`${url}/notices${query}`))
    assert.equal(document.code, 'invalid-request', query)
    assert.deepEqual(
      document.errors?.map((error) => error.field),
      [field],
      query,
    )
  }
  assert.equal(readProblem(await send(`${url}/notices`, { method: 'POST' })).code, 'method-not-allowed')
})

interface Shop {
  readonly infra: Infrastructure
  readonly db: ReturnType<Infrastructure['admin']>
  readonly notification: Running
  readonly url: string
}

let infra: Infrastructure | undefined
let running: Shop | undefined

before(async () => {
  infra = await startInfrastructure({ databases: ['notification'], kafka: true })
  await startService()
})

after(async () => {
  await stop()
  await infra?.[Symbol.asyncDispose]()
})

async function startService(): Promise<void> {
  assert.ok(infra !== undefined)
  const notification = await startNotification(readConfig(infra.env('notification')))
  running = { infra, db: infra.admin('notification'), notification, url: `http://127.0.0.1:${notification.port}` }
}

async function stop(): Promise<void> {
  await running?.notification.stop()
  running = undefined
}

function shop(): Shop {
  assert.ok(running !== undefined)
  return running
}

function tell(...records: TestRecord[]): Promise<void> {
  return produce(shop().infra.brokers, records)
}

async function consumed(orderId: string, version: number): Promise<void> {
  await until(`${orderId}.${version} is consumed`, async () => {
    const [row] = await shop().db.sql<{ version: number }>`select version from inbox where aggregate_id = ${orderId}`
    return row?.version === version
  })
}

function noticesOf(orderId: string): Promise<Notice[]> {
  return readJson<Notice[]>(`${shop().url}/notices?orderId=${orderId}`)
}

function allNotices(): Promise<{ order_id: string }[]> {
  return shop().db.sql<{ order_id: string }>`select * from notices order by order_id, kind`
}
