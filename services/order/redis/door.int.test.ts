import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import type { OrderView } from '@timesale/contracts/order-api'
import type { Running } from '@timesale/process/run'
import { hintKeys } from '@timesale/redis/hint-keys'
import { productChanged, stockAnnounced, stockReserved } from '@timesale/testkit/events'
import { readJson, readProblem, send, sendJson, type Answer } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure, type TestPart } from '@timesale/testkit/infrastructure'
import { pausePostgres } from '@timesale/testkit/parts'
import { produce } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startOrder } from '../app.ts'
import { readConfig } from '../config.ts'

const PLACED = (orderId: string): string => `{"orderId":"${orderId}","status":"PLACED"}`
// Generous: a call of Redis gives up after 50 ms, and two cores are shared with everything.
const BOUND_MS = 1_000
// Whoever was let in sooner did not wait in vain for a look at Redis: that takes 50 ms, and timers may be a little early.
const LOOK_MS = 45

test('while stock says that nothing is left, new orders are turned away, and those accepted before are not', async () => {
  const { keys, db } = running()
  const early = { orderId: 'early', productId: 'A001', quantity: 1 }
  assert.equal((await place(early)).text, PLACED('early'))
  const late = await withRedis(async (redis) => {
    const key = keys.stock('A001')
    const say = (): Promise<unknown> => redis.set(key, '7 0', { expiration: { type: 'PX', value: 3_000 } })
    let tries = 0
    // On a busy machine Redis may be asked in vain, and then an order is let in, as it should be.
    const { order, answer } = await until('a new order is turned away', async () => {
      tries += 1
      const order = { orderId: `late-${tries}`, productId: 'A001', quantity: 1 }
      await say()
      const answer = await place(order)
      return answer.status !== 202 && { order, answer }
    })
    const refused = readProblem(answer)
    assert.equal(refused.code, 'sold-out')
    assert.equal(refused.accepted, false)
    assert.deepEqual(await rowsOf(order.orderId), { orders: 0, history: 0, inbox: 0 })
    assert.equal(await redis.get(keys.order(order.orderId)), null)

    // Once more where it took so long that the word was not fresh all the time.
    for (let isFresh = false; !isFresh;) {
      const said = performance.now()
      await say()
      assert.equal((await place({ ...order, orderId: 'other', productId: 'B001' })).text, PLACED('other'))
      assert.equal((await place(early)).text, PLACED('early'), 'Redis remembers it')
      await redis.del(keys.order('early'))
      assert.equal((await place(early)).text, PLACED('early'), 'the database remembers it')
      assert.equal(readProblem(await place({ ...early, quantity: 2 })).code, 'order-id-reused')
      assert.equal(
        readProblem(await place({ ...order, orderId: 'mixed-up', productId: 'nowhere' })).code,
        'unknown-product',
      )
      isFresh = performance.now() - said < 3_000
    }

    await say()
    for (let attempt = 1; (await redis.exists(key)) === 1; attempt += 1) {
      const began = performance.now()
      const { status } = await place({ ...order, orderId: `${order.orderId}-${attempt}` })
      const ms = performance.now() - began
      if (status === 202 && (await redis.exists(key)) === 1)
        assert.ok(ms > LOOK_MS || !(await isReady()), 'as long as the word stood, it was believed')
      await sleep(20)
    }
    assert.equal((await place(order)).text, PLACED(order.orderId), 'the word has lapsed')
    return order.orderId
  })
  assert.deepEqual(await db.sql`select 1 from orders where order_id = ${late}`, [{ '?column?': 1 }])
})

test('in one flush only the orders for what is sold out are turned away', async () => {
  const { keys } = running()
  await withRedis(async (redis) => {
    let round = 0
    const answers = await until('Redis was not asked in vain', async () => {
      round += 1
      await redis.set(keys.stock('A001'), '8 0', { expiration: { type: 'PX', value: 3_000 } })
      const all = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          place({ orderId: `mixed-${round}-${index}`, productId: index % 2 === 0 ? 'A001' : 'B001', quantity: 1 }),
        ),
      )
      return all.every(({ status }, index) => index % 2 === 1 || status !== 202) && all
    })
    for (const [index, answer] of answers.entries()) {
      if (index % 2 === 0) assert.equal(readProblem(answer).code, 'sold-out')
      else assert.equal(answer.text, PLACED(`mixed-${round}-${index}`))
    }
    await redis.del(keys.stock('A001'))
  })
})

test('a word that stock cannot have written is not believed', async () => {
  const { keys } = running()
  const fresh = { expiration: { type: 'PX', value: 3_000 } } as const
  await withRedis(async (redis) => {
    const key = keys.stock('A001')
    const lies: [what: string, tell: () => Promise<unknown>][] = [
      ['without an expiry', () => redis.set(key, '9 0')],
      ['with a long one', () => redis.set(key, '9 0', { expiration: { type: 'PX', value: 60_000 } })],
      ...['0', '9', '', 'sold out', '9 -1', '-9 0', '9 00', ' 9 0', '9 0 0', '9 0\n', '9 1', 'nan 0', '9,0'].map(
        (word): (typeof lies)[number] => [`"${word}"`, () => redis.set(key, word, fresh)],
      ),
      ['a list', () => redis.rPush(key, '9 0')],
      ['a hash', () => redis.hSet(key, '9', '0')],
    ]
    for (const [index, [what, tell]] of lies.entries()) {
      await redis.del(key)
      await tell()
      const orderId = `lied-to-${index}`
      assert.equal((await place({ orderId, productId: 'A001', quantity: 1 })).text, PLACED(orderId), what)
      assert.deepEqual(await rowsOf(orderId), { orders: 1, history: 1, inbox: 0 }, what)
    }
    await redis.del(key)
  })
})

test('an order that Redis remembers is answered while PostgreSQL hangs', async () => {
  const { infra, keys } = running()
  const body = { orderId: 'remembered', productId: 'A001', quantity: 1 }
  assert.equal((await place(body)).status, 202)
  await withRedis((redis) =>
    until('it is remembered', async () => {
      await place(body)
      return (await redis.get(keys.order('remembered'))) !== null
    }),
  )
  const resume = await pausePostgres(infra, 'order')
  try {
    // Where Redis was asked in vain it waits for PostgreSQL. Sent again, it is looked up again.
    await until('it is answered within a second', async () => {
      const answer = await Promise.race([place(body), sleep(BOUND_MS, undefined)])
      return answer?.text === PLACED('remembered')
    })
  } finally {
    resume()
  }
  await until('PostgreSQL answers again', async () => (await send(`${running().url}/orders?limit=1`)).status === 200)
})

test('what Redis remembers lasts ten minutes and no longer', async () => {
  const { keys } = running()
  await withRedis(async (redis) => {
    const seconds = await until('it is remembered', async () => {
      await place({ orderId: 'forgotten-soon', productId: 'A001', quantity: 1 })
      const left = await redis.ttl(keys.order('forgotten-soon'))
      return left > 0 && left
    })
    assert.ok(seconds > 590 && seconds <= 600, `${seconds} s`)
  })
})

test('a Redis that has forgotten everything, or holds nonsense, changes no answer', async () => {
  const { keys } = running()
  const body = { orderId: 'steady', productId: 'A001', quantity: 1 }
  assert.equal((await place(body)).text, PLACED('steady'))
  await withRedis(async (redis) => {
    for (const [what, tell] of [
      ['forgotten', () => redis.flushAll()],
      ['nonsense', () => redis.set(keys.order('steady'), 'nonsense')],
      ['empty', () => redis.set(keys.order('steady'), '')],
      ['a list', () => redis.del(keys.order('steady')).then(() => redis.rPush(keys.order('steady'), 'x'))],
    ] as const) {
      await tell()
      assert.equal((await place(body)).text, PLACED('steady'), what)
      await tell()
      assert.equal(readProblem(await place({ ...body, quantity: 2 })).code, 'order-id-reused', what)
    }
    await redis.flushAll()
  })
  assert.deepEqual(await rowsOf('steady'), { orders: 1, history: 1, inbox: 0 })
})

for (const [what, away] of [
  ['is dead', (redis: TestPart) => redis.kill()],
  ['hangs', (redis: TestPart) => Promise.resolve(redis.signal('SIGSTOP'))],
] as const) {
  test(`while Redis ${what}, orders are accepted, repeated and confirmed, each within a second`, async () => {
    const { infra, url } = running()
    const redis = infra.parts.get('redis')
    assert.ok(redis !== undefined)
    const name = what.replace(' ', '-')
    await place({ orderId: `${name}-before`, productId: 'A001', quantity: 1 })
    await away(redis)
    try {
      const slowest = { ms: 0 }
      const timely = async (body: { orderId: string; quantity: number }): Promise<Answer> => {
        const { answer, ms } = await timed(() => place({ ...body, productId: 'A001' }))
        slowest.ms = Math.max(slowest.ms, ms)
        return answer
      }
      for (let index = 0; index < 30; index += 1) {
        const orderId = `${name}-${index}`
        assert.equal((await timely({ orderId, quantity: 1 })).text, PLACED(orderId))
        assert.equal((await timely({ orderId, quantity: 1 })).text, PLACED(orderId))
      }
      assert.equal((await timely({ orderId: `${name}-before`, quantity: 1 })).text, PLACED(`${name}-before`))
      assert.equal(readProblem(await timely({ orderId: `${name}-before`, quantity: 2 })).code, 'order-id-reused')
      assert.ok(slowest.ms < BOUND_MS, `${slowest.ms} ms`)

      await until('it says so', async () => {
        const health = await readJson<{ status: string; reasons: string[] }>(`${url}/readyz`)
        return health.status === 'degraded' && health.reasons.some((reason) => reason.startsWith('redis:'))
      })
      await produce(infra.brokers, [stockReserved({ orderId: `${name}-0`, productId: 'A001', quantity: 1 })])
      await until(
        'confirmed',
        async () => (await readJson<OrderView>(`${url}/orders/${name}-0`)).status === 'CONFIRMED',
      )
    } finally {
      if (what === 'is dead') await redis.start()
      else redis.signal('SIGCONT')
    }
    await until('Redis is asked again', isReady)
    await withRedis(async (client) => {
      const { keys } = running()
      await until('it remembers again', async () => {
        await place({ orderId: `${name}-after`, productId: 'A001', quantity: 1 })
        return (await client.exists(keys.order(`${name}-after`))) === 1
      })
    })
  })
}

test('a service that never reaches Redis starts, is ready, and accepts', async () => {
  const { infra } = running()
  const alone = await startOrder(readConfig(infra.env('order', { REDIS_URL: 'redis://127.0.0.1:1' })))
  try {
    const url = `http://127.0.0.1:${alone.port}`
    await until('it is ready', async () => (await send(`${url}/readyz`)).status === 200)
    const { answer, ms } = await timed(() =>
      sendJson(`${url}/orders`, { orderId: 'lone', productId: 'A001', quantity: 1 }),
    )
    assert.equal(answer.text, PLACED('lone'))
    assert.ok(ms < BOUND_MS, `${ms} ms`)
  } finally {
    await alone.stop()
  }
})

type Database = ReturnType<Infrastructure['admin']>
type RedisClient = ReturnType<typeof connectTo>

interface Shop {
  readonly infra: Infrastructure
  readonly db: Database
  readonly order: Running
  readonly url: string
  readonly keys: ReturnType<typeof hintKeys>
}

let started: Shop | undefined

before(async () => {
  const infra = await startInfrastructure({ databases: ['order'], kafka: true, redis: true })
  const db = infra.admin('order')
  const [installation] = await db.sql<{ id: string }>`select id from installation`
  const order = await startOrder(readConfig(infra.env('order')))
  const url = `http://127.0.0.1:${order.port}`
  started = { infra, db, order, url, keys: hintKeys(installation?.id ?? '') }
  const products = ['A001', 'B001']
  await produce(infra.brokers, [
    ...products.map((id) => productChanged(id)),
    ...products.map((id) => stockAnnounced(id)),
  ])
  for (const id of products) {
    await until('it can be ordered', async () => (await send(`${url}/orderable-products/${id}`)).status === 200)
  }
  await until('Redis is reached', isReady)
})

after(async () => {
  await started?.order.stop()
  await started?.infra[Symbol.asyncDispose]()
})

function running(): Shop {
  assert.ok(started !== undefined)
  return started
}

function place(body: object): Promise<Answer> {
  return sendJson(`${running().url}/orders`, body)
}

async function isReady(): Promise<boolean> {
  return (await readJson<{ status: string }>(`${running().url}/readyz`)).status === 'ready'
}

/** How long the answer took, but for the longest time in which this process, and with it the service, stood still. */
async function timed(call: () => Promise<Answer>): Promise<{ answer: Answer; ms: number }> {
  using stoodStill = monitorEventLoopDelay({ resolution: 10 })
  stoodStill.enable()
  const began = performance.now()
  const answer = await call()
  return { answer, ms: performance.now() - began - stoodStill.max / 1e6 }
}

// Named for its type: the client's own type parameters differ from the defaults of its name.
function connectTo(url: string) {
  return createClient({ url })
}

async function withRedis<T>(work: (redis: RedisClient) => Promise<T>): Promise<T> {
  const redis = connectTo(running().infra.redisUrl)
  await redis.connect()
  try {
    return await work(redis)
  } finally {
    redis.destroy()
  }
}

async function rowsOf(orderId: string): Promise<unknown> {
  const [rows] = await running().db.sql`
    select (select count(*)::int from orders where order_id = ${orderId}) as orders,
      (select count(*)::int from order_history where order_id = ${orderId}) as history,
      (select count(*)::int from inbox where aggregate_id = ${orderId}) as inbox`
  return rows
}
