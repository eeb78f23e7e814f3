import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fact } from '@timesale/contracts/event'
import { OrderPlaced } from '@timesale/contracts/order-events'
import type { Problem } from '@timesale/contracts/problem'
import { ProductChanged } from '@timesale/contracts/product-events'
import { ShopChanged } from '@timesale/contracts/seller-events'
import type { OwnOrdersView, ProductListView, ProductPageView, ViewState } from '@timesale/contracts/storefront-api'
import type { Running } from '@timesale/process/run'
import { orderTold, stockAnnounced, stockReserved } from '@timesale/testkit/events'
import { readJson, readProblem, send, type Answer } from '@timesale/testkit/http'
import { servicePorts, startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { produce, recordOf, type TestRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { createClient } from 'redis'
import { startStorefront } from '../app.ts'
import { readConfig } from '../config.ts'

const PRODUCTS = ['A', 'B', 'C', 'D', 'E']
const UNITS = 1_000_000
const SALE = { priceMinor: 1, units: UNITS, startsAt: '2020-01-01T00:00:00Z', endsAt: '2099-01-01T00:00:00Z' }

let infrastructure: Infrastructure
let service: Running & { port: number }
let redis: ReturnType<typeof createClient>
let orders = 0
/** What must be left of each product. */
const left = new Map(PRODUCTS.map((id) => [id, UNITS]))

before(async () => {
  infrastructure = await startInfrastructure({ databases: [], kafka: true, redis: true })
  redis = createClient({ url: infrastructure.redisUrl })
  redis.on('error', () => undefined)
  await redis.connect()
  await produce(infrastructure.brokers, [
    recordOf(fact(ShopChanged, { aggregateId: 'S', version: 1, data: { shopId: 'S', name: '가게', members: [] } })),
    ...PRODUCTS.flatMap((id) => [product(id), stockAnnounced(id, UNITS)]),
  ])
  service = await start()
  await allShown()
})

// What a test that failed has begun must not go on through the others.
const begun = new Set<() => Promise<unknown>>()
afterEach(async () => {
  for (const stop of begun) await stop().catch(() => undefined)
  begun.clear()
})

after(async () => {
  await service?.stop()
  if (redis?.isOpen) redis.destroy()
  await infrastructure?.[Symbol.asyncDispose]()
})

test('an instance that is killed again and again while much comes in has applied everything once', async () => {
  await service.stop()
  const load = startLoad()
  for (let times = 0; times < 2; times += 1) {
    const [port] = await servicePorts(1)
    const child = await startProcess(port)
    const before = (await servedBy(port)).done
    await until('it has applied something', async () => (await servedBy(port)).done > before + 50)
    await kill(child)
  }
  await load.stop()
  service = await start()
  await allShown()
})

test('two that both believe to be the keeper apply everything once, and both serve', async () => {
  const other = await start()
  try {
    // Nobody has the lease for longer than a moment, so that both take it in turns while the other still follows.
    const robber = setInterval(() => void redis.del('timesale:view:keeper').catch(() => undefined), 30)
    const load = startLoad()
    await sleep(1_500)
    await load.stop()
    clearInterval(robber)
    await allShown()
    await allShown(other.port)
    assert.deepEqual(await everything(), await everything(other.port))
  } finally {
    await other.stop()
  }
})

test('the other instance goes on when the keeper is killed', async () => {
  await service.stop()
  const [port] = await servicePorts(1)
  const child = await startProcess(port)
  await until('it serves', async () => (await send(urlOf('/products/A', port))).status === 200)
  service = await start()
  await kill(child)
  await tellOrders(20)
  await allShown()
})

test('a rebuild under load is never noticed by readers, and comes to the same', async () => {
  const load = startLoad()
  const before = await generation()
  const readers = startReaders()
  const asked = await send(urlOf('/rebuild'), { method: 'POST' })
  assert.equal(asked.status, 202, asked.text)
  const { building } = JSON.parse(asked.text) as ViewState
  assert.notEqual(building?.generation, before)
  // Asked for again while it is under way, it is the same one.
  const again = JSON.parse((await send(urlOf('/rebuild'), { method: 'POST' })).text) as ViewState
  assert.equal(again.building?.generation ?? again.served?.generation, building?.generation)
  await until('the other one is served', async () => (await generation()) === building?.generation)
  await sleep(300)
  const count = await readers.stop()
  await load.stop()
  assert.ok(count >= 10, `${count} reads`)
  await allShown()
  await onlyKeysOf(building?.generation ?? '')
})

test('a flushed Redis is noticed by itself: pages say how far they are, and are then as before', async () => {
  await tellOrders(500)
  await allShown()
  const before = await everything()
  const flushed = await generation()
  await redis.flushAll()
  const problem = await until('pages are being built', async () => {
    const answer = await send(urlOf('/products/A'))
    const document = problemOf(answer)
    return document?.code === 'view-building' ? { document, headers: answer.headers } : undefined
  })
  assert.match(problem.headers['retry-after'] ?? '', /^\d+$/)
  const { progress } = problem.document as unknown as { progress: { done: number; percent?: number } }
  assert.ok(progress.done >= 0 && (progress.percent ?? 0) <= 100, JSON.stringify(progress))
  for (const path of ['/products', '/search?q=a', '/shops/S', '/me/orders']) {
    const answer = await send(urlOf(path))
    if (answer.status !== 200) assert.equal(readProblem(answer).code, 'view-building')
  }
  await allShown()
  assert.deepEqual(await everything(), before)
  assert.notEqual(await generation(), flushed)
})

test('a Redis that loses everything again and again while much comes in ends up right', async () => {
  const load = startLoad()
  for (let times = 0; times < 4; times += 1) {
    await sleep(250)
    await redis.flushAll()
  }
  await load.stop()
  await allShown()
  await onlyKeysOf(await generation())
})

test('a lying view is mended by a rebuild', async () => {
  const honest = await everything()
  const current = await generation()
  await redis.hSet(`timesale:view:${current}:product:A`, { held: '999999', page: '{"productId":"LIE"' })
  await redis.zRem(`timesale:view:${current}:products`, 'B')
  await redis.zAdd(`timesale:view:${current}:orders-of:open`, { score: 0, value: '999999999999999~lie' })
  assert.notDeepEqual(await everything(), honest)
  await send(urlOf('/rebuild'), { method: 'POST' })
  await until('it is mended', async () => (await generation()) !== current)
  assert.deepEqual(await everything(), honest)
})

test('a view that cannot be added to, or has lost what is known of it, is served until another one is built', async () => {
  const damage: ((current: string) => Promise<unknown>)[] = [
    (current) => redis.del(`timesale:view:${current}:meta`),
    (current) =>
      redis.multi().del(`timesale:view:${current}:product:A`).set(`timesale:view:${current}:product:A`, 'x').exec(),
  ]
  for (const inflict of damage) {
    const current = await generation()
    const readers = startReaders(['/products/B'])
    await inflict(current)
    await tellOrders(10)
    await until('another one is served', async () => (await generation()) !== current)
    await readers.stop()
    await allShown()
  }
})

test('a view that has lost its positions reads everything again, and counts nothing twice', async () => {
  const readers = startReaders()
  await redis.hDel(`timesale:view:${await generation()}:meta`, positionNames())
  await tellOrders(1)
  await allShown()
  await readers.stop()
  // What it read again it has passed over by now.
  await until('there is no lag', async () => (await readJson<ViewState>(urlOf('/view'))).served?.lagRecords === 0)
  await allShown()
})

test('pages that were built from another cluster are not served', async () => {
  const current = await generation()
  await service.stop()
  await redis.hSet(`timesale:view:${current}:meta`, 'cluster', 'another')
  service = await start()
  await until('it was built anew', async () => ![current, ''].includes(await generation()))
  await allShown()
})

test('while the topics cannot be read, a view that lacks a write is behind for as long as that', async () => {
  const part = infrastructure.parts.get('kafka-1')
  assert.ok(part)
  const behind = async (): Promise<{ behindRecords: number; behindSeconds: number }> => {
    const headers = { 'view-token': '/product/products/A.3', 'x-timeout-ms': '150' }
    const problem = readProblem(await send(urlOf('/products/A'), { headers }))
    assert.equal(problem.code, 'view-behind')
    return problem as unknown as { behindRecords: number; behindSeconds: number }
  }
  await until('it is level', async () => (await behind()).behindSeconds < 2)
  part.signal('SIGSTOP')
  try {
    const { behindRecords } = await until('it says for how long', async () => {
      const known = await behind()
      return known.behindSeconds >= 3 ? known : undefined
    })
    assert.equal(behindRecords, 2)
  } finally {
    part.signal('SIGCONT')
  }
  await until('it is level again', async () => (await behind()).behindSeconds < 2)
})

test('a Redis that hangs or is away holds up nobody', async () => {
  const part = infrastructure.parts.get('redis')
  assert.ok(part)
  const refused = async (): Promise<void> => {
    const began = performance.now()
    const paths = ['/products/A', '/products', '/search?q=a', '/shops/S', '/me/orders', '/view']
    const answers = await Promise.all([...paths, ...paths].map((path) => send(urlOf(path))))
    // The connection itself is given up after ten seconds.
    assert.ok(performance.now() - began < 8_000, 'each is answered in time')
    for (const answer of answers) {
      const problem = readProblem(answer)
      assert.equal(problem.code, 'view-unavailable')
      // What is not known is not left out, and not 0.
      assert.match(problem.detail ?? '', /How far they are behind .* is not known/)
      assert.match(answer.text, /"progress":null[,}]/)
      assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
    }
    const ready = await send(urlOf('/readyz'))
    assert.equal(ready.status, 200)
    assert.match(ready.text, /degraded.*redis/)
  }
  part.signal('SIGSTOP')
  try {
    await refused()
    await tellOrders(20)
  } finally {
    part.signal('SIGCONT')
  }
  await allShown()
  await part.kill()
  await until('it is noticed', async () => (await send(urlOf('/products/A'))).status === 503)
  await refused()
  await tellOrders(20)
  await part.start()
  await allShown()
  await until('nothing is wrong any more', async () => (await send(urlOf('/readyz'))).text.includes('"ready"'))
})

function start(): Promise<Running & { port: number }> {
  return startStorefront(readConfig(infrastructure.env('storefront')))
}

async function startProcess(port: number): Promise<ChildProcess> {
  const main = join(import.meta.dirname, '..', 'main.ts')
  const env = { ...process.env, ...infrastructure.env('storefront', { HTTP_PORT: String(port) }) }
  const child = spawn(process.execPath, [main], { env, stdio: 'ignore' })
  await until('it listens', async () => (await send(urlOf('/livez', port))).status === 200)
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

function urlOf(path: string, port = service.port): string {
  return `http://127.0.0.1:${port}${path}`
}

async function servedBy(port: number): Promise<{ generation: string; done: number }> {
  const { served } = await shown<ViewState>('/view', port)
  return served ?? { generation: '', done: 0 }
}

async function generation(): Promise<string> {
  return (await servedBy(service.port)).generation
}

function product(id: string): TestRecord {
  const data = {
    ...{ productId: id, name: { ko: `상품 ${id}`, en: `A product ${id}` }, priceMinor: 5, currency: 'KRW' },
    ...{ unitsOnSale: UNITS, shopId: 'S', sale: { saleId: `sale-${id}`, ...SALE } },
  }
  return recordOf(fact(ProductChanged, { aggregateId: id, version: 1, data }))
}

/** Orders that are placed in the sale of a product, reserved, and confirmed. */
async function tellOrders(count: number): Promise<void> {
  const records: TestRecord[] = []
  for (let index = 0; index < count; index += 1) {
    orders += 1
    const productId = PRODUCTS[orders % PRODUCTS.length] ?? ''
    const about = { orderId: `o-${String(orders).padStart(6, '0')}`, productId, quantity: 1 + (orders % 3) }
    const data = { ...about, buyerId: 'open', unitPriceMinor: 1, currency: 'KRW' }
    const sale = { saleId: `sale-${productId}`, units: UNITS }
    records.push(recordOf(fact(OrderPlaced, { aggregateId: about.orderId, version: 1, data: { ...data, sale } })))
    records.push(stockReserved(about), orderTold('confirmed', about))
    left.set(productId, (left.get(productId) ?? 0) - about.quantity)
  }
  await produce(infrastructure.brokers, records)
}

function startLoad(): { stop: () => Promise<void> } {
  const going = new AbortController()
  const done = (async () => {
    while (!going.signal.aborted) {
      await tellOrders(40)
      await sleep(50)
    }
  })()
  const stop = async (): Promise<void> => {
    going.abort()
    await done
  }
  begun.add(stop)
  return { stop }
}

/**
 * Reads on and on: every answer must be a page, and what is left of a product may only become less. But Redis is given half
 * a second, in which the machine may stand still.
 */
function startReaders(paths = ['/products/A', '/products', '/shops/S', '/search?q=A%20product', '/me/orders']): {
  stop: () => Promise<number>
} {
  const going = new AbortController()
  let count = 0
  let leftOfA = Number.POSITIVE_INFINITY
  const done = (async () => {
    while (!going.signal.aborted) {
      for (const path of paths) {
        const began = performance.now()
        const answer = await send(urlOf(path))
        const isLate = performance.now() - began > 450
        if (isLate && problemOf(answer)?.code === 'view-unavailable') continue
        assert.equal(answer.status, 200, `${path}: ${answer.text}`)
        count += 1
        if (path === '/products/A') {
          const { stockLeft } = JSON.parse(answer.text) as ProductPageView
          assert.ok(stockLeft <= leftOfA, `a page steps back: ${stockLeft} after ${leftOfA}`)
          leftOfA = stockLeft
        } else if (answer.text.startsWith('{"products"')) {
          assert.equal((JSON.parse(answer.text) as ProductListView).products.length, PRODUCTS.length, path)
        }
      }
    }
  })()
  done.catch(() => undefined)
  const stop = async (): Promise<number> => {
    going.abort()
    await done
    return count
  }
  begun.add(stop)
  return { stop }
}

/** All that was told is shown, and once. */
async function allShown(port = service.port): Promise<void> {
  await until('all is shown', async () => {
    const { products } = await readJson<ProductListView>(urlOf('/products', port))
    if (products.length !== PRODUCTS.length) return false
    for (const { productId, stockLeft, sale } of products) {
      if (stockLeft !== left.get(productId) || sale?.unitsLeft !== left.get(productId)) return false
    }
    const { orders: newest } = await readJson<OwnOrdersView>(urlOf('/me/orders?limit=100', port))
    return newest.length === Math.min(orders, 100) && newest.every(({ status }) => status === 'CONFIRMED')
  })
}

/** What buyers can see, without what depends on the clock. */
async function everything(port = service.port): Promise<unknown> {
  const seen: unknown[] = []
  for (const id of PRODUCTS) seen.push(await shown(`/products/${id}`, port))
  for (const path of ['/products', '/shops/S', '/search?q=A%20product']) seen.push(await shown(path, port))
  let cursor = ''
  do {
    const page: OwnOrdersView = await shown(`/me/orders?limit=100${cursor}`, port)
    seen.push(page.orders)
    cursor = page.next === undefined ? '' : `&cursor=${encodeURIComponent(page.next)}`
  } while (cursor !== '')
  return JSON.parse(JSON.stringify(seen, (key, value: unknown) => (key === 'endsInMs' ? 0 : value)))
}

/** Asked again where Redis did not answer in time. */
function shown<Page>(path: string, port: number): Promise<Page> {
  return until(`${path} is shown`, () => readJson<Page>(urlOf(path, port)))
}

function problemOf(answer: Answer): Problem | undefined {
  return answer.status === 503 ? readProblem(answer) : undefined
}

async function onlyKeysOf(one: string): Promise<void> {
  await until('the others are deleted', async () => {
    const keys = await redis.keys('timesale:view:*:*')
    return keys.length > 0 && keys.every((key) => key.startsWith(`timesale:view:${one}:`))
  })
}

function positionNames(): string[] {
  const topics = ['product-topic', 'stock-topic', 'order-topic', 'seller-topic']
  return topics.flatMap((topic) => Array.from({ length: 6 }, (_, partition) => `at:${topic} ${partition}`))
}
