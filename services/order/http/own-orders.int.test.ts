import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createClient } from 'redis'
import type { OrderPage, OrderView } from '@timesale/contracts/order-api'
import { VIEW_TOKEN_HEADER } from '@timesale/contracts/view-token'
import type { Database } from '@timesale/postgres/database'
import type { Running } from '@timesale/process/run'
import { calledFor } from '@timesale/testkit/gateway-key'
import { readProblem, send, sendJson, type Answer } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { startOrder } from '../app.ts'
import { readConfig } from '../config.ts'
import { keyedOrderId } from '../keyed-order-id.ts'

// One replica asks for tokens, the other one is open; both on one database and one Redis. Kafka is not needed to accept.

describe('whoever calls for nobody', () => {
  test('without a token is refused everything that is anybody’s', async () => {
    const { guarded } = running()
    for (const [method, path] of REQUESTS) {
      const answer = await send(`${guarded}${path}`, {
        method,
        ...(path === '/orders' && method === 'POST' ? BODY : {}),
      })
      assert.equal(readProblem(answer).code, 'unauthenticated', `${method} ${path}`)
    }
    assert.deepEqual(await countOrders(), 0)
  })

  test('as the gateway’s anonymous caller may look at what can be ordered, and nothing else', async () => {
    for (const url of both()) {
      const anonymous = await calledFor()
      for (const [method, path] of REQUESTS) {
        const body = path === '/orders' && method === 'POST' ? BODY : { headers: {} }
        const answer = await send(`${url}${path}`, { method, ...body, headers: { ...body.headers, ...anonymous } })
        if (path.startsWith('/orderable-products')) assert.equal(answer.status, 200)
        else assert.equal(readProblem(answer).code, 'unauthenticated', `${method} ${path}`)
      }
    }
    assert.deepEqual(await countOrders(), 0)
  })
})

describe('whoever is logged in', () => {
  test('buys for themselves, and for nobody else', async () => {
    const kim = await calledFor('kim', 'buyer')
    for (const [index, url] of both().entries()) {
      const order = { orderId: `bought-${index}`, productId: 'A001', quantity: 1 }
      const answer = await place(order, kim, url)
      assert.equal(answer.status, 202)
      assert.equal(answer.headers[VIEW_TOKEN_HEADER], `/order/orders/bought-${index}.1`)
      assert.equal((await place({ ...order, buyerId: 'kim' }, kim, url)).text, answer.text, 'the same order')
      assert.equal((await readOrder(order.orderId, kim, url)).buyerId, 'kim')

      for (const who of [kim, await calledFor('root', 'operator')]) {
        const other = readProblem(await place({ ...order, orderId: 'for-lee', buyerId: 'lee' }, who, url))
        assert.deepEqual([other.code, other.accepted], ['invalid-request', false])
        assert.deepEqual(
          other.errors?.map(({ field }) => field),
          ['buyerId'],
        )
        assert.equal(
          readProblem(await get('/orders/for-lee', await calledFor('root', 'operator'))).code,
          'order-not-found',
        )
      }
    }
  })

  test('and is no buyer places no order; an operator may do what everybody may', async () => {
    for (const roles of [[], ['seller']] as const) {
      const lee = await calledFor('lee', ...roles)
      for (const url of both()) {
        const order = { orderId: 'of-no-buyer', productId: 'A001', quantity: 1 }
        assert.equal(readProblem(await place(order, lee, url)).code, 'forbidden')
        const keyed = await place({ ...order, orderId: undefined }, { ...lee, 'idempotency-key': 'of-no-buyer' }, url)
        assert.equal(readProblem(keyed).code, 'forbidden')
      }
    }
    const root = await calledFor('root', 'operator')
    assert.equal(readProblem(await get('/orders/of-no-buyer', root)).code, 'order-not-found')
    assert.equal((await place({ orderId: 'of-root', productId: 'A001', quantity: 1 }, root)).status, 202)
  })

  test('sees and cancels their own orders; another buyer’s are like those that do not exist', async () => {
    const [kim, lee] = [await calledFor('kim', 'buyer'), await calledFor('lee', 'buyer', 'seller')]
    await place({ orderId: 'of-kim', productId: 'A001', quantity: 1 }, kim)
    const blank = (answer: Answer, id: string): string => `${answer.status} ${answer.text.replaceAll(id, 'ID')}`
    const alike = async (path: (id: string) => string, method: string): Promise<void> => {
      const ask = (id: string): Promise<Answer> => send(`${running().guarded}${path(id)}`, { method, headers: lee })
      const strange = await ask('of-kim')
      assert.equal(readProblem(strange).code, 'order-not-found')
      assert.equal(blank(strange, 'of-kim'), blank(await ask('of-nobody'), 'of-nobody'))
    }
    await alike((id) => `/orders/${id}`, 'GET')
    await alike((id) => `/orders/${id}/cancellation`, 'POST')
    assert.equal((await readOrder('of-kim', kim)).status, 'PLACED')

    const cancelled = await cancel('of-kim', kim)
    assert.equal(cancelled.text, '{"orderId":"of-kim","status":"CANCELLED"}')
    assert.equal(cancelled.headers[VIEW_TOKEN_HEADER], '/order/orders/of-kim.2')
    await alike((id) => `/orders/${id}/cancellation`, 'POST')
  })

  test('is not told whose an id is, or of what', async () => {
    const [kim, lee] = [await calledFor('kim', 'buyer'), await calledFor('lee', 'buyer')]
    const order = { orderId: 'taken', productId: 'B001', quantity: 1 }
    await place(order, kim)
    for (const url of both()) {
      const answer = await place(order, lee, url)
      assert.equal(readProblem(answer).code, 'order-id-reused')
      assert.doesNotMatch(answer.text, /kim|B001/)
    }
    assert.equal((await readOrder('taken', kim)).buyerId, 'kim')
  })

  test('as an operator sees and cancels all orders; a list of everybody’s is for nobody else', async () => {
    const [kim, root] = [await calledFor('kim', 'buyer'), await calledFor('root', 'operator')]
    await place({ orderId: 'seen', productId: 'A001', quantity: 1 }, kim)
    assert.equal((await readOrder('seen', root)).buyerId, 'kim')
    const page = JSON.parse((await get('/orders?limit=100', root)).text) as OrderPage
    assert.ok(page.orders.some(({ orderId }) => orderId === 'seen'))
    assert.equal((await get('/orders', {}, running().open)).status, 200)
    for (const roles of [['buyer'], ['seller'], []] as const)
      assert.equal(readProblem(await get('/orders', await calledFor('kim', ...roles))).code, 'forbidden')
    assert.equal((await cancel('seen', root)).status, 200)
    assert.equal((await readOrder('seen', kim)).status, 'CANCELLED')
  })
})

describe('Idempotency-Key', () => {
  test('is needed by whoever is logged in and brings no order id; a bad one is refused', async () => {
    const kim = await calledFor('kim', 'buyer')
    const before = await countOrders()
    const order = { productId: 'A001', quantity: 1 }
    const answer = readProblem(await place(order, kim))
    assert.deepEqual([answer.code, answer.accepted], ['idempotency-key-required', false])
    assert.deepEqual(
      answer.errors?.map(({ field }) => field),
      ['orderId', 'idempotency-key'],
    )
    for (const key of ['', 'a b', 'x'.repeat(256), 'é', 'a\tb']) {
      for (const more of [{}, { orderId: 'with-a-bad-key' }]) {
        const bad = await place({ ...order, ...more }, { ...kim, 'idempotency-key': key })
        const document = readProblem(bad)
        assert.deepEqual(
          [document.code, document.errors?.map(({ field }) => field)],
          ['invalid-request', ['idempotency-key']],
          key,
        )
      }
    }
    assert.equal(await countOrders(), before)
    for (const key of ['"quoted"', '!', '~', 'x'.repeat(255), 'back\\slash', '{a,b}', 'NULL', "it's"]) {
      const sent = { ...kim, 'idempotency-key': key }
      const first = await place(order, sent)
      assert.equal(first.status, 202, first.text)
      assert.equal((await place(order, sent, running().open)).text, first.text)
    }
    assert.equal(await countOrders(), before + 8)
  })

  test('sent by 50 at once with the same body: one order, and the same bytes for everybody', async () => {
    const kim = await calledFor('kim', 'buyer')
    for (const more of [{}, { orderId: 'keyed-at-once' }]) {
      const before = await countOrders()
      const headers = { ...kim, 'idempotency-key': `at-once-${Object.keys(more).length}` }
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          place({ ...more, productId: 'A001', quantity: 1 }, headers, both()[index % 2]),
        ),
      )
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([202]))
      assert.equal(
        new Set(answers.map(({ text, headers: { [VIEW_TOKEN_HEADER]: token } }) => `${token} ${text}`)).size,
        1,
      )
      assert.equal(await countOrders(), before + 1)
      await flushRedis()
      assert.equal((await place({ ...more, productId: 'A001', quantity: 1 }, headers)).text, answers[0]?.text)
      assert.equal(await countOrders(), before + 1)
    }
  })

  for (const redis of ['with', 'without'] as const) {
    test(`is for one body and one order id alone, ${redis} Redis`, async () => {
      const kim = await calledFor('kim', 'buyer')
      const order = { productId: 'A001', quantity: 1 }
      const sent = async (key: string, body: object): Promise<Answer> => {
        if (redis === 'without') await flushRedis()
        return await place(body, { ...kim, 'idempotency-key': `${key}-${redis}` })
      }
      const reused = async (key: string, body: object, code = 'idempotency-key-reused'): Promise<void> => {
        const before = await countOrders()
        const document = readProblem(await sent(key, body))
        assert.deepEqual([document.code, document.accepted], [code, false])
        assert.deepEqual(
          document.errors?.map(({ field }) => field),
          [code === 'order-id-reused' ? 'orderId' : 'idempotency-key'],
        )
        assert.equal(await countOrders(), before, 'a mismatch has no effect')
      }
      const ids = (name: string): object => ({ ...order, orderId: `${name}-${redis}` })

      const { orderId } = JSON.parse((await sent('own', order)).text) as { orderId: string }
      await reused('own', { ...order, quantity: 2 })
      await reused('own', { ...order, productId: 'B001' })
      await reused('own', ids('another'))
      assert.deepEqual(JSON.parse((await sent('own', { ...order, orderId })).text), { orderId, status: 'PLACED' })

      const first = await sent('named', ids('first'))
      assert.equal(first.status, 202)
      assert.equal((await sent('named', ids('first'))).text, first.text)
      await reused('named', { ...ids('first'), quantity: 2 })
      await reused('named', ids('second'))
      await reused('named', order)

      // An order that was placed without a key, or under another one, is named by this one, too.
      assert.equal((await place(ids('plain'), kim)).status, 202)
      assert.equal((await sent('later', ids('plain'))).status, 202)
      assert.equal((await sent('latest', ids('plain'))).status, 202)
      await reused('later', ids('second'))
      await reused('latest', ids('second'))
      await reused('fresh', { ...ids('plain'), quantity: 2 }, 'order-id-reused')
      assert.equal((await sent('fresh', ids('second'))).status, 202, 'what was refused has not used its key')
    })
  }

  for (const redis of ['with', 'without'] as const) {
    test(`that somebody guessed is not taken from its buyer, ${redis} Redis`, async () => {
      const [kim, lee] = [await calledFor('kim', 'buyer'), await calledFor('lee', 'buyer')]
      const key = { 'idempotency-key': `easily-guessed-${redis}` }
      const orderId = keyedOrderId('kim', key['idempotency-key'])
      const order = { productId: 'A001', quantity: 1 }
      const before = await countOrders()
      const notTaken = async (headers: Headers, product = 'A001'): Promise<void> => {
        for (const url of both()) {
          if (redis === 'without') await flushRedis()
          const document = readProblem(await place({ ...order, orderId, productId: product }, headers, url))
          assert.deepEqual([document.code, document.accepted], ['invalid-request', false])
          assert.deepEqual(
            document.errors?.map(({ field }) => field),
            ['orderId'],
          )
        }
      }
      for (const headers of [lee, { ...lee, ...key }, kim, { ...kim, 'idempotency-key': 'another' }]) {
        await notTaken(headers)
        await notTaken(headers, 'unknown')
      }
      assert.equal(await countOrders(), before)

      const first = await place(order, { ...kim, ...key })
      assert.deepEqual([first.status, first.text], [202, JSON.stringify({ orderId, status: 'PLACED' })])
      // From then on it is the order's id as any other: its owner may repeat it by id, and to others it is taken.
      for (const headers of [{ ...kim, ...key }, kim, { ...kim, 'idempotency-key': `named-later-${redis}` }]) {
        if (redis === 'without') await flushRedis()
        assert.equal((await place({ ...order, orderId }, headers)).text, first.text)
      }
      assert.equal(readProblem(await place({ ...order, orderId }, lee)).code, 'order-id-reused')
      assert.equal(await countOrders(), before + 1)
    })
  }

  test('of one buyer does not meet that of another', async () => {
    const order = { productId: 'A001', quantity: 1 }
    const orderIds = await Promise.all(
      ['kim', 'lee', 'park'].map(async (buyer) => {
        const answer = await place(order, { ...(await calledFor(buyer, 'buyer')), 'idempotency-key': 'the-same' })
        return (JSON.parse(answer.text) as { orderId: string }).orderId
      }),
    )
    assert.equal(new Set(orderIds).size, 3)
    for (const [index, buyer] of ['kim', 'lee', 'park'].entries())
      assert.equal((await readOrder(orderIds[index] ?? '', await calledFor(buyer, 'buyer'))).buyerId, buyer)
    // On an open port, too, where the body says who buys.
    const open = await place({ ...order, buyerId: 'kim' }, { 'idempotency-key': 'the-same' }, running().open)
    assert.deepEqual(JSON.parse(open.text), { orderId: orderIds[0], status: 'PLACED' })
  })
})

const BODY = {
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ orderId: 'nobodys', productId: 'A001', quantity: 1 }),
}
const REQUESTS = [
  ['POST', '/orders'],
  ['GET', '/orders'],
  ['GET', '/orders/nobodys'],
  ['POST', '/orders/nobodys/cancellation'],
  ['GET', '/orderable-products/A001'],
] as const

type Headers = Readonly<Record<string, string>>

interface Shop {
  readonly infra: Infrastructure
  readonly db: Database
  readonly replicas: readonly Running[]
  /** Where everybody needs a token, and where not. */
  readonly guarded: string
  readonly open: string
}

let started: Shop | undefined

before(async () => {
  const infra = await startInfrastructure({ databases: ['order'], redis: true })
  const db = infra.admin('order')
  await db.sql`
    insert into product_copies (product_id, unit_price_minor, currency, stocked)
    values ('A001', 12900, 'KRW', true), ('B001', 4500, 'KRW', true)`
  const [guarded, open] = await Promise.all([
    startOrder(readConfig(infra.env('order', { AUTH_MODE: 'token' }))),
    startOrder(readConfig(infra.env('order'))),
  ])
  const urlOf = ({ port }: { port: number }): string => `http://127.0.0.1:${port}`
  started = { infra, db, replicas: [guarded, open], guarded: urlOf(guarded), open: urlOf(open) }
})

after(async () => {
  await Promise.all((started?.replicas ?? []).map((replica) => replica.stop()))
  await started?.infra[Symbol.asyncDispose]()
})

function running(): Shop {
  assert.ok(started !== undefined)
  return started
}

function both(): string[] {
  const { guarded, open } = running()
  return [guarded, open]
}

function place(body: object, headers: Headers, url = running().guarded): Promise<Answer> {
  return sendJson(`${url}/orders`, body, { headers })
}

function get(path: string, headers: Headers, url = running().guarded): Promise<Answer> {
  return send(url + path, { headers })
}

function cancel(orderId: string, headers: Headers): Promise<Answer> {
  return send(`${running().guarded}/orders/${orderId}/cancellation`, { method: 'POST', headers })
}

async function readOrder(orderId: string, headers: Headers, url?: string): Promise<OrderView> {
  const answer = await get(`/orders/${orderId}`, headers, url)
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text) as OrderView
}

async function countOrders(): Promise<number> {
  const [row] = await running().db.sql<{ count: number }>`
    select count(*)::int from orders join order_history using (order_id)`
  return row?.count ?? -1
}

async function flushRedis(): Promise<void> {
  const redis = createClient({ url: running().infra.redisUrl })
  await redis.connect()
  await redis.flushAll()
  redis.destroy()
}
