import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { SalesMinute, TopProduct } from '@timesale/contracts/analytics-api'
import type { OrderAbout } from '@timesale/contracts/order-events'
import type { Running } from '@timesale/process/run'
import { GROUPS } from '@timesale/contracts/topics'
import { orderTold, productChanged, stockAnnounced, stockReserved } from '@timesale/testkit/events'
import { calledFor } from '@timesale/testkit/gateway-key'
import { readJson, readProblem, send } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { readMetric } from '@timesale/testkit/metrics'
import { Offsets } from '@timesale/testkit/offsets'
import { produce, type TestRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startAnalytics } from '../app.ts'
import { readConfig } from '../config.ts'

const MARCH = '2026-03-01T12'

test('confirmed orders are summed up by the minute in which they were confirmed, and by currency', async () => {
  await sell(`${MARCH}:00:00.000Z`, { productId: 'A001', quantity: 2, unitPriceMinor: 100 })
  await sell(`${MARCH}:00:59.999Z`, { productId: 'B001', quantity: 3, unitPriceMinor: 50 })
  await sell(`${MARCH}:01:00.000Z`, { productId: 'A001', quantity: 1, unitPriceMinor: 70 })
  await sell(`${MARCH}:00:30.000Z`, { productId: 'A001', quantity: 1, unitPriceMinor: 5, currency: 'USD' })
  // As large as a price may be: sums are exact where floating point would not be.
  await sell(`${MARCH}:02:00.000Z`, { productId: 'C001', quantity: 1000, unitPriceMinor: 1_000_000_000_000 })
  await sell(`${MARCH}:02:00.000Z`, { productId: 'C001', quantity: 1, unitPriceMinor: 1 })
  const about = { orderId: 'not-sold', productId: 'A001', quantity: 9 }
  await tell(orderTold('placed', about), orderTold('rejected', about, { at: new Date(`${MARCH}:00:10.000Z`) }))
  await consumed('not-sold', 2)

  const answer = await send(`${shop().url}/sales?from=${MARCH}:00:00Z&to=${MARCH}:03:00Z`)
  assert.equal(answer.status, 200)
  assert.deepEqual(JSON.parse(answer.text), [
    { minute: `${MARCH}:00:00.000Z`, currency: 'KRW', orders: 2, units: 5, revenueMinor: 350 },
    { minute: `${MARCH}:00:00.000Z`, currency: 'USD', orders: 1, units: 1, revenueMinor: 5 },
    { minute: `${MARCH}:01:00.000Z`, currency: 'KRW', orders: 1, units: 1, revenueMinor: 70 },
    { minute: `${MARCH}:02:00.000Z`, currency: 'KRW', orders: 2, units: 1001, revenueMinor: 1_000_000_000_000_001 },
  ])
  assert.match(
    answer.text,
    /^\[\{"minute":"2026-03-01T12:00:00.000Z","currency":"KRW","orders":2,"units":5,"revenueMinor":350\}/,
  )
})

test('a span has its beginning and not its end, in whatever time zone it is asked for', async () => {
  const minutes = async (query: string): Promise<string[]> =>
    (await readJson<SalesMinute[]>(`${shop().url}/sales?${query}`))
      .filter(({ currency }) => currency === 'KRW')
      .map(({ minute }) => minute.slice(14, 16))
  assert.deepEqual(await minutes(`from=${MARCH}:00:00Z&to=${MARCH}:01:00Z`), ['00'])
  assert.deepEqual(await minutes(`from=${MARCH}:00:00Z&to=${MARCH}:01:00.001Z`), ['00', '01'])
  assert.deepEqual(await minutes(`from=${MARCH}:00:59Z&to=${MARCH}:01:00Z`), ['00'], 'the minute that it begins in')
  assert.deepEqual(await minutes(`from=${MARCH}:01:00Z&to=${MARCH}:01:00Z`), [])
  assert.deepEqual(await minutes('from=2026-03-01T21:01:00%2B09:00&to=2026-03-01T21:02:00%2B09:00'), ['01'])
  assert.deepEqual(await minutes(`to=${MARCH}:02:00Z`), ['00', '01'], 'an hour, where no beginning is said')
  assert.deepEqual(await readJson(`${shop().url}/sales`), [], 'the last hour, where nothing is said')
  const now = new Date()
  await sell(now.toISOString(), { productId: 'D001', quantity: 1, unitPriceMinor: 1 })
  const minute = `${now.toISOString().slice(0, 16)}:00.000Z`
  assert.deepEqual(await readJson(`${shop().url}/sales`), [
    { minute, currency: 'KRW', orders: 1, units: 1, revenueMinor: 1 },
  ])
})

test('products are ranked by units sold, those alike by id', async () => {
  await sell(`${MARCH}:30:00.000Z`, { productId: 'B002', quantity: 3, unitPriceMinor: 10 })
  const top = await readJson<TopProduct[]>(`${shop().url}/top-products`)
  assert.deepEqual(top, [
    { productId: 'C001', currency: 'KRW', orders: 2, units: 1001, revenueMinor: 1_000_000_000_000_001 },
    { productId: 'A001', currency: 'KRW', orders: 2, units: 3, revenueMinor: 270 },
    { productId: 'B001', currency: 'KRW', orders: 1, units: 3, revenueMinor: 150 },
    { productId: 'B002', currency: 'KRW', orders: 1, units: 3, revenueMinor: 30 },
    { productId: 'A001', currency: 'USD', orders: 1, units: 1, revenueMinor: 5 },
    { productId: 'D001', currency: 'KRW', orders: 1, units: 1, revenueMinor: 1 },
  ])
  assert.deepEqual(await readJson(`${shop().url}/top-products?limit=2`), top.slice(0, 2))
})

test('every event of every topic is counted once, also when all of it is delivered again', async () => {
  const at = new Date('2026-04-01T00:00:30.000Z')
  const orders = Array.from({ length: 50 }, (_, index) => ({
    orderId: `again-${index}`,
    productId: `G00${index % 3}`,
    quantity: 1 + (index % 4),
    unitPriceMinor: 1_000 + index,
  }))
  const told = [
    productChanged('G000', {}, { at }),
    stockAnnounced('G000', 1_000, { at }),
    ...orders.flatMap((order) => [
      orderTold('placed', order, { at }),
      stockReserved(order, { at }),
      orderTold('confirmed', order, { at }),
    ]),
  ]
  await tell(...told)
  await tell(...told)
  await Promise.all(orders.map(({ orderId }) => consumed(orderId, 2)))
  await until('the other topics too', async () => (await eventsAt(at)).length === 5)

  const sold = {
    orders: orders.length,
    units: orders.reduce((sum, { quantity }) => sum + quantity, 0),
    revenueMinor: orders.reduce((sum, { quantity, unitPriceMinor }) => sum + quantity * unitPriceMinor, 0),
  }
  const readSales = (): Promise<unknown> =>
    readJson(`${shop().url}/sales?from=2026-04-01T00:00:00Z&to=2026-04-01T00:01:00Z`)
  const expected = [{ minute: '2026-04-01T00:00:00.000Z', currency: 'KRW', ...sold }]
  const counted = [
    { type: 'order.confirmed.v1', events: 50 },
    { type: 'order.placed.v1', events: 50 },
    { type: 'product.changed.v1', events: 1 },
    { type: 'stock.announced.v1', events: 1 },
    { type: 'stock.reserved.v1', events: 50 },
  ]
  assert.deepEqual(await readSales(), expected)
  await until('all are counted', async () => {
    assert.deepEqual(await eventsAt(at), counted)
    return true
  })
  const before = await everything()

  const { infra } = shop()
  await using offsets = new Offsets(infra.brokers)
  const topics = GROUPS.analytics
  const records = (await Promise.all(topics.map((topic) => offsets.count(topic)))).reduce(
    (sum, count) => sum + count,
    0,
  )
  await stop()
  // The broker may not have heard yet that its last member has left.
  await until('the group is forgotten', () => offsets.forget('analytics').then(() => true))
  await startService()
  // Some of it more than once, where a batch has to be tried again.
  await until('all of it was delivered again', async () => {
    return (await readMetric(shop().url, 'consumer_events_total', { outcome: 'duplicate' })) >= records
  })
  assert.equal(await readMetric(shop().url, 'consumer_events_total', { outcome: 'applied' }), 0)
  assert.deepEqual(await readSales(), expected)
  assert.deepEqual(await eventsAt(at), counted)
  assert.deepEqual(await everything(), before)
})

test('what the shop earns is for operators', async () => {
  const { url } = shop()
  for (const path of ['/sales', '/top-products']) {
    const ask = async (...who: Parameters<typeof calledFor>) =>
      await send(`${url}${path}`, { headers: await calledFor(...who) })
    assert.equal((await ask('ops', 'operator')).status, 200)
    assert.equal(readProblem(await ask('kim', 'buyer', 'seller')).code, 'forbidden')
    assert.equal(readProblem(await ask('kim')).code, 'forbidden')
    assert.equal(readProblem(await ask()).code, 'unauthenticated')
  }
})

test('queries that make no sense are refused by name', async () => {
  const { url } = shop()
  for (const [query, field] of [
    ['from=yesterday', 'from'],
    ['from=', 'from'],
    ['from=2026-03-01', 'from'],
    ['from=2026-13-01T00:00:00Z', 'from'],
    ['from=2026-02-30T00:00:00Z', 'from'],
    ['from=2026-03-01T00:00:00', 'from'],
    ['from=1772323200', 'from'],
    ['from=2016-12-31T23:59:60Z', 'from'],
    ['to=2016-12-31T23:59:60Z', 'to'],
    ['to=2026-03-01T25:00:00Z', 'to'],
    ['to=%00', 'to'],
    ['from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z', 'from'],
    ['from=2026-03-01T00:00:00Z&from=2026-03-01T00:00:00Z', 'from'],
    ['by=hour', 'by'],
  ] as const) {
    assertRefused(await send(`${url}/sales?${query}`), field, query)
  }
  for (const [query, field] of [
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['currency=KRW', 'currency'],
  ] as const) {
    assertRefused(await send(`${url}/top-products?${query}`), field, query)
  }
  // Odd, and a time all the same.
  for (const from of [
    '2026-03-01t12:00:00z',
    '2026-03-01T12:00:00.000000000Z',
    '0000-01-01T00:00:00Z',
    '2026-03-01%2012:00:00Z',
    '2026-03-01T12:00:00%2B0900',
    '2026-03-01T12:00:00%2B09',
  ]) {
    const answer = await send(`${url}/sales?from=${from}&to=2026-03-01T12:01:00Z`)
    assert.ok(answer.status === 200 || readProblem(answer).code === 'invalid-request', `${from}: ${answer.text}`)
  }
})

interface Shop {
  readonly infra: Infrastructure
  readonly db: ReturnType<Infrastructure['admin']>
  readonly analytics: Running
  readonly url: string
}

let infra: Infrastructure | undefined
let running: Shop | undefined
let sold = 0

before(async () => {
  infra = await startInfrastructure({ databases: ['analytics'], kafka: true })
  await startService()
})

after(async () => {
  await stop()
  await infra?.[Symbol.asyncDispose]()
})

async function startService(): Promise<void> {
  assert.ok(infra !== undefined)
  const analytics = await startAnalytics(readConfig(infra.env('analytics')))
  running = { infra, db: infra.admin('analytics'), analytics, url: `http://127.0.0.1:${analytics.port}` }
}

async function stop(): Promise<void> {
  await running?.analytics.stop()
  running = undefined
}

function shop(): Shop {
  assert.ok(running !== undefined)
  return running
}

function tell(...records: TestRecord[]): Promise<void> {
  return produce(shop().infra.brokers, records)
}

/** An order that is confirmed then; twice, since that may happen. */
async function sell(at: string, about: Partial<OrderAbout> & { productId: string; quantity: number }): Promise<void> {
  sold += 1
  const order = { orderId: `sold-${sold}`, ...about }
  const confirmed = orderTold('confirmed', order, { at: new Date(at) })
  await tell(orderTold('placed', order, { at: new Date(at) }), confirmed, confirmed)
  await consumed(order.orderId, 2)
}

async function consumed(orderId: string, version: number): Promise<void> {
  await until(`${orderId}.${version} is consumed`, async () => {
    const [row] = await shop().db.sql<{ version: number }>`
      select version from inbox where source = '/order/orders' and aggregate_id = ${orderId}`
    return row?.version === version
  })
}

function eventsAt(at: Date): Promise<{ type: string; events: number }[]> {
  return shop().db.sql<{ type: string; events: number }>`
    select type, events::int from events_by_minute
    where minute = date_trunc('minute', ${at}::timestamptz) order by type`
}

async function everything(): Promise<unknown> {
  const { db } = shop()
  return [
    await db.sql`select * from sales_by_minute order by minute, currency`,
    await db.sql`select * from sales_by_product order by product_id, currency`,
    await db.sql`select * from events_by_minute order by minute, type`,
  ]
}

function assertRefused(answer: Awaited<ReturnType<typeof send>>, field: string, query: string): void {
  const document = readProblem(answer)
  assert.equal(document.code, 'invalid-request', query)
  assert.deepEqual(
    document.errors?.map((error) => error.field),
    [field],
    query,
  )
}
