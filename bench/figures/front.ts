import { fact } from '@timesale/contracts/event'
import { ProductChanged } from '@timesale/contracts/product-events'
import { stockAnnounced } from '@timesale/testkit/events'
import { calledFor } from '@timesale/testkit/gateway-key'
import { startInfrastructure, servicePorts, type Infrastructure } from '@timesale/testkit/infrastructure'
import { readMetric } from '@timesale/testkit/metrics'
import { produce, recordOf } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { authorizationsOf } from '../access-tokens.ts'
import { startBarePages } from '../bare-pages.ts'
import type { SampleLength } from '../bare.ts'
import { track } from '../cleanup.ts'
import { expectCounts, WorkMissing } from '../counted.ts'
import { cpuUs } from '../cpu-time.ts'
import { ACCOUNTS, CountedInMemory, startGateway } from '../gateway.ts'
import { answeredOf, startLoad, type LoadOptions, type LoadResult } from '../generator/load.ts'
import { orderIdPrefix, productId } from '../generator/order-request.ts'
import { measureRounds, type Progress, type Samples, type Side } from '../measure.ts'
import { startProgram } from '../program.ts'
import { startService } from '../service.ts'

const PRODUCTS = 1_000
const CONNECTIONS = 64
const UNITS = 10_000
const PAGE_OF_LIST = 100

interface Surroundings {
  readonly servers: Infrastructure
  readonly length: SampleLength
  readonly progress: Progress
}

/** Pages through the gateway, and through fastify's own proxy: to the same upstream, which does nothing but answer. */
export async function measureGateway(
  asked: ReadonlySet<string>,
  rounds: number,
  length: SampleLength,
  progress: Progress,
): Promise<Samples> {
  progress.say('starting Redis')
  await using servers = await track(startInfrastructure({ databases: [], redis: true }))
  const on = { servers, length, progress }
  const sides: readonly Side[] = [
    { name: 'proxy-64', run: () => sampleProxy(on) },
    { name: 'gateway', run: () => sampleGateway(on) },
  ]
  return await measureRounds(
    sides.filter(({ name }) => asked.has(name)),
    rounds,
    progress,
  )
}

async function sampleProxy(on: Surroundings): Promise<number> {
  await using upstream = await startBarePages(page(0))
  const [port] = await servicePorts(1)
  await using proxy = await startProgram<{ listening: true }>('bare-proxy', [
    String(port),
    `http://127.0.0.1:${upstream.port}`,
  ])
  await proxy.next(({ listening }) => listening)
  const pids = { proxy: proxy.pid, upstream: upstream.pid }
  const result = await sampleReads(
    'proxy-64',
    { port, path: '/api/products', authorizations: await tokens() },
    pids,
    on,
  )
  expectCounts('proxy-64', { 'requests upstream': [await upstream.counted(), answeredOf(result)] })
  return result.perSecond
}

async function sampleGateway(on: Surroundings): Promise<number> {
  const { servers } = on
  await using upstream = await startBarePages(page(0))
  await using gateway = await startGateway(servers, { others: upstream.port })
  const { port } = gateway
  const pids = { gateway: gateway.pid, redis: servers.parts.get('redis')?.pid ?? 0, upstream: upstream.pid }
  const asked = { port, path: '/api/products', authorizations: await tokens() }
  const inMemory = new CountedInMemory(gateway)
  const result = await sampleReads('gateway', asked, pids, on, () => inMemory.begin())
  expectCounts('gateway', { 'requests upstream': [await upstream.counted(), answeredOf(result)] })
  await inMemory.end((result.perSecond * on.length.sampleMs) / 1000)
  inMemory.expectFew('gateway')
  return result.perSecond
}

function tokens(): Promise<string[]> {
  return authorizationsOf(ACCOUNTS)
}

/** Product pages of the storefront, and the same bytes from fastify alone. */
export async function measureStorefront(
  asked: ReadonlySet<string>,
  rounds: number,
  length: SampleLength,
  progress: Progress,
): Promise<Samples> {
  progress.say('starting Kafka and Redis')
  await using servers = await track(startInfrastructure({ databases: [], kafka: true, redis: true }))
  await produce(
    servers.brokers,
    Array.from({ length: PRODUCTS }, (_, number) => [
      recordOf(fact(ProductChanged, { aggregateId: productId(number), version: 1, data: product(number) })),
      stockAnnounced(productId(number), UNITS),
    ]).flat(),
  )
  const authorizations = [(await calledFor()).authorization]
  const on = { servers, length, progress, authorizations }
  let answered = ''
  const sides: readonly Side[] = [
    {
      name: 'storefront-read',
      run: async () => {
        const { perSecond, page: seen } = await sampleStorefront(on)
        answered = seen
        return perSecond
      },
    },
    { name: 'same-page-64', run: () => sampleSamePage(answered, on) },
  ]
  return await measureRounds(
    sides.filter(({ name }) => asked.has(name)),
    rounds,
    progress,
  )
}

type Called = Surroundings & { readonly authorizations: readonly string[] }

async function sampleStorefront(on: Called): Promise<{ perSecond: number; page: string }> {
  const { servers, authorizations } = on
  await using storefront = await startService(servers, 'storefront')
  const url = `http://127.0.0.1:${storefront.port}`
  await until('the view has all products, and what there is of each', async () => (await countShown(url)) === PRODUCTS)
  const seen = await textAt(`${url}/products/${productId(0)}`)
  const before = await pagesAnswered(url)
  const pids = { storefront: storefront.pid, redis: servers.parts.get('redis')?.pid ?? 0 }
  const asked = { port: storefront.port, path: '/products', authorizations }
  const result = await sampleReads('storefront-read', asked, pids, on)
  expectCounts('storefront-read', {
    'pages by its own count': [(await pagesAnswered(url)) - before, answeredOf(result)],
  })
  return { perSecond: result.perSecond, page: seen }
}

async function sampleSamePage(seen: string, on: Called): Promise<number> {
  if (seen === '') throw new WorkMissing('same-page-64: no page is known, since the storefront has answered none')
  await using bare = await startBarePages(seen)
  const asked = { port: bare.port, path: '/products', authorizations: on.authorizations }
  const result = await sampleReads('same-page-64', asked, { bare: bare.pid }, on)
  expectCounts('same-page-64', { pages: [await bare.counted(), answeredOf(result)] })
  return result.perSecond
}

/** Products whose pages can be had with all their units. */
async function countShown(url: string): Promise<number> {
  let shown = 0
  for (let after = 0; after < PRODUCTS; after += PAGE_OF_LIST) {
    const cursor = after === 0 ? '' : `&cursor=${productId(after - 1)}`
    const list = await textAt(`${url}/products?limit=${PAGE_OF_LIST}${cursor}`)
    shown += list.split(`"stockLeft":${UNITS},`).length - 1
  }
  return shown
}

async function textAt(url: string): Promise<string> {
  const answer = await fetch(url)
  if (answer.status !== 200) throw new WorkMissing(`${url} was answered ${answer.status}: ${await answer.text()}`)
  return await answer.text()
}

function pagesAnswered(url: string): Promise<number> {
  const labels = { route: '/products/:productId', status: '200' }
  return readMetric(url, 'http_request_seconds_count', labels)
}

async function sampleReads(
  name: string,
  { path, ...asked }: Pick<LoadOptions, 'port'> & { path: string; authorizations: readonly string[] },
  pids: Readonly<Record<string, number>>,
  { length, progress }: Surroundings,
  onWarm: () => Promise<void> = () => Promise.resolve(),
): Promise<LoadResult> {
  await using load = await startLoad({
    ...{ ...asked, ...length, connections: CONNECTIONS, products: PRODUCTS, idPrefix: orderIdPrefix() },
    target: { method: 'GET', path },
  })
  await load.warm
  await onWarm()
  const before = cpuOf(pids)
  await load.sampled
  const after = cpuOf(pids)
  const result = await load.result
  const pages = (result.perSecond * length.sampleMs) / 1000
  const told = Object.keys(pids).map(
    (part) => `${part} ${(((after[part] ?? 0) - (before[part] ?? 0)) / pages).toFixed(1)}`,
  )
  const { p50, p99 } = result.latencyMs
  progress.say(
    `${name}: us of CPU a page: ${told.join(', ')}, generator ${result.cpuUs.toFixed(1)}; p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
  )
  return result
}

function cpuOf(pids: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([part, pid]) => [part, cpuUs(pid)]))
}

/** As the product service tells it, with a time sale. */
function product(number: number) {
  const id = productId(number)
  return {
    ...{ productId: id, name: { ko: `상품 ${id}`, en: `Product ${id}` }, priceMinor: 12_900, currency: 'KRW' },
    ...{ unitsOnSale: UNITS, shopId: 'shop-0001' },
    sale: {
      ...{ saleId: `sale-${id}`, priceMinor: 9_900, units: 1_000 },
      ...{ startsAt: '2020-01-01T00:00:00Z', endsAt: '2099-01-01T00:00:00Z' },
    },
  }
}

/** What the storefront answers for such a product. */
function page(number: number): string {
  const { unitsOnSale: stockLeft, sale, ...about } = product(number)
  return JSON.stringify({
    ...{ ...about, version: 1, stockLeft },
    sale: { ...sale, state: 'running', startsInMs: 0, endsInMs: 2_000_000_000_000, unitsLeft: sale.units },
    asOf: '2026-01-01T00:00:00.000Z',
  })
}
