import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, before, test } from 'node:test'
import { fact } from '@timesale/contracts/event'
import type { Settings } from '@timesale/contracts/settings'
import { SettingsChanged } from '@timesale/contracts/settings-events'
import type { Running } from '@timesale/process/run'
import { productChanged, stockAnnounced } from '@timesale/testkit/events'
import { readProblem, send, sendJson, type Answer } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { produce, recordOf } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startOrder } from './app.ts'
import { readConfig } from './config.ts'

// One after the other: each goes on from what the one before has set.

test('without any settings orders are taken', async () => {
  assert.equal((await place('before')).status, 202)
})

test('while orders are paused new ones are answered so, and repeated ones as before', async () => {
  const first = await place('before')

  const heardMs = await set(
    1,
    { ordersOpen: false, limits: {} },
    async (orderId) => (await place(orderId)).status === 503,
  )

  assert.ok(heardMs < 2_000, `heard after ${heardMs} ms`)
  const answer = await place('while')
  assert.equal(answer.status, 503)
  const { code, accepted } = readProblem(answer)
  assert.deepEqual([code, accepted], ['orders-paused', false])
  assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/)
  const again = await place('before')
  assert.deepEqual([again.status, again.text], [202, first.text])
  assert.equal((await place('before', 2)).status, 422)
  assert.equal((await send(`${url()}/orders/before`)).status, 200)
  assert.equal((await send(`${url()}/orders/while`)).status, 404)
})

test('they are opened without a restart; a cap that was set is obeyed, and stays while Kafka is away', async () => {
  const capped = { ordersOpen: true, limits: {}, outboxCapEvents: 1 }
  await set(2, capped, async (orderId) => (await place(orderId)).status === 202)
  // What was placed a moment ago may still wait, and two facts are too many under this cap.
  await until('the one that was turned away is taken', async () => (await place('while')).status === 202)
  const kafka = infra.parts.get('kafka-1')
  assert.ok(kafka !== undefined)
  await kafka.kill()
  try {
    const full = await until('the cap is reached', async () => {
      const answer = await place(crypto.randomUUID())
      return answer.status === 503 && answer
    })
    assert.equal(readProblem(full).code, 'outbox-full')
  } finally {
    await kafka.start()
  }

  await set(3, { ordersOpen: true, limits: {} }, async (orderId) => (await place(orderId)).status === 202)
})

test('who starts while they are paused takes none, as soon as it has heard of it', async () => {
  await set(4, { ordersOpen: false, limits: {} }, async (orderId) => (await place(orderId)).status === 503)
  await order.stop()
  order = await startOrder(readConfig(infra.env('order')))

  await until('it has heard', async () => (await place(crypto.randomUUID())).status === 503)
})

let infra: Infrastructure
let order: Running & { port: number }

before(async () => {
  infra = await startInfrastructure({ databases: ['order'], kafka: true, redis: true })
  order = await startOrder(readConfig(infra.env('order')))
  await produce(infra.brokers, [productChanged('A001'), stockAnnounced('A001')])
  await until('A001 can be ordered', async () => (await send(`${url()}/orderable-products/A001`)).status === 200)
})

after(async () => {
  await order.stop()
  await infra[Symbol.asyncDispose]()
})

function url(): string {
  return `http://127.0.0.1:${order.port}`
}

function place(orderId: string, quantity = 1): Promise<Answer> {
  return sendJson(`${url()}/orders`, { orderId, productId: 'A001', quantity })
}

/**
 * Says it on the topic, and waits until new orders show it: how long that took, in milliseconds, but for the longest time
 * in which this process, and with it the service, stood still.
 */
async function set(version: number, settings: Settings, shows: (newId: string) => Promise<boolean>): Promise<number> {
  const data = { settingsId: 'shop', ...settings }
  await produce(infra.brokers, [recordOf(fact(SettingsChanged, { aggregateId: 'shop', version, data }))])
  using stoodStill = monitorEventLoopDelay({ resolution: 10 })
  stoodStill.enable()
  const said = performance.now()
  await until(`version ${version} is obeyed`, () => shows(crypto.randomUUID()))
  return performance.now() - said - stoodStill.max / 1e6
}
