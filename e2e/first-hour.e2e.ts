import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, before, test } from 'node:test'
import type { OrderTrace } from '@timesale/contracts/trace-api'
import { asBuyer } from '@timesale/local/shop/as-operator'
import { databaseServices, serviceNames } from '@timesale/local/shop/ports'
import { until } from '@timesale/testkit/until'
import { settled, verdict } from '@timesale/verify/verdict'
import { startLocalShop, type LocalShop } from './local-shop.ts'

// What the README promises to somebody who has just typed `npm start`, in the order they would try it.

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'

let shop: LocalShop
const accepted: string[] = []

before(async () => {
  shop = await startLocalShop()
})

after(async () => {
  await shop?.[Symbol.asyncDispose]()
})

test('the first order is accepted and confirmed within a second', async () => {
  // This process has nothing to do: what it was held up for, the machine is to blame for.
  using stoodStill = monitorEventLoopDelay({ resolution: 10 })
  stoodStill.enable()
  const { status, body } = await order('1', { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` })
  assert.equal(status, 202)
  assert.equal(body, '{"orderId":"1","status":"PLACED"}')
  const acceptedAt = performance.now()
  const placed = await until('order 1 is confirmed', () => orderIf('1', 'CONFIRMED'))
  const tookMs = performance.now() - acceptedAt
  assert.ok(tookMs < 1_000 + stoodStill.max / 1e6, `${tookMs} ms`)
  assert.deepEqual(
    placed.history.map((entry) => [entry.version, entry.status, entry.cause]),
    [
      [1, 'PLACED', 'POST /orders'],
      [2, 'CONFIRMED', 'stock.reserved.v1 1.1'],
    ],
  )
})

test('the same order again gets the same bytes, another one under its id is refused', async () => {
  assert.equal((await order('1')).body, '{"orderId":"1","status":"PLACED"}')
  assert.equal((await order('1', { quantity: 3 })).status, 422)
})

test('it moves stock, leaves a notice and shows in the sales', async () => {
  const stock = await until('two units are sold', async () => {
    const level = await get<{ sold: number }>('stock', '/stock/A001')
    return level.sold === 2 && level
  })
  assert.deepEqual(stock, { productId: 'A001', initial: 1000, available: 998, reserved: 0, sold: 2, version: 3 })
  const notices = await until('a notice', async () => {
    const found = await get<{ kind: string }[]>('notification', '/notices?orderId=1')
    return found.length > 0 && found
  })
  assert.deepEqual(
    notices.map(({ kind }) => kind),
    ['CONFIRMED'],
  )
  const [top] = await until('a sale', async () => {
    const found = await get<{ productId: string; units: number }[]>('analytics', '/top-products')
    return found.length > 0 && found
  })
  assert.deepEqual([top?.productId, top?.units], ['A001', 2])
  const sales = await get<{ orders: number; units: number }[]>('analytics', '/sales')
  assert.deepEqual(
    sales.map(({ orders, units }) => [orders, units]),
    [[1, 2]],
  )
})

test("the order's record is on its topic as plain JSON for Kafka's own consumer", async () => {
  const read = await shop.run(
    'kafka',
    ...'console-consumer --topic order-topic --from-beginning --max-messages 1'.split(' '),
  )
  assert.deepEqual(JSON.parse(read.split('\n')[0] ?? ''), {
    orderId: '1',
    buyerId: 'open',
    productId: 'A001',
    quantity: 2,
    unitPriceMinor: 19_900,
    currency: 'KRW',
  })
})

test('one trace id leads through the logs of every service that saw the order', async () => {
  for (const service of ['order', 'stock', 'notification', 'analytics']) {
    const log = join(shop.folder, 'logs', `${service}.log`)
    await until(`${service} has logged it`, () => readFileSync(log, 'utf8').includes(TRACE_ID))
  }
})

test('an order is followed through every hop, with its times and places', async () => {
  const trace = await until('everybody has heard of it', async () => {
    const found = await follow('1')
    const applied = found.hops.filter(({ kind, version }) => kind === 'applied' && version === 2)
    return found.missing.length === 0 && applied.length === 5 && found
  })
  assert.deepEqual([trace.orderId, trace.status], ['1', 'CONFIRMED'])
  const told = trace.hops.map(({ where, what, version }) => `${where}: ${what} ${version ?? ''}`.trim()).sort()
  assert.deepEqual(told, [
    'analytics: /order/orders 2',
    'analytics: /stock/reservations 2',
    'notification: /order/orders 2',
    'notification: notice CONFIRMED',
    'order-topic: order.confirmed.v1 2',
    'order-topic: order.placed.v1 1',
    'order: /stock/reservations 2',
    'order: CONFIRMED 2',
    'order: PLACED 1',
    'stock-topic: stock.committed.v1 2',
    'stock-topic: stock.reserved.v1 1',
    'stock: /order/orders 2',
    'stock: COMMIT 2 2',
    'stock: RESERVE 2 1',
  ])
  const timed = trace.hops.filter(({ afterMs }) => afterMs !== null)
  assert.deepEqual([timed[0]?.where, timed[0]?.what, timed[0]?.afterMs], ['order', 'PLACED', 0])
  assert.ok(timed.every(({ stepMs }) => (stepMs ?? -1) >= 0 && (stepMs ?? -1) < 10_000))
  const records = trace.hops.filter(({ kind }) => kind === 'record')
  assert.ok(records.every(({ record }) => /^\d+$/.test(record?.offset ?? '') && record?.traceId === TRACE_ID))
  assert.match(await shop.run('order', '1'), /order-topic \d:\d+ [\s\S]*RESERVE 2[\s\S]*notice CONFIRMED/)
  await assert.rejects(shop.run('order', 'nobodys'), /404/)
  const asBuyer = await fetch(`${shop.url('stock')}/trace/1`, { headers: await buyerOf(shop) })
  assert.equal(asBuyer.status, 403)
})

test('a consumer that is killed stays down, the others go on, its lag grows, and its return catches up', async () => {
  await shop.run('part', 'kill', 'stock')
  for (const id of ['2', '3', '4']) assert.equal((await order(id)).status, 202)
  await until('the lag shows', async () => /stock [3-9]/.test(await shop.run('status')))
  assert.equal(await partState('stock'), 'stopped')
  assert.equal((await get<{ status: string }>('order', '/orders/2')).status, 'PLACED')
  const waits = await until('all else is known of', async () => {
    const found = await follow('2')
    return found.missing.length === 1 && found.hops.some(({ kind }) => kind === 'record') && found
  })
  assert.deepEqual(
    waits.hops.filter(({ afterMs }) => afterMs !== null).map(({ where, what }) => [where, what]),
    [
      ['order', 'PLACED'],
      ['order-topic', 'order.placed.v1'],
    ],
  )
  assert.deepEqual(waits.missing, [{ part: 'stock', reason: 'upstream-unavailable' }])
  await shop.run('part', 'start', 'stock')
  for (const id of ['2', '3', '4']) await until(`order ${id} is decided`, () => orderIf(id, 'CONFIRMED'))
})

test('orders are accepted while Redis hangs, and while the broker is stopped', async () => {
  await shop.run('part', 'pause', 'redis')
  assert.equal(await partState('redis'), 'paused')
  assert.equal((await order('5')).status, 202)
  await shop.run('part', 'resume', 'redis')
  await shop.run('part', 'stop', 'kafka-1')
  assert.equal((await order('6')).status, 202)
  await shop.run('part', 'start', 'kafka-1')
  for (const id of ['5', '6']) await until(`order ${id} is decided`, () => orderIf(id, 'CONFIRMED'), 60_000)
})

test('status names every part with its process, port, state and memory', async () => {
  const parts = await shop.status()
  const servers = [...databaseServices.map((name) => `postgres-${name}`), 'kafka-1', 'redis']
  const names = [...serviceNames, ...servers]
  assert.deepEqual(parts.map(({ name }) => name).sort(), names.sort())
  for (const part of parts) {
    assert.equal(part.state, 'running', part.name)
    assert.ok((part.pid ?? 0) > 0 && part.port > 0 && part.memoryBytes > 1_000_000, JSON.stringify(part))
  }
})

test('sql looks into a database, and changes nothing', async () => {
  const rows = JSON.parse(await shop.run('sql', 'order', 'select count(*)::int as n from orders', '--json')) as unknown
  assert.deepEqual(rows, [{ n: 6 }])
  await assert.rejects(shop.run('sql', 'order', 'delete from orders'), /read-only/)
})

test('the books balance', async () => {
  await settled(shop)
  assert.deepEqual(await verdict(shop, { accepted, turnedAway: [] }), [])
})

async function follow(orderId: string): Promise<OrderTrace> {
  return JSON.parse(await shop.run('order', orderId, '--json')) as OrderTrace
}

/** What the gateway would say to a service of somebody who only buys. */
async function buyerOf({ folder }: LocalShop): Promise<{ authorization: string }> {
  const { gatewaySigningKey } = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')) as Record<string, string>
  return await asBuyer(gatewaySigningKey ?? '')('somebody')
}

async function order(
  orderId: string,
  more: { quantity?: number; traceparent?: string } = {},
): Promise<{ status: number; body: string }> {
  const response = await fetch(`${shop.url('order')}/orders`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(more.traceparent === undefined ? {} : { traceparent: more.traceparent }),
    },
    body: JSON.stringify({ orderId, productId: 'A001', quantity: more.quantity ?? 2 }),
    signal: AbortSignal.timeout(5_000),
  })
  if (response.status === 202) accepted.push(orderId)
  return { status: response.status, body: await response.text() }
}

interface Order {
  status: string
  history: { version: number; status: string; cause: string }[]
}

async function orderIf(orderId: string, status: string): Promise<Order | false> {
  const found = await get<Order>('order', `/orders/${orderId}`)
  return found.status === status && found
}

async function get<T>(service: Parameters<LocalShop['url']>[0], path: string): Promise<T> {
  const response = await fetch(`${shop.url(service)}${path}`, { signal: AbortSignal.timeout(5_000) })
  assert.equal(response.status, 200, path)
  return (await response.json()) as T
}

async function partState(name: string): Promise<string | undefined> {
  return (await shop.status()).find((part) => part.name === name)?.state
}
