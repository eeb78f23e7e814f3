import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createClient } from 'redis'
import { exportJWK, SignJWT } from 'jose'
import type { MyOrderView, OrderChange } from '@timesale/contracts/my-order-api'
import type { Role } from '@timesale/contracts/roles'
import { REVOKED_SESSIONS_KEY } from '@timesale/redis/session-keys'
import { productChanged, stockAnnounced, stockRejected, stockReserved } from '@timesale/testkit/events'
import { TEST_GATEWAY } from '@timesale/testkit/gateway-key'
import { readProblem, send, sendJson, type Answer } from '@timesale/testkit/http'
import { servicePorts, startInfrastructure, type Infrastructure, type TestPart } from '@timesale/testkit/infrastructure'
import { readMetric } from '@timesale/testkit/metrics'
import { produce } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { ServiceProcess } from '../../faults/service-process.ts'
import { startGateway } from './app.ts'
import { readConfig } from './config.ts'
import { UPSTREAMS } from './routes.ts'
import { answerJson, startStandIn, type Behaviour, type StandIn } from './upstreams/stand-in.ts'

// The order and the notification service are real processes, and so are all servers. The test says what stock would say.
// Storefront and account are stand-ins.

describe('the page of an order', () => {
  test('is put together from order, product, shop and notices', async () => {
    const orderId = await placed()
    const early = await wholePage(orderId)
    assert.equal(early.order.status, 'PLACED')
    assert.deepEqual(early.notices, [])
    await reserve(orderId)
    const page = await until('the buyer was told', async () => {
      const now = await wholePage(orderId)
      return now.notices?.length === 1 && now
    })
    assert.equal(page.order.status, 'CONFIRMED')
    assert.equal(page.order.buyerId, 'buyer-1')
    assert.deepEqual(
      page.order.history.map(({ version, status }) => `${version} ${status}`),
      ['1 PLACED', '2 CONFIRMED'],
    )
    assert.deepEqual(page.product, PRODUCT)
    assert.deepEqual(page.shop, { shopId: 'shop-1', name: 'The shop' })
    assert.deepEqual(
      page.notices?.map(({ kind }) => kind),
      ['CONFIRMED'],
    )
    assert.deepEqual(page.missing, [])
  })

  test('says null, and not missing, of what there is not', async () => {
    const orderId = await placed()
    storefront().behave = answerJson({ ...PRODUCT, shopId: undefined })
    const open = await wholePage(orderId)
    assert.equal(open.product?.productId, 'A001')
    assert.deepEqual([open.shop, open.missing], [null, []])
    storefront().behave = bySort(answerJson(PRODUCT), problem(404, 'shop-not-found'))
    const closed = await wholePage(orderId)
    assert.deepEqual([closed.product, closed.shop, closed.missing], [PRODUCT, null, []])
  })

  test('says that the product is missing where the storefront has not heard of it yet', async () => {
    const orderId = await placed()
    storefront().behave = problem(404, 'product-not-found')
    await until('both are missing', async () => {
      const { product, shop, missing } = await readPage(orderId)
      assert.deepEqual([product, shop], [null, null])
      assert.deepEqual(missing, [
        { part: 'product', reason: 'view-behind', retry: true },
        { part: 'shop', reason: 'view-behind', retry: true },
      ])
      return true
    })
  })

  for (const [what, behave, reason] of [
    ['hangs', () => undefined, 'upstream-timeout'],
    ['answers 503', () => problem(503, 'database-unavailable'), 'database-unavailable'],
    ['breaks off', () => (_request, answer) => answer.destroy(), 'upstream-failed'],
    ['answers what is no product', () => answerJson({ hello: 'world' }), 'upstream-failed'],
    ['answers what is no JSON', () => (_request, answer) => answer.end('<html>'), 'upstream-failed'],
  ] as const satisfies readonly (readonly [string, () => Behaviour | undefined, string])[]) {
    test(`is there without product and shop when the storefront ${what}`, async () => {
      const orderId = await placed()
      const fault: Behaviour = behave() ?? (() => undefined)
      storefront().behave = fault
      await until('both are missing', async () => {
        const both = await readPage(orderId)
        assert.equal(both.order.orderId, orderId)
        assert.deepEqual([both.product, both.shop, both.notices], [null, null, []])
        assert.deepEqual(both.missing, [
          { part: 'product', reason, retry: true },
          { part: 'shop', reason, retry: true },
        ])
        return true
      })
      storefront().behave = bySort(answerJson(PRODUCT), fault)
      await until('one is missing', async () => {
        const one = await readPage(orderId)
        assert.deepEqual(one.product, PRODUCT)
        assert.deepEqual(one.missing, [{ part: 'shop', reason, retry: true }])
        return true
      })
    })
  }

  test('is there while services are away or hang; while the order service hangs, that is the answer', async () => {
    const orderId = await placed()
    await storefront().stop()
    const product = (await readPage(orderId)).missing.find(({ part }) => part === 'product')
    assert.equal(product?.retry, true)
    await storefront().start()
    await wholePage(orderId)

    notification().pause()
    await until('the notices alone are missing', async () => {
      const began = performance.now()
      const page = await readPage(orderId)
      assert.deepEqual([page.product, page.notices], [PRODUCT, null])
      assert.deepEqual(page.missing, [{ part: 'notices', reason: 'upstream-timeout', retry: true }])
      // Whoever waited for them for as long as a page may take would have it after 3 s.
      return performance.now() - began < 2_500
    })
    notification().resume()
    await wholePage(orderId)

    order().pause()
    assert.equal(readProblem(await askPage(orderId)).code, 'upstream-timeout')
    order().resume()
    await until('it goes on', async () => (await askPage(orderId)).status === 200)
  })

  test('is for its buyer and for operators', async () => {
    const orderId = await placed()
    for (const path of [`/api/me/orders/${orderId}`, `/api/orders/${orderId}/events`]) {
      const stranger = await send(`${url()}${path}`, { headers: await bearer('buyer-2') })
      assert.equal(readProblem(stranger).code, 'order-not-found')
      const nowhere = await send(`${url()}${path.replace(orderId, 'nowhere')}`, { headers: await bearer('buyer-1') })
      assert.equal(nowhere.text, stranger.text)
      assert.equal(readProblem(await send(`${url()}${path}`)).code, 'unauthenticated')
      const strange = await send(`${url()}${path.replace(orderId, 'a%20b')}`, { headers: await bearer('buyer-1') })
      assert.equal(readProblem(strange).errors?.[0]?.field, 'orderId')
    }
    const operator = await send(`${url()}/api/me/orders/${orderId}`, {
      headers: await bearer('operator-1', { roles: ['operator'] }),
    })
    assert.equal(operator.status, 200)
  })
})

describe('the stream of an order', () => {
  test('tells what happens as it happens, and ends', async () => {
    const orderId = await placed()
    await using stream = await open(orderId)
    assert.equal(stream.headers.get('content-type'), 'text/event-stream')
    assert.equal(stream.headers.get('cache-control'), 'no-store')
    assert.match(stream.headers.get('ratelimit-policy') ?? '', /browse/)
    await stream.has('placed')
    assert.equal(stream.isOver(), false)
    await reserve(orderId)
    await stream.over()
    const [first, second, ...rest] = stream.events()
    assert.deepEqual(rest, [])
    assert.deepEqual([first?.id, first?.event, first?.data.status], ['1', 'placed', 'PLACED'])
    assert.deepEqual([second?.id, second?.event], ['2', 'confirmed'])
    const { at = '', ...data } = second?.data ?? {}
    assert.deepEqual(data, { orderId, status: 'CONFIRMED', version: 2 })
    assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.match(stream.text(), /^retry: \d{4}\n\n/)
    await until('changes come from the topic', comeFromTopic)
  })

  test('says why, where there is a reason', async () => {
    const orderId = await placed()
    await using stream = await open(orderId)
    await stream.has('placed')
    await produce(infra().brokers, [stockRejected({ orderId, productId: 'A001', quantity: 1 })])
    await stream.over()
    assert.deepEqual(
      stream.events().map(({ event, data }) => [event, data.reason]),
      [
        ['placed', undefined],
        ['rejected', 'sold-out'],
      ],
    )
    const other = await placed()
    await using cancelled = await open(other)
    assert.equal((await cancel(other)).status, 200)
    await cancelled.over()
    assert.deepEqual(
      cancelled.events().map(({ event }) => event),
      ['placed', 'cancelled'],
    )
  })

  test('goes on after the last event that was received; after the last of all there is none', async () => {
    const orderId = await placed()
    {
      await using live = await open(orderId, { 'last-event-id': '1' })
      await reserve(orderId)
      await live.over()
      assert.deepEqual(live.ids(), ['2'])
    }
    for (const [headers, query, ids] of [
      [{}, '', ['1', '2']],
      [{ 'last-event-id': '0' }, '', ['1', '2']],
      [{ 'last-event-id': '1' }, '', ['2']],
      [{}, '?lastEventId=1', ['2']],
      [{ 'last-event-id': '1' }, '?lastEventId=0', ['2']],
    ] as const) {
      await using stream = await open(orderId, headers, query)
      await stream.over()
      assert.deepEqual(stream.ids(), ids, JSON.stringify([headers, query]))
    }
    for (const [headers, query] of [
      [{ 'last-event-id': '2' }, ''],
      [{ 'last-event-id': '7' }, ''],
      [{}, '?lastEventId=2'],
      [{ 'last-event-id': '2' }, '?lastEventId=0'],
    ] as const) {
      const answer = await ask(orderId, headers, query)
      assert.deepEqual([answer.status, answer.text], [204, ''], JSON.stringify([headers, query]))
    }
    for (const [headers, query, field] of [
      [{ 'last-event-id': 'x' }, '', 'last-event-id'],
      [{ 'last-event-id': '-1' }, '', 'last-event-id'],
      [{}, '?lastEventId=1.5', 'lastEventId'],
      [{}, '?from=1', 'from'],
    ] as const) {
      assert.equal(readProblem(await ask(orderId, headers, query)).errors?.[0]?.field, field)
    }
    const head = await send(`${url()}/api/orders/${orderId}/events`, {
      method: 'HEAD',
      headers: await bearer('buyer-1'),
    })
    assert.equal(head.status, 405)
  })

  test('ends with the session, and with the token', async () => {
    const orderId = await placed()
    await using ended = await open(orderId, await bearer('buyer-1', { sid: 'ended-soon' }))
    await using expired = await open(orderId, await bearer('buyer-1', { seconds: 4 }))
    await using stays = await open(orderId)
    await Promise.all([ended, expired, stays].map((stream) => stream.has('placed')))
    await redis().zAdd(REVOKED_SESSIONS_KEY, { value: 'ended-soon', score: Date.now() + 60_000 })
    await Promise.all([ended.over(15_000), expired.over(15_000)])
    assert.equal(stays.isOver(), false)
    await reserve(orderId)
    await stays.over()
    assert.deepEqual(stays.ids(), ['1', '2'])
    assert.deepEqual([ended.ids(), expired.ids()], [['1'], ['1']])
  })

  test('is one of 20 of an account at most, of 200 and more in all; whoever goes makes room', async () => {
    const orderId = await placed()
    const operators = Array.from({ length: 10 }, (_, index) => `operator-${index}`)
    const streams: OpenStream[] = []
    try {
      // One account after the other: all at once would be too many orders to be read within two seconds on a slow machine.
      for (const operator of operators) {
        const own = Array.from({ length: 20 }, async () =>
          opened(orderId, await bearer(operator, { roles: ['operator'] })),
        )
        streams.push(...(await Promise.all(own)))
      }
      await Promise.all(streams.map((stream) => stream.has('placed')))
      const headers = await bearer('operator-0', { roles: ['operator'] })
      const refused = await ask(orderId, headers)
      assert.equal(readProblem(refused).code, 'rate-limited')
      assert.equal(refused.headers['retry-after'], '10')
      await streams[0]?.[Symbol.asyncDispose]()
      await until('there is room', async () => {
        await using one = await open(orderId, headers)
        return one.status === 200
      })
      await reserve(orderId)
      await Promise.all(streams.slice(1).map((stream) => stream.over()))
      assert.ok(streams.slice(1).every((stream) => stream.ids().join() === '1,2'))
    } finally {
      await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()))
    }
    await until('none is left but the idle one', async () => (await readMetric(url(), 'gateway_order_streams')) === 1)
  })

  test('stays while the order service is killed, and goes on; others are told that it is away', async () => {
    const orderId = await placed()
    await using stream = await open(orderId)
    await stream.has('placed')
    await order().end('SIGKILL')
    await reserve(orderId)
    await until('the page says so', async () => readProblem(await askPage(orderId)).code === 'upstream-unavailable')
    assert.equal(readProblem(await ask(orderId)).code, 'upstream-unavailable')
    assert.equal(stream.isOver(), false)
    await order().start()
    // Its group waits until it is sure that nobody else has its partitions.
    await stream.over(120_000)
    assert.deepEqual(stream.ids(), ['1', '2'])
    assert.equal((await readPage(orderId)).order.status, 'CONFIRMED')
  })

  test('goes on without Kafka, and hears from it again', async () => {
    const orderId = await placed()
    await using stream = await open(orderId)
    await stream.has('placed')
    await kafka().kill()
    try {
      assert.equal((await cancel(orderId)).status, 200)
      await stream.over(15_000)
      assert.deepEqual(stream.ids(), ['1', '2'])
      await until('it is ready all the same', async () => (await send(`${url()}/readyz`)).text.includes('"ready"'))
    } finally {
      await kafka().start()
    }
    await until('changes come from the topic again', comeFromTopic, 60_000)
  })

  test('is sent elsewhere by a gateway that stops, which does not wait for it; one that is full says so', async () => {
    const other = await startGateway(readConfig(gatewayEnv({ GATEWAY_ORDER_STREAMS_MAX: '2' })))
    const there = `http://127.0.0.1:${other.port}`
    let isStopped = false
    try {
      await until('it knows the keys', async () => (await send(`${there}/readyz`)).text.includes('"ready"'))
      const orderId = await placed()
      await using one = await open(orderId, {}, '', there)
      await using two = await open(orderId, {}, '', there)
      await Promise.all([one.has('placed'), two.has('placed')])
      const full = await ask(orderId, {}, '', there)
      assert.equal(readProblem(full).code, 'overloaded')
      assert.ok(Number(full.headers['retry-after']) >= 1)
      isStopped = true
      const stopped = other.stop()
      // One that was waited for would be cut off after five seconds.
      await Promise.all([one.over(4_000), two.over(4_000)])
      for (const stream of [one, two]) assert.match(stream.text(), /\n\nretry: \d{4}\n\n$/)
      await stopped
    } finally {
      if (!isStopped) await other.stop()
    }
  })

  test('is kept open by a comment where nothing happens', async () => {
    await until('a heartbeat came', () => idle?.text().includes('\n: ') === true, 40_000)
    assert.equal(idle?.isOver(), false)
    assert.deepEqual(idle?.ids(), ['1'])
  })
})

const PRODUCT = {
  productId: 'A001',
  name: { ko: '상품', en: 'Product' },
  priceMinor: 12_900,
  shopId: 'shop-1',
  version: 3,
}
const SHOP = { shopId: 'shop-1', name: 'The shop', products: [PRODUCT], next: 'A001' }
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const publicJwk = { ...(await exportJWK(publicKey)), kid: 'account-1', alg: 'EdDSA', use: 'sig' }
let infrastructure: Infrastructure | undefined
let standIn: StandIn | undefined
let processes: { order: ServiceProcess; notification: ServiceProcess } | undefined
let gateway: Awaited<ReturnType<typeof startGateway>> | undefined
let client: ReturnType<typeof createClient> | undefined
let folder: string | undefined
let idle: OpenStream | undefined

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timesale-order-pages-'))
  infrastructure = await startInfrastructure({ databases: ['order', 'notification'], kafka: true, redis: true })
  const [standInPort, orderPort, notificationPort] = await servicePorts(3)
  standIn = await startStandIn(standInPort, {
    aside: (path) => (path === '/.well-known/jwks.json' ? { keys: [publicJwk] } : undefined),
  })
  processes = { order: processOf('order', orderPort), notification: processOf('notification', notificationPort) }
  beHappy()
  await Promise.all([order().start(), notification().start()])
  gateway = await startGateway(readConfig(gatewayEnv()))
  client = createClient({ url: infrastructure.redisUrl })
  client.on('error', () => undefined)
  await client.connect()
  await produce(infrastructure.brokers, [productChanged('A001'), stockAnnounced('A001')])
  await Promise.all([order().ready(), notification().ready()])
  await until('the gateway is ready', async () => (await send(`${url()}/readyz`)).text.includes('"ready"'))
  await until('A001 can be ordered', async () => (await send(`${order().url}/orderable-products/A001`)).status === 200)
  idle = await opened(await placed())
})

after(async () => {
  await idle?.[Symbol.asyncDispose]()
  client?.destroy()
  await gateway?.stop()
  await processes?.order.close()
  await processes?.notification.close()
  await standIn?.[Symbol.asyncDispose]()
  await infrastructure?.[Symbol.asyncDispose]()
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  beHappy()
  const limits = await redis().keys('timesale:limit:*')
  if (limits.length > 0) await redis().del(limits)
})

interface StreamEvent {
  readonly id: string
  readonly event: string
  readonly data: OrderChange
}

interface OpenStream extends AsyncDisposable {
  readonly status: number
  readonly headers: Headers
  text(): string
  events(): StreamEvent[]
  ids(): string[]
  isOver(): boolean
  has(event: string): Promise<unknown>
  /** Ended by the gateway, and in order. */
  over(withinMs?: number): Promise<unknown>
}

async function open(
  orderId: string,
  headers: Readonly<Record<string, string>> = {},
  query = '',
  there = url(),
): Promise<OpenStream> {
  const leave = new AbortController()
  const response = await fetch(`${there}/api/orders/${orderId}/events${query}`, {
    headers: { ...(await bearer('buyer-1')), ...headers },
    signal: leave.signal,
  })
  let text = ''
  let end: 'open' | 'over' | 'broken' = 'open'
  const read = async (): Promise<void> => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += chunk
  }
  const done = read().then(
    () => (end = 'over'),
    () => (end = 'broken'),
  )
  const events = (): StreamEvent[] =>
    text
      .split('\n\n')
      .slice(0, -1)
      .filter((block) => block.includes('data: '))
      .map((block) => {
        const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s)))
        return { id: fields.id ?? '', event: fields.event ?? '', data: JSON.parse(fields.data ?? '') as OrderChange }
      })
  return {
    status: response.status,
    headers: response.headers,
    text: () => text,
    events,
    ids: () => events().map(({ id }) => id),
    isOver: () => end !== 'open',
    has: (event) => until(`${event} was told`, () => events().some((one) => one.event === event)),
    async over(withinMs) {
      await until('the stream has ended', () => end !== 'open', withinMs)
      assert.equal(end, 'over')
    },
    async [Symbol.asyncDispose]() {
      leave.abort()
      await done
    },
  }
}

/** An order that is not read within two seconds, as on a machine that does much else, is asked for once more. */
async function opened(orderId: string, headers: Readonly<Record<string, string>> = {}): Promise<OpenStream> {
  return until('the stream is open', async () => {
    const stream = await open(orderId, headers)
    if (stream.status === 200) return stream
    await stream[Symbol.asyncDispose]()
    return undefined
  })
}

/** Whether a change is told sooner than it would be if the gateway asked by itself, which it does after 4 s at the earliest. */
async function comeFromTopic(): Promise<boolean> {
  const orderId = await placed()
  const began = performance.now()
  await using stream = await open(orderId)
  await stream.has('placed')
  assert.equal((await cancel(orderId)).status, 200)
  await stream.over()
  return performance.now() - began < 3_500
}

async function ask(
  orderId: string,
  headers: Readonly<Record<string, string>> = {},
  query = '',
  there = url(),
): Promise<Answer> {
  const response = await fetch(`${there}/api/orders/${orderId}/events${query}`, {
    headers: { ...(await bearer('buyer-1')), ...headers },
    // A stream in place of an answer would never end.
    signal: AbortSignal.timeout(10_000),
  })
  return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() }
}

async function askPage(orderId: string): Promise<Answer> {
  return send(`${url()}/api/me/orders/${orderId}`, { headers: await bearer('buyer-1') })
}

async function readPage(orderId: string): Promise<MyOrderView & { product: Record<string, unknown> | null }> {
  const answer = await askPage(orderId)
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text) as MyOrderView & { product: Record<string, unknown> | null }
}

/** Once nothing is missing: what does not come within 800 ms, as on a machine that does much else, is left out of a page. */
function wholePage(orderId: string): ReturnType<typeof readPage> {
  return until('nothing is missing', async () => {
    const page = await readPage(orderId)
    return page.missing.length === 0 && page
  })
}

/** An order of buyer-1, and what it is called. */
async function placed(): Promise<string> {
  const orderId = crypto.randomUUID()
  const body = { orderId, productId: 'A001', quantity: 1 }
  await until('the order is accepted', async () => {
    const answer = await sendJson(`${url()}/api/orders`, body, { headers: await bearer('buyer-1') })
    return answer.status === 202
  })
  return orderId
}

/** As stock would: the order is confirmed by it. */
function reserve(orderId: string): Promise<void> {
  return produce(infra().brokers, [stockReserved({ orderId, productId: 'A001', quantity: 1 })])
}

async function cancel(orderId: string): Promise<Answer> {
  return send(`${url()}/api/orders/${orderId}/cancellation`, { method: 'POST', headers: await bearer('buyer-1') })
}

function beHappy(): void {
  storefront().behave = bySort(answerJson(PRODUCT), answerJson(SHOP))
}

function bySort(product: Behaviour, shop: Behaviour): Behaviour {
  return (request, answer, raw) => (request.url.startsWith('/shops/') ? shop : product)(request, answer, raw)
}

function problem(status: number, code: string): Behaviour {
  return answerJson({ status, code }, status, { 'content-type': 'application/problem+json' })
}

function processOf(service: 'order' | 'notification', port: number): ServiceProcess {
  const logFile = join(folder ?? tmpdir(), `${service}.log`)
  return new ServiceProcess({ name: service, service, port, env: infra().env(service), logFile })
}

function gatewayEnv(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const urls = UPSTREAMS.map((name) => [`GATEWAY_${name.toUpperCase()}_URLS`, storefront().url])
  return infra().env('gateway', {
    GATEWAY_SIGNING_KEY: TEST_GATEWAY.signingKey,
    ...Object.fromEntries(urls),
    GATEWAY_ORDER_URLS: order().url,
    GATEWAY_NOTIFICATION_URLS: notification().url,
    ...more,
  })
}

async function bearer(
  sub: string,
  {
    sid = `session-of-${sub}`,
    roles = ['buyer'],
    seconds = 900,
  }: { sid?: string; roles?: Role[]; seconds?: number } = {},
): Promise<{ authorization: string }> {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: 'timesale-account', aud: 'timesale', sub, sid, roles, jti: crypto.randomUUID() }
  const token = await new SignJWT({ ...claims, iat: now, exp: now + seconds })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: publicJwk.kid })
    .sign(privateKey)
  return { authorization: `Bearer ${token}` }
}

function infra(): Infrastructure {
  assert.ok(infrastructure !== undefined)
  return infrastructure
}

function storefront(): StandIn {
  assert.ok(standIn !== undefined)
  return standIn
}

function order(): ServiceProcess {
  assert.ok(processes !== undefined)
  return processes.order
}

function notification(): ServiceProcess {
  assert.ok(processes !== undefined)
  return processes.notification
}

function kafka(): TestPart {
  const part = infrastructure?.parts.get('kafka-1')
  assert.ok(part !== undefined)
  return part
}

function redis(): ReturnType<typeof createClient> {
  assert.ok(client !== undefined)
  return client
}

function url(): string {
  assert.ok(gateway !== undefined)
  return `http://127.0.0.1:${gateway.port}`
}
