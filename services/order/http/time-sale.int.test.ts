import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fact } from '@timesale/contracts/event'
import type { Sale } from '@timesale/contracts/fields'
import type { OrderableProduct, OrderView } from '@timesale/contracts/order-api'
import { ProductChanged } from '@timesale/contracts/product-events'
import { StockRejected } from '@timesale/contracts/stock-events'
import type { Database } from '@timesale/postgres/database'
import type { Running } from '@timesale/process/run'
import { stockAnnounced } from '@timesale/testkit/events'
import { readJson, readProblem, sendJson, type Answer } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import { produce, readTopic, recordOf } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startOrder } from '../app.ts'
import { readConfig } from '../config.ts'

// Two replicas, without Redis, which would answer repeated orders by itself.

const PRICE = 12_900
const SALE_PRICE = 4_900

test('nobody is early or late: what is accepted was placed inside the window, by the clock of the database', async () => {
  const { db, urls } = running()
  const product = 'rush'
  const hour = 3_600_000
  const far = new Date((await databaseTime()) + hour)
  const announced = { startsAt: far, endsAt: new Date(far.getTime() + hour), units: 500, limitPerBuyer: 2 }
  const { saleId, ...first } = saleOf(product, announced)
  await tell(product, { saleId, ...first })
  assert.deepEqual(await orderable(product, saleId), {
    ...{ productId: product, unitPriceMinor: SALE_PRICE, currency: 'KRW' },
    sale: { saleId, units: 500, limitPerBuyer: 2, startsAt: first.startsAt, endsAt: first.endsAt },
  })

  // Buyers who come again and again, before, within and after.
  const over = new AbortController()
  const tried = new Map<string, Answer>()
  const buyers = Array.from({ length: 8 }, async (_, buyer) => {
    for (let count = 0; !over.signal.aborted; count += 1) {
      const orderId = `rush-${buyer}-${count}`
      tried.set(orderId, await place({ orderId, productId: product, quantity: 1 }, urls[buyer % 2]))
    }
  })
  await until('somebody was too early at each', () => tried.size > 16)
  // Past Kafka, which may take longer than the sale. Open for longer than a busy machine stands still.
  const [window] = await db.sql<{ starts: Date; ends: Date }>`
    update product_copies
    set sale_starts_at = date_trunc('milliseconds', now()) + interval '1.5 seconds',
      sale_ends_at = date_trunc('milliseconds', now()) + interval '5 seconds'
    where product_id = ${product}
    returning sale_starts_at as starts, sale_ends_at as ends`
  assert.ok(window !== undefined)
  const { starts, ends } = window
  await until('somebody was too late', () => [...tried.values()].some(({ text }) => text.includes('sale-ended')))
  over.abort()
  await Promise.all(buyers)

  const rows = await db.sql<{ order_id: string; inside: boolean; price: number; sale_id: string }>`
    select order_id, unit_price_minor::int as price, sale_id,
      placed_at >= ${starts} and placed_at < ${ends} as inside
    from orders where product_id = ${product}`
  const accepted = [...tried].filter(([, { status }]) => status === 202).map(([orderId]) => orderId)
  assert.ok(accepted.length > 0)
  assert.deepEqual(rows.map(({ order_id: id }) => id).toSorted(), accepted.toSorted())
  for (const { inside, price, sale_id: id } of rows) assert.deepEqual([inside, price, id], [true, SALE_PRICE, saleId])

  const refused = [...tried.values()].filter(({ status }) => status !== 202).map(readDocument)
  const early = refused.filter(({ code }) => code === 'sale-not-started')
  const late = refused.filter(({ code }) => code === 'sale-ended')
  assert.ok(early.length > 0 && early.length + late.length === refused.length)
  for (const { accepted: taken, startsAt, startsInMs: inMs } of early) {
    assert.ok(taken === false && (startsAt === first.startsAt || startsAt === starts.toISOString()), String(startsAt))
    const most = startsAt === first.startsAt ? hour : 1_500
    assert.ok(Number.isInteger(inMs) && Number(inMs) >= 1 && Number(inMs) <= most, String(inMs))
  }
  for (const { accepted: taken, endsAt, endedMsAgo: ago } of late) {
    assert.deepEqual([taken, endsAt], [false, ends.toISOString()])
    assert.ok(Number.isInteger(ago) && Number(ago) >= 0, String(ago))
  }

  // After the end: what was accepted is answered as before, and nothing is accepted any more.
  const [oneOfThem = ''] = accepted
  for (const url of urls) {
    const again = await place({ orderId: oneOfThem, productId: product, quantity: 1 }, url)
    assert.equal(again.text, `{"orderId":"${oneOfThem}","status":"PLACED"}`)
    assert.equal(again.status, 202)
    assert.equal(
      readProblem(await place({ orderId: oneOfThem, productId: product, quantity: 2 }, url)).code,
      'order-id-reused',
    )
    assert.equal(
      readProblem(await place({ orderId: 'rush-late', productId: product, quantity: 1 }, url)).code,
      'sale-ended',
    )
  }
  // The sale is over, and so is what was said of it: at the price of every day again.
  await tell(product, undefined, 2)
  assert.equal((await orderable(product, undefined)).unitPriceMinor, PRICE)
  for (const [index, url] of urls.entries()) {
    const orderId = `every-day-${index}`
    assert.equal((await place({ orderId, productId: product, quantity: 3 }, url)).status, 202)
    assert.equal((await readOrder(orderId)).unitPriceMinor, PRICE)
    assert.equal((await readOrder(orderId)).saleId, undefined)
  }
  assert.equal((await readOrder(oneOfThem)).saleId, saleId)
  assert.equal((await readOrder(oneOfThem)).unitPriceMinor, SALE_PRICE)
})

test('a sale that is moved counts as it is now, at a replica that knew the old one, too', async () => {
  const { urls } = running()
  const product = 'moved'
  const now = await databaseTime()
  const at = (inMs: number): Date => new Date(now + inMs)
  const attempt = (name: string, url: string): Promise<Answer> =>
    place({ orderId: `moved-${name}`, productId: product, quantity: 1 }, url)
  const windows: [startsAt: Date, endsAt: Date, code: string | undefined][] = [
    [at(3_600_000), at(7_200_000), 'sale-not-started'],
    [at(-60_000), at(7_200_000), undefined],
    [at(-120_000), at(-60_000), 'sale-ended'],
    [at(-60_000), at(3_600_000), undefined],
    [at(3_600_000), at(7_200_000), 'sale-not-started'],
  ]
  for (const [index, [startsAt, endsAt, code]] of windows.entries()) {
    const sale = saleOf(product, { startsAt, endsAt })
    await tell(product, sale, index + 1)
    await until('it is known', async () => (await orderable(product, sale.saleId)).sale?.startsAt === sale.startsAt)
    for (const [replica, url] of urls.entries()) {
      const answer = await attempt(`${index}-${replica}`, url)
      assert.equal(answer.status === 202 ? undefined : readProblem(answer).code, code)
      assert.equal(
        (await attempt(`1-${replica}`, url)).status,
        index === 0 ? 409 : 202,
        'accepted in the second window',
      )
    }
  }
})

test('an order above the limit of a buyer is refused at once and names the quantity; what was accepted stays', async () => {
  const product = 'limited'
  const now = await databaseTime()
  const about = { startsAt: new Date(now - 1_000), endsAt: new Date(now + 600_000) }
  await tell(product, saleOf(product, { ...about, limitPerBuyer: 3 }))
  await orderable(product, `sale-of-${product}`)
  const refused = readDocument(await place({ orderId: 'limit-4', productId: product, quantity: 4 }))
  assert.deepEqual([refused.code, refused.accepted, refused.limitPerBuyer], ['buyer-limit', false, 3])
  assert.deepEqual(
    refused.errors?.map(({ field }) => field),
    ['quantity'],
  )
  assert.equal((await place({ orderId: 'limit-3', productId: product, quantity: 3 })).status, 202)
  await tell(product, saleOf(product, { ...about, limitPerBuyer: 1 }), 2)
  await until(
    'the limit is known',
    async () => (await orderable(product, `sale-of-${product}`)).sale?.limitPerBuyer === 1,
  )
  assert.equal((await place({ orderId: 'limit-3', productId: product, quantity: 3 })).status, 202)
  assert.equal(readProblem(await place({ orderId: 'limit-2', productId: product, quantity: 2 })).code, 'buyer-limit')
  assert.equal((await place({ orderId: 'limit-1', productId: product, quantity: 1 })).status, 202)
})

test('what stock says of a sale reaches the buyer, and what stock needs to know of it is on the topic', async () => {
  const { infra, db } = running()
  const product = 'told'
  const now = await databaseTime()
  const window = { startsAt: new Date(now - 1_000), endsAt: new Date(now + 600_000) }
  await tell(product, saleOf(product, { ...window, units: 7, limitPerBuyer: 5 }))
  await orderable(product, `sale-of-${product}`)
  for (const reason of ['sale-sold-out', 'buyer-limit', 'a-reason-of-later']) {
    const about = { orderId: `told-${reason}`, productId: product, quantity: 2 }
    assert.equal((await place(about)).status, 202)
    assert.equal((await readOrder(about.orderId)).reason, undefined)
    const data = { ...about, reason }
    await produce(infra.brokers, [recordOf(fact(StockRejected, { aggregateId: about.orderId, version: 1, data }))])
    const order = await until('it is rejected', async () => {
      const view = await readOrder(about.orderId)
      return view.status === 'REJECTED' && view
    })
    assert.equal(order.reason, reason)
  }
  await until('the outbox is empty', async () => (await db.sql`select 1 from outbox limit 1`).length === 0)
  await using offsets = new Offsets(infra.brokers)
  const records = await readTopic(infra.brokers, 'order-topic', await offsets.count('order-topic'))
  const placed = records.filter(
    ({ key, headers }) => key === 'told-buyer-limit' && headers['ce_type'] === 'order.placed.v1',
  )
  assert.deepEqual(
    placed.map(({ value }) => JSON.parse(value) as unknown),
    [
      {
        ...{ orderId: 'told-buyer-limit', buyerId: 'open', productId: product, quantity: 2 },
        ...{ unitPriceMinor: SALE_PRICE, currency: 'KRW' },
        sale: { saleId: `sale-of-${product}`, units: 7, limitPerBuyer: 5 },
      },
    ],
  )
})

interface Shop {
  readonly infra: Infrastructure
  readonly db: Database
  readonly replicas: Running[]
  readonly urls: string[]
}

let started: Shop | undefined

before(async () => {
  const infra = await startInfrastructure({ databases: ['order'], kafka: true })
  const replicas = await Promise.all([1, 2].map(() => startOrder(readConfig(infra.env('order')))))
  const urls = replicas.map(({ port }) => `http://127.0.0.1:${port}`)
  started = { infra, db: infra.admin('order'), replicas, urls }
})

after(async () => {
  await Promise.all((started?.replicas ?? []).map((replica) => replica.stop()))
  await started?.infra[Symbol.asyncDispose]()
})

function running(): Shop {
  assert.ok(started !== undefined)
  return started
}

function place(body: object, url = running().urls[0]): Promise<Answer> {
  return sendJson(`${url}/orders`, body)
}

function readOrder(orderId: string): Promise<OrderView> {
  return readJson<OrderView>(`${running().urls[0]}/orders/${orderId}`)
}

type Document = ReturnType<typeof readProblem> & Readonly<Record<string, unknown>>

function readDocument(answer: Answer): Document {
  return readProblem(answer)
}

async function databaseTime(): Promise<number> {
  const [row] = await running().db.sql<{ now: Date }>`select now()`
  return row?.now.getTime() ?? 0
}

function saleOf(
  productId: string,
  about: { startsAt: Date; endsAt: Date; units?: number; limitPerBuyer?: number },
): Sale {
  const { startsAt, endsAt, units = 100, limitPerBuyer } = about
  return {
    ...{ saleId: `sale-of-${productId}`, priceMinor: SALE_PRICE, units },
    ...{ startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString() },
    ...(limitPerBuyer === undefined ? {} : { limitPerBuyer }),
  }
}

/** Product says what it is now. Once known, stock has announced it as well. */
async function tell(productId: string, sale: Sale | undefined, version = 1): Promise<void> {
  const data = {
    ...{ productId, name: { ko: '상품', en: 'Product' }, priceMinor: PRICE, currency: 'KRW', unitsOnSale: 1_000 },
    ...(sale === undefined ? {} : { sale }),
  }
  await produce(running().infra.brokers, [
    recordOf(fact(ProductChanged, { aggregateId: productId, version, data })),
    ...(version === 1 ? [stockAnnounced(productId)] : []),
  ])
}

/** What can be ordered, once it is in this sale, or in none. */
function orderable(productId: string, saleId: string | undefined): Promise<OrderableProduct> {
  return until(`${productId} is in ${saleId}`, async () => {
    const offer = await readJson<OrderableProduct>(`${running().urls[0]}/orderable-products/${productId}`)
    return offer.sale?.saleId === saleId && offer
  })
}
