import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fact } from '@timesale/contracts/event'
import type { Sale } from '@timesale/contracts/fields'
import { OrderPlaced } from '@timesale/contracts/order-events'
import { ProductChanged } from '@timesale/contracts/product-events'
import { ShopChanged } from '@timesale/contracts/seller-events'
import { StockReleased } from '@timesale/contracts/stock-events'
import type {
  OwnOrdersView,
  ProductListView,
  ProductPageView,
  SearchView,
  ShopPageView,
} from '@timesale/contracts/storefront-api'
import type { Running } from '@timesale/process/run'
import { orderTold, stockAnnounced, stockRejected, stockReserved } from '@timesale/testkit/events'
import { calledFor } from '@timesale/testkit/gateway-key'
import { readProblem, send, type Answer } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import { produce, recordOf, type TestRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startStorefront } from '../app.ts'
import { readConfig } from '../config.ts'

let infrastructure: Infrastructure
let service: Running & { port: number }

before(async () => {
  infrastructure = await startInfrastructure({ databases: [], kafka: true, redis: true })
  service = await startStorefront(readConfig(infrastructure.env('storefront')))
  await until('the view of an empty shop is served', async () => (await get('/products')).status === 200)
})

after(async () => {
  await service?.stop()
  await infrastructure?.[Symbol.asyncDispose]()
})

test('a product is shown with what is left of it, as its orders come and go', async () => {
  const at = new Date('2026-03-01T12:34:56.789Z')
  await tell(product('A1', { priceMinor: 100 }), stockAnnounced('A1', 10, { at }))
  const page = await shows<ProductPageView>('/products/A1', ({ stockLeft }) => stockLeft === 10)
  assert.ok(Date.parse(page.asOf ?? '') > at.getTime(), 'the newest event is that of the product')
  assert.deepEqual(
    { ...page, asOf: undefined },
    {
      ...{ productId: 'A1', name: { ko: '상품 A1', en: 'Product A1' }, priceMinor: 100, currency: 'KRW' },
      ...{ version: 1, stockLeft: 10, asOf: undefined },
    },
  )
  const order = { orderId: 'a1-1', productId: 'A1', quantity: 3 }
  await tell(orderTold('placed', order), stockReserved(order), stockRejected({ ...order, orderId: 'a1-2' }))
  await shows<ProductPageView>('/products/A1', ({ stockLeft }) => stockLeft === 7)
  await tell(released(order), stockReserved({ ...order, orderId: 'a1-3', quantity: 2 }))
  await shows<ProductPageView>('/products/A1', ({ stockLeft }) => stockLeft === 8)
})

test('an older state of a product or a shop never covers a newer one', async () => {
  await tell(shop('B', 'new', 3), product('B1', { priceMinor: 300, shopId: 'B' }, 3))
  await tell(shop('B', 'old', 2), product('B1', { priceMinor: 200 }, 2), stockAnnounced('B1', 1))
  await allRead()
  const page = await read<ProductPageView>('/products/B1')
  assert.deepEqual([page.stockLeft, page.priceMinor], [1, 300])
  assert.equal((await read<ShopPageView>('/shops/B')).name, 'new')
})

test('units left of a sale are counted, whichever topic is ahead and however often it says so', async () => {
  const sale = saleOf('C-sale', 10)
  const order = (orderId: string, quantity: number): TestRecord =>
    placed({ orderId, productId: 'C1', quantity }, { saleId: sale.saleId, units: 10 })
  const about = (orderId: string, quantity: number) => ({ orderId, productId: 'C1', quantity })
  // Reserved is read before placed.
  await tell(stockAnnounced('C1', 100), stockReserved(about('c-1', 2)), stockReserved(about('c-2', 3)))
  await tell(stockReserved(about('c-3', 1)), released(about('c-3', 1)), product('C1', { sale }))
  await shows<ProductPageView>('/products/C1', (page) => page.stockLeft === 95 && page.sale?.unitsLeft === 10)
  await tell(order('c-1', 2), order('c-2', 3), order('c-3', 1))
  await shows<ProductPageView>('/products/C1', (page) => page.sale?.unitsLeft === 5)
  // Placed is read before reserved; one is in no sale, one is given up.
  await tell(order('c-4', 4), orderTold('placed', about('c-5', 7)), order('c-6', 1))
  await until('they were read', async () => (await ordersOf('open')).some(({ orderId }) => orderId === 'c-6'))
  await tell(stockReserved(about('c-4', 4)), stockReserved(about('c-5', 7)), stockReserved(about('c-6', 1)))
  await shows<ProductPageView>('/products/C1', (page) => page.stockLeft === 83 && page.sale?.unitsLeft === 0)
  await tell(released(about('c-4', 4)))
  await shows<ProductPageView>('/products/C1', (page) => page.stockLeft === 87 && page.sale?.unitsLeft === 4)
  // A relay that was killed sends again.
  const again = [
    stockReserved(about('c-1', 2)),
    stockReserved(about('c-4', 4)),
    released(about('c-4', 4)),
    order('c-1', 2),
  ]
  await tell(...again, ...again, stockAnnounced('C1', 100), product('C1', { sale, priceMinor: 7 }, 2))
  const page = await shows<ProductPageView>('/products/C1', ({ version }) => version === 2)
  await allRead()
  assert.deepEqual(await read('/products/C1').then(leftOf), { stockLeft: 87, unitsLeft: 4 })
  assert.deepEqual(
    { ...page.sale, endsInMs: 0, unitsLeft: 0 },
    { ...sale, state: 'running', startsInMs: 0, endsInMs: 0, unitsLeft: 0 },
  )
  // The next sale of the product begins with all of its units; the orders of the one before are none of its own.
  await tell(product('C1', { sale: saleOf('C-next', 50) }, 3))
  await shows<ProductPageView>('/products/C1', (next) => next.sale?.saleId === 'C-next' && next.sale.unitsLeft === 50)
  await tell(released(about('c-1', 2)))
  const last = await shows<ProductPageView>('/products/C1', ({ stockLeft }) => stockLeft === 89)
  assert.equal(last.sale?.unitsLeft, 50)
  await tell(product('C1', {}, 4))
  await shows<ProductPageView>('/products/C1', (none) => none.sale === undefined)
})

test('facts in any order of their topics, told more than once, come to the same', async () => {
  const random = seeded(20_261_121)
  const products = ['D1', 'D2', 'D3']
  const streams: TestRecord[][] = []
  const expected = new Map(products.map((id) => [id, { stockLeft: 1_000, unitsLeft: 400 }]))
  for (let index = 0; index < 150; index += 1) {
    const productId = products[index % 3] ?? ''
    const about = { orderId: `d-${index}`, productId, quantity: 1 + Math.floor(random() * 4) }
    const inSale = random() < 0.6
    const left = expected.get(productId)
    assert.ok(left)
    const fate = random()
    const terms = { saleId: `${productId}-sale`, units: 400 }
    streams.push([
      inSale ? placed(about, terms) : orderTold('placed', about),
      orderTold(fate < 0.7 ? 'confirmed' : 'cancelled', about),
    ])
    streams.push(
      fate < 0.1
        ? [stockRejected(about)]
        : fate < 0.7
          ? [stockReserved(about)]
          : [stockReserved(about), released(about)],
    )
    if (fate >= 0.1 && fate < 0.7) {
      left.stockLeft -= about.quantity
      if (inSale) left.unitsLeft -= about.quantity
    }
  }
  for (const id of products) {
    streams.push([product(id, { priceMinor: 1 }), product(id, { sale: saleOf(`${id}-sale`, 400) }, 2)])
    streams.push([stockAnnounced(id, 600), stockAnnounced(id, 1_000, { version: 2 })])
  }
  // Merged at random, each in its own order; now and then the last few of one are told again, in their order.
  const told: TestRecord[] = []
  const turns = streams.map(() => 0)
  while (turns.some((count, index) => count < (streams[index]?.length ?? 0))) {
    const index = Math.floor(random() * streams.length)
    const stream = streams[index] ?? []
    const count = turns[index] ?? 0
    const from = random() < 0.2 ? 0 : count
    told.push(...stream.slice(from, count + 1))
    turns[index] = Math.min(count + 1, stream.length)
  }
  for (let begin = 0; begin < told.length; begin += 120) await tell(...told.slice(begin, begin + 120))
  await allRead()
  for (const [id, left] of expected) assert.deepEqual(await read(`/products/${id}`).then(leftOf), left, id)
})

test('lists go on by cursor without a gap and without a repeat, while they grow', async () => {
  const ids = Array.from({ length: 25 }, (_, index) => `e-${String(index).padStart(2, '0')}`)
  const name = { ko: '목록', en: 'Listed' }
  await tell(shop('E', '가게 E'), ...ids.map((id) => product(id, { shopId: 'E', name })))
  await shows<ShopPageView>('/shops/E?limit=100', ({ products }) => products.length === 25)
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page: ShopPageView = await read(`/shops/E?limit=7${cursor === undefined ? '' : `&cursor=${cursor}`}`)
    assert.equal(page.name, '가게 E')
    if (seen.length === 7) {
      await tell(product('e-03-late', { shopId: 'E', name }), product('e-99', { shopId: 'E', name }))
      await shows<ShopPageView>('/shops/E?limit=100', ({ products }) => products.length === 27)
    }
    seen.push(...page.products.map(({ productId }) => productId))
    cursor = page.next
  } while (cursor !== undefined)
  assert.deepEqual(seen, [...ids, 'e-99'])

  const all: string[] = []
  do {
    const page: ProductListView = await read(`/products?limit=9${cursor === undefined ? '' : `&cursor=${cursor}`}`)
    assert.ok(page.products.length === 9 || page.next === undefined)
    all.push(...page.products.map(({ productId }) => productId))
    cursor = page.next
  } while (cursor !== undefined)
  assert.deepEqual(all, [...new Set(all)].toSorted())
  for (const id of [...ids, 'A1', 'D3', 'e-99']) assert.ok(all.includes(id), id)
})

test('a product that goes to another shop is shown there alone', async () => {
  await tell(shop('F', 'F'), shop('G', 'G'), product('F1', { shopId: 'F' }))
  await shows<ShopPageView>('/shops/F', ({ products }) => products.length === 1)
  await tell(product('F1', { shopId: 'G' }, 2))
  await shows<ShopPageView>('/shops/G', ({ products }) => products.length === 1)
  assert.deepEqual((await read<ShopPageView>('/shops/F')).products, [])
})

test('products are found in Korean and English, by their present names', async () => {
  await tell(
    product('H1', { name: { ko: '무선 이어폰', en: 'Wireless Earphones' } }),
    product('H2', { name: { ko: '무선 마우스', en: 'Wireless Mouse' } }),
    product('H3', { name: { ko: '유선 마우스', en: 'Wired Mouse' } }),
  )
  await tell(product('H3', { name: { ko: '게이밍 마우스', en: 'Gaming Mouse' } }, 2))
  await shows<ProductPageView>('/products/H3', ({ version }) => version === 2)
  await allRead()
  for (const [query, found] of [
    ['무선', ['H1', 'H2']],
    ['wire', ['H1', 'H2']],
    ['유선', []],
    ['WIRED', []],
    ['마우스', ['H2', 'H3']],
    ['ㅁㅇㅅ', ['H2', 'H3']],
    ['무ㅅ 이', ['H1']],
    ['무선이어폰', ['H1']],
    ['무선이', ['H1']],
    ['ㅁㅅㅁ', ['H2']],
    ['mouse ga', ['H3']],
    ['이어폰'.normalize('NFD'), ['H1']],
    ['!?', []],
    ['없는것', []],
  ] as const) {
    const page = await read<SearchView>(`/search?q=${encodeURIComponent(query)}`)
    assert.deepEqual(page.products.map(({ productId }) => productId).toSorted(), found, query)
  }
  assert.equal((await read<SearchView>('/search?q=mouse&limit=1')).products.length, 1)
})

test('a search goes on by cursor without a gap and without a repeat, and a cursor is good for its own search', async () => {
  const ids = Array.from({ length: 23 }, (_, index) => `m-${String(index).padStart(2, '0')}`)
  // Each has several words that begin alike.
  await tell(
    ...ids.map((id, index) => product(id, { name: { ko: `찾기 찾다 ${index}`, en: `Found Foundling ${index}` } })),
  )
  await allRead()
  for (const [query, limit] of [
    ['found', 7],
    ['found', 23],
    ['찾', 1],
    ['foundling 찾', 5],
  ] as const) {
    const seen: string[] = []
    let cursor = ''
    do {
      const page: SearchView = await read(`/search?q=${encodeURIComponent(query)}&limit=${limit}${cursor}`)
      assert.ok(page.products.length === limit || page.next === undefined, query)
      seen.push(...page.products.map(({ productId }) => productId))
      cursor = page.next === undefined ? '' : `&cursor=${page.next}`
    } while (cursor !== '')
    assert.deepEqual(seen.toSorted(), ids, query)
  }
  const { next = '' } = await read<SearchView>('/search?q=found&limit=7')
  for (const path of [
    `/search?q=other&cursor=${next}`,
    `/search?q=${encodeURIComponent('!?')}&cursor=${next}`,
    `/search?q=found&cursor=${next.slice(2)}`,
    '/search?q=found&cursor=m-07',
    '/search?q=found&cursor=',
  ]) {
    const problem = readProblem(await get(path))
    assert.deepEqual([problem.status, problem.errors?.[0]?.field], [400, 'cursor'], path)
  }
})

test('orders are shown to their buyer alone, newest first', async () => {
  const at = (ms: number) => ({ at: new Date(Date.parse('2026-03-01T00:00:00Z') + ms) })
  const of = (orderId: string, buyerId: string) => ({ orderId, productId: 'I1', quantity: 2, buyerId })
  const kims = Array.from({ length: 7 }, (_, index) => of(`i-${index}`, 'kim'))
  // Three of them at the same moment.
  await tell(...kims.map((order, index) => orderTold('placed', order, at(Math.min(index, 4)))))
  await tell(orderTold('placed', of('i-lee', 'lee'), at(9)), orderTold('rejected', of('i-2', 'kim'), at(10)))
  await tell(orderTold('confirmed', of('i-1', 'kim'), at(11)), orderTold('placed', of('i-1', 'kim'), at(1)))
  await allRead()

  const kim = await calledFor('kim', 'buyer')
  const seen: OwnOrdersView['orders'] = []
  let cursor = ''
  do {
    const page: OwnOrdersView = await read(`/me/orders?limit=2${cursor}`, kim)
    seen.push(...page.orders)
    cursor = page.next === undefined ? '' : `&cursor=${encodeURIComponent(page.next)}`
  } while (cursor !== '')
  assert.deepEqual(
    seen.map(({ orderId, status }) => `${orderId} ${status}`),
    ['i-6 PLACED', 'i-5 PLACED', 'i-4 PLACED', 'i-3 PLACED', 'i-2 REJECTED', 'i-1 CONFIRMED', 'i-0 PLACED'],
  )
  assert.deepEqual(seen[5], {
    ...{ orderId: 'i-1', productId: 'I1', quantity: 2, unitPriceMinor: 12_900, currency: 'KRW', status: 'CONFIRMED' },
    ...{ placedAt: '2026-03-01T00:00:00.001Z', changedAt: '2026-03-01T00:00:00.011Z' },
  })
  assert.deepEqual(
    (await ordersOf('lee')).map(({ orderId }) => orderId),
    ['i-lee'],
  )
  assert.deepEqual((await read<OwnOrdersView>('/me/orders', await calledFor('park', 'buyer'))).orders, [])

  const operator = await calledFor('ops', 'operator')
  assert.deepEqual((await read<OwnOrdersView>('/me/orders?buyerId=kim&limit=100', operator)).orders, seen)
  assert.deepEqual(
    (await read<OwnOrdersView>('/me/orders', operator)).orders,
    [],
    "an operator's own, where nobody is named",
  )

  assert.equal(readProblem(await get('/me/orders', await calledFor())).code, 'unauthenticated')
  assert.equal(readProblem(await get('/me/orders?buyerId=kim', await calledFor())).code, 'unauthenticated')
  assert.equal(
    readProblem(await get('/me/orders?buyerId=kim', await calledFor('lee', 'seller'))).errors?.[0]?.field,
    'buyerId',
  )
  assert.equal(readProblem(await get('/me/orders?buyerId=lee', kim)).errors?.[0]?.field, 'buyerId')
  assert.equal((await get('/products/A1', await calledFor())).status, 200, 'pages are for everybody')
  for (const [path, method] of [
    ['/view', 'GET'],
    ['/rebuild', 'POST'],
  ] as const) {
    const url = `http://127.0.0.1:${service.port}${path}`
    assert.equal(readProblem(await send(url, { method, headers: kim })).code, 'forbidden')
    assert.equal(readProblem(await send(url, { method, headers: await calledFor() })).code, 'unauthenticated')
  }
})

test('a read with the token of a write shows that write, or says how far behind the view is', async () => {
  const kim = await calledFor('kim', 'buyer')
  const asked = await askedBefore('J', (id) => ({
    reading: get(`/products/${id}`, { 'view-token': `/product/products/${id}.2` }),
    written: [product(id), product(id, { priceMinor: 2 }, 2)],
  }))
  assert.equal((JSON.parse(asked.text) as ProductPageView).priceMinor, 2, 'it waits')
  const { id: productId } = asked
  const own = await askedBefore('j', (id) => ({
    reading: get('/me/orders', { ...kim, 'view-token': `/order/orders/${id}.1` }),
    written: [orderTold('placed', { orderId: id, productId, quantity: 1, buyerId: 'kim' })],
  }))
  assert.ok(own.text.includes(`"${own.id}"`), own.text)
  const shopAsked = await askedBefore('J', (id) => ({
    reading: get(`/shops/${id}`, { 'view-token': `/seller/shops/${id}.1` }),
    written: [shop(id, 'J')],
  }))
  assert.equal(shopAsked.status, 200)
  await allRead()

  const [page, ofOrder] = [`/products/${productId}`, { 'view-token': `/order/orders/${own.id}.1` }]
  const hasty = await until('who has little time left is told sooner', async () => {
    const began = performance.now()
    const answer = await get(page, { 'view-token': `/product${page}.3`, 'x-timeout-ms': '300' })
    return performance.now() - began < 1_500 ? answer : undefined
  })
  const [absent, strangers, nobodys] = await Promise.all([
    get('/me/orders', { ...(await calledFor('lee', 'buyer')), 'view-token': '/order/orders/j-none.1' }),
    get('/me/orders', { ...(await calledFor('lee', 'buyer')), ...ofOrder }),
    get(page, { ...(await calledFor()), ...ofOrder }),
  ])
  for (const [answer, waitedSeconds] of [
    [absent, 1.9],
    [strangers, 1.9],
    [hasty, 0.1],
    [nobodys, 1.9],
  ] as const) {
    const problem = readProblem(answer)
    assert.equal(problem.code, 'view-behind')
    const { behindRecords, behindSeconds } = problem as unknown as { behindRecords: number; behindSeconds: number }
    assert.equal(behindRecords, 1, 'the fact that the token names is none of the view')
    assert.ok(behindSeconds >= waitedSeconds, `${behindSeconds} s, and ${waitedSeconds} s were waited`)
    assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
  }
  const timeless = ({ text }: { text: string }): string => text.replace(/"behindSeconds":[\d.]+/, '')
  assert.equal(timeless(absent), timeless(strangers))
  assert.equal(timeless(strangers), timeless(nobodys))
  const future = readProblem(await get(page, { 'view-token': `/product${page}.9`, 'x-timeout-ms': '150' }))
  assert.equal((future as unknown as { behindRecords: number }).behindRecords, 7)
  for (const token of ['x', '/order/orders/1', '/stock/reservations/1.1', '/no/such/1.1']) {
    const problem = readProblem(await get(page, { 'view-token': token }))
    assert.equal(problem.errors?.[0]?.field, 'view-token', token)
  }
})

test('what cannot be read is skipped, and everything behind it is applied', async () => {
  const partition = 3
  await tell(
    { topic: 'product-topic', partition, value: 'no event' },
    { topic: 'product-topic', partition, key: 'K1', value: '{"productId":"K1"}' },
    { ...product('K1'), partition, value: '{"productId":"K1"}' },
    { ...product('K1'), partition },
  )
  await shows<ProductPageView>('/products/K1', () => true)
})

test('what there is not, and what nobody can mean, is refused', async () => {
  assert.equal(readProblem(await get('/products/none')).code, 'product-not-found')
  assert.equal(readProblem(await get('/shops/none')).code, 'shop-not-found')
  await tell(stockAnnounced('L1', 5))
  await allRead()
  assert.equal(readProblem(await get('/products/L1')).code, 'product-not-found', 'nobody knows its price')
  for (const [path, field] of [
    ['/products?limit=0', 'limit'],
    ['/products?limit=101', 'limit'],
    ['/products?cursor=a%20b', 'cursor'],
    ['/products?page=2', 'page'],
    ['/products/a%20b', 'productId'],
    ['/search', 'q'],
    ['/search?q=', 'q'],
    ['/search?q=%00', 'q'],
    [`/search?q=${'a'.repeat(101)}`, 'q'],
    ['/me/orders?cursor=5', 'cursor'],
    ['/me/orders?buyerId=', 'buyerId'],
  ] as const) {
    const problem = readProblem(await get(path))
    assert.equal(problem.status, 400, path)
    assert.equal(problem.errors?.[0]?.field, field, path)
  }
})

test('how far the view is can be seen as the offsets of a group', async () => {
  await using offsets = new Offsets(infrastructure.brokers)
  for (const topic of ['product-topic', 'stock-topic', 'order-topic', 'seller-topic']) {
    await until(`${topic} has no lag`, async () => (await offsets.lag('storefront', topic)) === 0)
    assert.deepEqual(await offsets.members('storefront', topic), [])
  }
})

function get(path: string, headers: Readonly<Record<string, string>> = {}): ReturnType<typeof send> {
  return send(`http://127.0.0.1:${service.port}${path}`, { headers })
}

async function read<Page>(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Page> {
  const answer = await get(path, headers)
  assert.equal(answer.status, 200, `${path}: ${answer.text}`)
  assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
  return JSON.parse(answer.text) as Page
}

async function shows<Page>(path: string, isRight: (page: Page) => boolean): Promise<Page> {
  return await until(`${path} is right`, async () => {
    const page = await read<Page>(path)
    return isRight(page) ? page : undefined
  })
}

async function ordersOf(buyerId: string): Promise<OwnOrdersView['orders']> {
  return (await read<OwnOrdersView>(`/me/orders?buyerId=${buyerId}&limit=100`)).orders
}

async function tell(...records: TestRecord[]): Promise<void> {
  await produce(infrastructure.brokers, records)
}

let reads = 0

/**
 * The answer to a read with the token of what is written only then. A read waits for two seconds: where the machine stood
 * still for so long, another one is asked, of something else.
 */
async function askedBefore(
  name: string,
  ask: (id: string) => { reading: Promise<Answer>; written: TestRecord[] },
): Promise<Answer & { id: string }> {
  return await until('a read has waited for its write', async () => {
    const id = `${name}-${(reads += 1)}`
    const { reading, written } = ask(id)
    await tell(...written)
    const answer = await reading
    if (answer.status === 503 && readProblem(answer).code === 'view-behind') return undefined
    return { ...answer, id }
  })
}

/** Everything that was told until now is in the view. */
async function allRead(): Promise<void> {
  await using offsets = new Offsets(infrastructure.brokers)
  for (const topic of ['product-topic', 'stock-topic', 'order-topic', 'seller-topic']) {
    const ends = await offsets.ends(topic)
    await until(`${topic} is read`, async () => {
      const committed = await offsets.committed('storefront', topic)
      return ends.every((end, partition) => (committed[partition] ?? 0) >= end)
    })
  }
}

function leftOf(page: unknown): object {
  const { stockLeft, sale } = page as ProductPageView
  return { stockLeft, unitsLeft: sale?.unitsLeft }
}

function saleOf(saleId: string, units: number): Sale {
  return { saleId, priceMinor: 1, units, startsAt: '2020-01-01T00:00:00Z', endsAt: '2099-01-01T00:00:00Z' }
}

function product(
  productId: string,
  about: { name?: { ko: string; en: string }; priceMinor?: number; shopId?: string; sale?: Sale } = {},
  version = 1,
): TestRecord {
  const name = { ko: `상품 ${productId}`, en: `Product ${productId}` }
  const data = { productId, name, priceMinor: 1_000, currency: 'KRW', unitsOnSale: 10, ...about }
  return recordOf(fact(ProductChanged, { aggregateId: productId, version, data }))
}

function shop(shopId: string, name: string, version = 1): TestRecord {
  return recordOf(fact(ShopChanged, { aggregateId: shopId, version, data: { shopId, name, members: [] } }))
}

interface About {
  readonly orderId: string
  readonly productId: string
  readonly quantity: number
}

function placed(about: About, sale: { saleId: string; units: number }): TestRecord {
  const data = { ...about, buyerId: 'open', unitPriceMinor: 1, currency: 'KRW', sale }
  return recordOf(fact(OrderPlaced, { aggregateId: about.orderId, version: 1, data }))
}

function released(about: About): TestRecord {
  return recordOf(fact(StockReleased, { aggregateId: about.orderId, version: 2, data: about }))
}

/** Numbers from 0 to 1 that are the same each time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
