import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createClient } from 'redis'
import { eventId } from '@timesale/contracts/event'
import type { OrderPage, OrderView } from '@timesale/contracts/order-api'
import type { Database } from '@timesale/postgres/database'
import type { Running } from '@timesale/process/run'
import { productChanged, stockAnnounced, stockRejected, stockReserved } from '@timesale/testkit/events'
import { readJson, readProblem, send, sendJson, type Answer } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { readMetric } from '@timesale/testkit/metrics'
import { Offsets } from '@timesale/testkit/offsets'
import { produce, readTopic, type ReadRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startOrder } from '../app.ts'
import { readConfig } from '../config.ts'

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

describe('an order that is sent again', () => {
  test('gets the same bytes, whoever is asked and whatever became of it meanwhile', async () => {
    const { urls, infra, db } = running()
    const body = { orderId: 'again', productId: 'A001', quantity: 2 }
    const expected = '{"orderId":"again","status":"PLACED"}'
    const first = await place(body)
    assert.equal(first.status, 202)
    assert.equal(first.text, expected)
    assert.equal(first.headers['content-type'], 'application/json; charset=utf-8')

    assert.equal((await place(body)).text, expected, 'once more')
    assert.equal((await place({ ...body, buyerId: 'open' })).text, expected, 'with the default written out')
    assert.equal((await place(body, urls[1])).text, expected, 'at another replica')
    await reserve('again', 'A001', 2)
    await statusOf('again', 'CONFIRMED')
    assert.equal((await place(body)).text, expected, 'after it was confirmed')
    await flushRedis(infra)
    assert.equal((await place(body)).text, expected, 'after Redis lost everything')
    await restartReplica(1)
    await flushRedis(infra)
    assert.equal((await place(body, urls[1])).text, expected, 'after a restart')
    assert.deepEqual(await db.sql`select quantity, status from orders where order_id = 'again'`, [
      { quantity: 2, status: 'CONFIRMED' },
    ])
  })

  test('is refused with another body, and stays as it was', async () => {
    const { urls, infra } = running()
    const body = { orderId: 'mine', productId: 'A001', quantity: 2, buyerId: 'kim' }
    assert.equal((await place(body)).status, 202)
    const before = await rowsOf('mine')
    for (const other of [
      { ...body, quantity: 3 },
      { ...body, productId: 'B001' },
      { ...body, buyerId: 'lee' },
      { orderId: 'mine', productId: 'A001', quantity: 2 },
      { ...body, productId: 'unknown' },
    ]) {
      for (const url of urls) {
        assertReused(await place(other, url), 'mine')
        await flushRedis(infra)
        assertReused(await place(other, url), 'mine')
      }
    }
    assert.deepEqual(await rowsOf('mine'), before)
  })

  test('waits for the first answer and gets the same, however often it is sent meanwhile', async () => {
    const { urls } = running()
    const body = { orderId: 'eager', productId: 'A001', quantity: 1 }
    const answers = await whileOrdersWait((sent) => {
      sent(place(body))
      for (let copy = 0; copy < 50; copy += 1) sent(place(body, urls[copy % 2]))
    })
    assert.deepEqual(
      [...new Set(answers.map(({ status, text }) => `${status} ${text}`))],
      ['202 {"orderId":"eager","status":"PLACED"}'],
    )
    assert.deepEqual(await rowsOf('eager'), { orders: 1, history: 1 })
  })
})

describe('two orders under one id', () => {
  test('in one flush: one is accepted, and the other refused to everybody who sent it', async () => {
    const ids = Array.from({ length: 10 }, (_, index) => `twice-${index}`)
    const attempts = ids.flatMap((orderId) =>
      Array.from({ length: 6 }, (_, copy) => ({ orderId, productId: 'A001', quantity: 1 + (copy % 2) })),
    )
    const answers = await whileOrdersWait((sent) => {
      sent(place({ orderId: 'twice-blocker', productId: 'A001', quantity: 1 }))
      for (const attempt of attempts) sent(place(attempt))
    })
    await assertOneWinner(ids, attempts, answers.slice(1))
  })

  test('at two replicas at once: one is accepted, and the other refused', async () => {
    const { urls } = running()
    const ids = Array.from({ length: 20 }, (_, index) => `split-${index}`)
    const attempts = ids.flatMap((orderId, index) => [
      { orderId, productId: 'A001', quantity: 1 + (index % 2), url: urls[0] },
      { orderId, productId: 'A001', quantity: 2 - (index % 2), url: urls[1] },
    ])
    const answers = await Promise.all(attempts.map(({ url, ...body }) => place(body, url)))
    await assertOneWinner(ids, attempts, answers)
  })

  test('that are the same order, at two replicas at once: both are told that it is accepted', async () => {
    const { urls } = running()
    const ids = Array.from({ length: 20 }, (_, index) => `both-${index}`)
    const answers = await Promise.all(
      // The other way round at the second replica: rows are inserted by id, or the two would wait for each other.
      [ids, ids.toReversed()].flatMap((some, replica) =>
        some.map((orderId) => place({ orderId, productId: 'A001', quantity: 1 }, urls[replica])),
      ),
    )
    assert.ok(answers.every(({ status }) => status === 202))
    for (const id of ids) assert.deepEqual(await rowsOf(id), { orders: 1, history: 1 })
  })
})

describe('an order', () => {
  test('without an id gets a UUIDv7 of this moment', async () => {
    const before = Date.now()
    const [one, two] = await Promise.all([
      place({ productId: 'A001', quantity: 1 }),
      place({ productId: 'A001', quantity: 1 }),
    ])
    const ids = [one, two].map(({ text }) => (JSON.parse(text) as { orderId: string }).orderId)
    assert.notEqual(ids[0], ids[1])
    for (const id of ids) {
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      const at = Number.parseInt(id.replace('-', '').slice(0, 12), 16)
      assert.ok(at >= before - 1 && at <= Date.now() + 1, `${at}`)
      assert.deepEqual(await rowsOf(id), { orders: 1, history: 1 })
    }
  })

  test('for a product that is not known is refused, stores nothing and does not burn its id', async () => {
    const answer = await place({ orderId: 'early', productId: 'nowhere', quantity: 1 })
    const document = readProblem(answer)
    assert.equal(document.code, 'unknown-product')
    assert.equal(document.accepted, false)
    assert.deepEqual(
      document.errors?.map(({ field }) => field),
      ['productId'],
    )
    assert.deepEqual(await rowsOf('early'), { orders: 0, history: 0 })
    assert.equal((await send(`${running().urls[0]}/orders/early`)).status, 404)
    assert.equal((await place({ orderId: 'early', productId: 'A001', quantity: 1 })).status, 202)
  })

  test('cannot be placed for a product of which only the price or only the stock is known', async () => {
    const { infra, urls } = running()
    await produce(infra.brokers, [productChanged('priced', { priceMinor: 100 }), stockAnnounced('announced')])
    await until(
      'both were heard of',
      async () =>
        (await inboxVersion('/product/products', 'priced')) === 1 &&
        (await inboxVersion('/stock/products', 'announced')) === 1,
    )
    for (const productId of ['priced', 'announced']) {
      assert.equal(readProblem(await place({ productId, quantity: 1 })).code, 'unknown-product')
      assert.equal(readProblem(await send(`${urls[0]}/orderable-products/${productId}`)).code, 'product-not-found')
    }
    await produce(infra.brokers, [stockAnnounced('priced')])
    await orderable('priced', 100)
    assert.equal((await place({ productId: 'priced', quantity: 1 })).status, 202)
  })

  test('is answered only once it is committed', async () => {
    const { db } = running()
    let accepted = false
    const [patient] = await whileOrdersWait(
      (sent) => {
        sent(
          place({ orderId: 'patient', productId: 'A001', quantity: 1 }).then((answer) => {
            accepted ||= answer.status === 202
            return answer
          }),
        )
      },
      () => assert.equal(accepted, false),
    )
    assert.equal(patient?.status, 202)
    assert.deepEqual(await rowsOf('patient'), { orders: 1, history: 1 })

    await db.sql`
      create function refuse_commit() returns trigger language plpgsql as
      $$ begin if new.order_id = 'refused-at-commit' then raise exception 'no'; end if; return null; end $$`
    await db.sql`
      create constraint trigger refuse_commit after insert on orders deferrable initially deferred
      for each row execute function refuse_commit()`
    try {
      const order = { orderId: 'refused-at-commit', productId: 'A001', quantity: 1 }
      const answer = await place(order)
      assert.equal(readProblem(answer).code, 'internal-error')
      assert.deepEqual(await rowsOf('refused-at-commit'), { orders: 0, history: 0 })
      assert.equal(readProblem(await place(order)).code, 'internal-error', 'and Redis does not remember it either')
    } finally {
      await db.sql`drop function refuse_commit cascade`
    }
  })

  test('that fails alone does not fail the others of its flush', async () => {
    const { db } = running()
    await db.sql`alter table orders add constraint no_poison check (order_id <> 'poison')`
    const orders = ['a', 'b', 'c', 'd', 'e', 'poison', 'f', 'g', 'h', 'i'].map((name) => ({
      orderId: name === 'poison' ? name : `beside-${name}`,
      productId: 'A001',
      quantity: 1,
    }))
    const answers = await whileOrdersWait((sent) => {
      sent(place({ orderId: 'beside-blocker', productId: 'A001', quantity: 1 }))
      for (const order of orders) sent(place(order))
    })
    for (const [index, { orderId }] of orders.entries()) {
      const answer = answers[index + 1] as Answer
      if (orderId !== 'poison') assert.equal(answer.text, `{"orderId":"${orderId}","status":"PLACED"}`)
      else {
        assert.equal(readProblem(answer).code, 'internal-error')
        assert.doesNotMatch(answer.text, /"accepted":true|poison|constraint/)
      }
      const stored = orderId === 'poison' ? 0 : 1
      assert.deepEqual(await rowsOf(orderId), { orders: stored, history: stored })
    }
    await db.sql`alter table orders drop constraint no_poison`
    assert.equal((await place({ orderId: 'poison', productId: 'A001', quantity: 1 })).status, 202)
  })
})

test('a price that changes while orders run: each order has the old or the new one, later ones the new', async () => {
  const { infra, db, urls } = running()
  const closing = new AbortController()
  const buyers = Array.from({ length: 4 }, async (_, buyer) => {
    for (let count = 0; !closing.signal.aborted; count += 1) {
      const answer = await place(
        { orderId: `priced-${buyer}-${count}`, productId: 'P001', quantity: 1 },
        urls[buyer % 2],
      )
      assert.equal(answer.status, 202)
    }
  })
  await until('orders run', async () => (await priceCounts('P001')).length > 0)
  await produce(infra.brokers, [productChanged('P001', { priceMinor: 250 }, { version: 3 })])
  await orderable('P001', 250)
  await until('orders at the new price', async () => (await priceCounts('P001')).length === 2)
  closing.abort()
  await Promise.all(buyers)
  assert.deepEqual(
    (await priceCounts('P001')).map(({ price }) => price),
    [200, 250],
  )
  const byTime = await db.sql<{ price: string }>`
    select unit_price_minor as price from orders where product_id = 'P001' order by placed_at desc limit 1`
  assert.equal(byTime[0]?.price, '250')

  // Version 2 was overtaken; version 3 comes once more. Where partitions change hands, others come once more as well.
  const duplicates = await duplicatesSeen()
  await produce(infra.brokers, [
    productChanged('P001', { priceMinor: 220 }, { version: 2 }),
    productChanged('P001', { priceMinor: 200 }),
    productChanged('P001', { priceMinor: 250 }, { version: 3 }),
  ])
  await until('the late ones were seen', async () => (await duplicatesSeen()) >= duplicates + 3)
  assert.equal((await place({ orderId: 'priced-late', productId: 'P001', quantity: 3 })).status, 202)
  assert.equal((await readOrder('priced-late')).unitPriceMinor, 250)

  // Two at once, as after a pause: the newer one counts.
  await produce(
    infra.brokers,
    [4, 5].map((version) => productChanged('P001', { priceMinor: 256 + version }, { version })),
  )
  await orderable('P001', 261)
})

describe('what becomes of an order', () => {
  test('is told with its history: placed and confirmed', async () => {
    assert.equal((await place({ orderId: 'told', productId: 'A001', quantity: 7, buyerId: 'kim' })).status, 202)
    const about = {
      orderId: 'told',
      buyerId: 'kim',
      productId: 'A001',
      quantity: 7,
      unitPriceMinor: 12_900,
      currency: 'KRW',
    }
    const placed = await readOrder('told')
    const [first] = placed.history
    assert.match(first?.at ?? '', ISO)
    const entry = { version: 1, status: 'PLACED', at: first?.at, cause: 'POST /orders' }
    assert.deepEqual(placed, { ...about, status: 'PLACED', history: [entry] })

    await reserve('told', 'A001', 7)
    const confirmed = await statusOf('told', 'CONFIRMED')
    const [, second] = confirmed.history
    assert.match(second?.at ?? '', ISO)
    assert.deepEqual(confirmed, {
      ...about,
      status: 'CONFIRMED',
      history: [entry, { version: 2, status: 'CONFIRMED', at: second?.at, cause: 'stock.reserved.v1 told.1' }],
    })
    assert.equal(readProblem(await send(`${running().urls[0]}/orders/never-placed`)).code, 'order-not-found')
  })

  test('is decided once, however often stock says so', async () => {
    const { infra } = running()
    await place({ orderId: 'decided', productId: 'A001', quantity: 1 })
    const said = stockReserved({ orderId: 'decided', productId: 'A001', quantity: 1 })
    const duplicates = await duplicatesSeen()
    await produce(infra.brokers, [said, said, said])
    await statusOf('decided', 'CONFIRMED')
    await produce(infra.brokers, [said])
    await until('all copies were seen', async () => (await duplicatesSeen()) >= duplicates + 3)
    assert.deepEqual(await historyOf('decided'), ['PLACED', 'CONFIRMED'])
  })

  test('is REJECTED when stock has nothing left, and then it cannot be cancelled', async () => {
    const { infra, urls } = running()
    await place({ orderId: 'too-late', productId: 'A001', quantity: 1 })
    await produce(infra.brokers, [stockRejected({ orderId: 'too-late', productId: 'A001', quantity: 1 })])
    const order = await statusOf('too-late', 'REJECTED')
    assert.equal(order.history[1]?.cause, 'stock.rejected.v1 too-late.1')
    const refused = readProblem(await send(`${urls[0]}/orders/too-late/cancellation`, { method: 'POST' }))
    assert.equal(refused.code, 'order-not-cancellable')
    assert.deepEqual(await historyOf('too-late'), ['PLACED', 'REJECTED'])
  })

  test("is CANCELLED on the buyer's word while it is PLACED, and stays so when stock reserves for it afterwards", async () => {
    const { urls } = running()
    const cancel = (id: string): Promise<Answer> => send(`${urls[0]}/orders/${id}/cancellation`, { method: 'POST' })
    await place({ orderId: 'given-up', productId: 'A001', quantity: 1 })
    const first = await cancel('given-up')
    assert.equal(first.status, 200)
    assert.equal(first.text, '{"orderId":"given-up","status":"CANCELLED"}')
    const again = readProblem(await cancel('given-up'))
    assert.equal(again.code, 'order-not-cancellable')
    assert.equal(again['orderStatus' as keyof typeof again], 'CANCELLED')
    assert.equal(readProblem(await cancel('never-placed')).code, 'order-not-found')

    await reserve('given-up', 'A001', 1)
    await until('order has read it', async () => (await inboxVersion('/stock/reservations', 'given-up')) === 1)
    assert.equal((await readOrder('given-up')).status, 'CANCELLED')
    assert.deepEqual(await historyOf('given-up'), ['PLACED', 'CANCELLED'])
    assert.equal(
      (await place({ orderId: 'given-up', productId: 'A001', quantity: 1 })).status,
      202,
      'still the same answer',
    )

    await place({ orderId: 'kept', productId: 'A001', quantity: 1 })
    await reserve('kept', 'A001', 1)
    await statusOf('kept', 'CONFIRMED')
    assert.equal(readProblem(await cancel('kept')).code, 'order-not-cancellable')
    assert.deepEqual(await historyOf('kept'), ['PLACED', 'CONFIRMED'])
  })

  test('is CANCELLED or CONFIRMED, never both, when buyer and stock speak at once', async () => {
    const { infra, urls } = running()
    const ids = Array.from({ length: 20 }, (_, index) => `torn-${index}`)
    await Promise.all(ids.map((orderId) => place({ orderId, productId: 'A001', quantity: 1 })))
    const [answers] = await Promise.all([
      Promise.all(ids.map((id) => send(`${urls[0]}/orders/${id}/cancellation`, { method: 'POST' }))),
      produce(
        infra.brokers,
        ids.map((orderId) => stockReserved({ orderId, productId: 'A001', quantity: 1 })),
      ),
    ])
    await until('stock was heard', async () => (await inboxCount('/stock/reservations', 'torn-%')) === ids.length)
    for (const [index, id] of ids.entries()) {
      const status = answers[index]?.status === 200 ? 'CANCELLED' : 'CONFIRMED'
      assert.deepEqual(await historyOf(id), ['PLACED', status])
      assert.equal((await readOrder(id)).status, status)
    }
  })
})

test('the list of orders is newest first, without gaps or repeats while orders come in', async () => {
  const { urls } = running()
  const known = new Set<string>()
  for (let page = 0; page < 6; page += 1) {
    // Of one flush, so that several orders have the same time.
    const ids = Array.from({ length: 5 }, (_, index) => `listed-${page}-${index}`)
    await Promise.all(ids.map((orderId) => place({ orderId, productId: 'A001', quantity: 1 })))
    for (const id of ids) known.add(id)
  }
  const closing = new AbortController()
  const buyer = (async () => {
    for (let count = 0; !closing.signal.aborted; count += 1)
      await place({ orderId: `newer-${count}`, productId: 'A001', quantity: 1 })
  })()
  const seen: { orderId: string; placedAt: string }[] = []
  let next: string | undefined
  do {
    const page = await readJson<OrderPage>(`${urls[0]}/orders?limit=7${next === undefined ? '' : `&cursor=${next}`}`)
    assert.ok(page.orders.length === 7 || page.next === undefined)
    seen.push(...page.orders)
    next = page.next
  } while (next !== undefined)
  closing.abort()
  await buyer

  const ids = seen.map(({ orderId }) => orderId)
  assert.equal(new Set(ids).size, ids.length, 'no repeats')
  assert.deepEqual(
    [...known].filter((id) => !ids.includes(id)),
    [],
    'no gaps',
  )
  const sorted = [...seen].sort((a, b) => compare(b.placedAt, a.placedAt) || compare(b.orderId, a.orderId))
  assert.deepEqual(
    ids,
    sorted.map(({ orderId }) => orderId),
  )
  const one = seen.find(({ orderId }) => orderId === 'listed-0-0')
  assert.match(one?.placedAt ?? '', ISO)
  assert.deepEqual(one, {
    orderId: 'listed-0-0',
    buyerId: 'open',
    productId: 'A001',
    quantity: 1,
    unitPriceMinor: 12_900,
    currency: 'KRW',
    status: 'PLACED',
    placedAt: one?.placedAt,
  })
  const byDefault = await readJson<OrderPage>(`${urls[0]}/orders`)
  assert.equal(byDefault.orders.length, 20)
})

test('while Kafka is away orders are accepted up to the cap of the outbox, then refused, and none is lost', async () => {
  const { infra, db } = running()
  // Rows are counted below, and replicas that stop leave what they have not sent yet.
  await published()
  await stopReplicas()
  const alone = await startOrder(
    readConfig(infra.env('order', { KAFKA_BROKERS: '127.0.0.1:1', ORDER_OUTBOX_CAP_EVENTS: '5' })),
  )
  try {
    const url = `http://127.0.0.1:${alone.port}`
    for (let count = 0; count < 6; count += 1) {
      assert.equal((await place({ orderId: `stranded-${count}`, productId: 'A001', quantity: 1 }, url)).status, 202)
    }
    await until('it says that it is degraded', async () => {
      return (await readJson<{ status: string }>(`${url}/readyz`)).status === 'degraded'
    })
    let count = 0
    const refused = await until('the outbox is full', async () => {
      count += 1
      const answer = await place({ orderId: `one-more-${count}`, productId: 'A001', quantity: 1 }, url)
      return answer.status !== 202 && answer
    })
    const document = readProblem(refused)
    assert.equal(document.code, 'outbox-full')
    assert.equal(document.accepted, false)
    assert.match(refused.headers['retry-after'] ?? '', /^[1-9]\d*$/)
    assert.deepEqual(await rowsOf(`one-more-${count}`), { orders: 0, history: 0 })
    assert.deepEqual(await db.sql`select count(*)::int as rows from outbox`, [{ rows: 5 + count }])
    // What was accepted before is answered as before: by Redis, and by the database.
    for (let look = 0; look < 2; look += 1) {
      const again = await place({ orderId: 'stranded-0', productId: 'A001', quantity: 1 }, url)
      assert.equal(again.text, '{"orderId":"stranded-0","status":"PLACED"}')
      assertReused(await place({ orderId: 'stranded-0', productId: 'A001', quantity: 2 }, url), 'stranded-0')
      await flushRedis(infra)
    }
  } finally {
    await alone.stop()
    await startReplicas()
  }
  await published()
  assert.equal((await place({ orderId: 'one-more-1', productId: 'A001', quantity: 1 })).status, 202)
})

test('while the database is away orders are refused within seconds, and accepted again when it is back', async () => {
  const { infra, db, urls } = running()
  const postgres = infra.parts.get('postgres')
  assert.ok(postgres !== undefined)
  await place({ orderId: 'before-it-died', productId: 'A001', quantity: 1 })
  // A relay sends again what it has not deleted for good, which is allowed and would blur what is counted below. It does
  // not wait for the disk; a checkpoint does.
  await published()
  await db.sql`checkpoint`
  await flushRedis(infra)
  await postgres.kill()
  // An order that is sent to a session that has just gone has an outcome that nobody knows. Once as many looks as a pool has
  // connections have all failed, none is left.
  for (const url of urls) {
    await until('its connections are gone', async () => {
      const looks = await Promise.all(Array.from({ length: 10 }, () => send(`${url}/orders`)))
      return looks.every((look) => readProblem(look).code === 'database-unavailable')
    })
  }
  const began = performance.now()
  const answers = await Promise.all(
    ['stormy-1', 'stormy-2', 'before-it-died'].map((orderId) => place({ orderId, productId: 'A001', quantity: 1 })),
  )
  const seconds = (performance.now() - began) / 1000
  for (const answer of answers) {
    const document = readProblem(answer)
    assert.equal(document.code, 'database-unavailable')
    assert.equal(document.accepted, false)
    assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/)
  }
  assert.ok(seconds < 10, `${seconds} s`)
  assert.equal((await send(`${urls[0]}/livez`)).status, 200)

  await postgres.start()
  for (const orderId of ['stormy-1', 'stormy-2', 'before-it-died']) {
    await until('accepted', async () => (await place({ orderId, productId: 'A001', quantity: 1 })).status === 202)
    assert.deepEqual(await rowsOf(orderId), { orders: 1, history: 1 })
  }
  await reserve('stormy-1', 'A001', 1)
  await statusOf('stormy-1', 'CONFIRMED')
})

describe('order-topic', () => {
  const REQUEST_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
  const STOCK_TRACE = '0af7651916cd43dd8448eb211c80319c'
  let records: ReadRecord[] = []

  before(async () => {
    const { infra, urls } = running()
    const headers = { traceparent: `00-${REQUEST_TRACE}-00f067aa0ba902b7-01` }
    for (const orderId of ['traced', 'traced-and-dropped']) {
      await sendJson(`${urls[0]}/orders`, { orderId, productId: 'A001', quantity: 1 }, { headers })
    }
    await place({ orderId: 'untraced', productId: 'A001', quantity: 1 })
    const cancelled = { method: 'POST', headers: { traceparent: `00-${STOCK_TRACE}-00f067aa0ba902b7-01` } }
    await send(`${urls[0]}/orders/traced-and-dropped/cancellation`, cancelled)
    const data = { orderId: 'traced', productId: 'A001', quantity: 1 }
    const traceparent = `00-${STOCK_TRACE}-b7ad6b7169203331-01`
    await produce(infra.brokers, [stockReserved(data, { traceparent })])
    await statusOf('traced', 'CONFIRMED')
    await published()
    await using offsets = new Offsets(infra.brokers)
    records = await readTopic(infra.brokers, 'order-topic', await offsets.count('order-topic'))
  })

  test('has each fact of each order once, and what it says is what the database says', async () => {
    const { db } = running()
    const expected = await db.sql<Record<string, string>>`
      select 'order.' || lower(history.status) || '.v1' as type, history.version::text, order_id, buyer_id, product_id,
        quantity::text, unit_price_minor::text, currency
      from order_history as history join orders using (order_id)`
    const told = records.map(({ key, headers, value }) => {
      const { reason: _reason, ...data } = JSON.parse(value) as Record<string, unknown>
      assert.equal(headers['ce_id'], eventId(key, Number(headers['ce_aggregateversion'])))
      return JSON.stringify([headers['ce_type'], headers['ce_aggregateversion'], key, data])
    })
    const wanted = expected.map((row) =>
      JSON.stringify([
        row['type'],
        row['version'],
        row['order_id'],
        {
          orderId: row['order_id'],
          buyerId: row['buyer_id'],
          productId: row['product_id'],
          quantity: Number(row['quantity']),
          unitPriceMinor: Number(row['unit_price_minor']),
          currency: row['currency'],
        },
      ]),
    )
    assert.equal(new Set(told).size, told.length, 'none twice')
    assert.deepEqual(
      [told.filter((one) => !wanted.includes(one)), wanted.filter((one) => !told.includes(one))],
      [[], []],
    )
  })

  test('has the facts of an order in one partition, in the order of their versions', () => {
    const last = new Map<string, { partition: number; offset: number; version: number }>()
    for (const { key, partition, offset, headers } of [...records].sort((a, b) => a.offset - b.offset)) {
      const version = Number(headers['ce_aggregateversion'])
      const before = last.get(key) ?? { partition, offset: -1, version: 0 }
      assert.equal(partition, before.partition, key)
      assert.equal(version, before.version + 1, key)
      last.set(key, { partition, offset, version })
    }
  })

  test('carries the trace of the request, and of the event that decided', () => {
    const [version, trace, span, flags] = traceOf(records, 'traced.1')
    assert.deepEqual([version, trace, flags], ['00', REQUEST_TRACE, '01'])
    assert.match(span ?? '', /^[0-9a-f]{16}$/)
    assert.notEqual(span, '00f067aa0ba902b7', 'a span of its own')
    assert.equal(traceOf(records, 'traced.2')[1], STOCK_TRACE)
    assert.equal(traceOf(records, 'traced-and-dropped.1')[1], REQUEST_TRACE)
    assert.equal(traceOf(records, 'traced-and-dropped.2')[1], STOCK_TRACE)
    assert.match(
      traceOf(records, 'untraced.1')[1] ?? '',
      /^[0-9a-f]{32}$/,
      'one of its own where the request brought none',
    )
  })
})

interface Shop {
  readonly infra: Infrastructure
  readonly db: Database
  readonly replicas: (Running & { port: number })[]
  /** Of two replicas on one database. */
  readonly urls: string[]
}

let started: Shop | undefined

before(async () => {
  const infra = await startInfrastructure({ databases: ['order'], kafka: true, redis: true })
  started = { infra, db: infra.admin('order'), replicas: [], urls: [] }
  await startReplicas()
  await produce(infra.brokers, [
    productChanged('A001', { priceMinor: 12_900 }),
    productChanged('B001', { priceMinor: 4_500 }),
    productChanged('P001', { priceMinor: 200 }),
    ...['A001', 'B001', 'P001'].map((id) => stockAnnounced(id)),
  ])
  await Promise.all([orderable('A001', 12_900), orderable('B001', 4_500), orderable('P001', 200)])
})

after(async () => {
  await stopReplicas()
  await started?.infra[Symbol.asyncDispose]()
})

function running(): Shop {
  assert.ok(started !== undefined)
  return started
}

async function startReplicas(): Promise<void> {
  await Promise.all([restartReplica(0), restartReplica(1)])
}

async function stopReplicas(): Promise<void> {
  await Promise.all(
    running()
      .replicas.splice(0)
      .map((replica) => replica.stop()),
  )
}

async function restartReplica(index: 0 | 1): Promise<void> {
  const { infra, replicas, urls } = running()
  await replicas[index]?.stop()
  const replica = await startOrder(readConfig(infra.env('order')))
  replicas[index] = replica
  urls[index] = `http://127.0.0.1:${replica.port}`
}

function place(body: object, url = running().urls[0]): Promise<Answer> {
  return sendJson(`${url}/orders`, body)
}

/**
 * Sends orders while the table is locked, so that all but the first gather for one flush; lets go, and answers what
 * they were answered.
 */
async function whileOrdersWait(
  sendThem: (sent: (answer: Promise<Answer>) => void) => void,
  meanwhile = (): void => undefined,
): Promise<Answer[]> {
  const { db, urls } = running()
  for (let round = 1; ; round += 1) {
    const answers: Promise<Answer>[] = []
    let answered = 0
    const began = performance.now()
    await db.tx(async (tx) => {
      await tx`lock table orders in exclusive mode`
      sendThem((answer) => answers.push(answer.finally(() => (answered += 1))))
      await until('the first flush waits for the lock', async () => {
        const waiting = await db.sql`select 1 from pg_locks where not granted and relation = 'orders'::regclass`
        return waiting.length > 0 || answered === answers.length
      })
      for (const url of [...urls, ...urls]) await send(`${url}/livez`)
      meanwhile()
    })
    const all = await Promise.all(answers)
    // A flush waits for a lock for two seconds. On a machine that stood still for so long it may have given up, and nothing
    // has happened to its orders: they are sent again.
    const mayHaveGivenUp = performance.now() - began > 1_900 && all.some(({ status }) => status === 503)
    if (!mayHaveGivenUp || round === 5) return all
  }
}

async function assertOneWinner(
  ids: readonly string[],
  attempts: readonly { orderId: string; quantity: number }[],
  answers: readonly Answer[],
): Promise<void> {
  for (const id of ids) {
    const { quantity } = await readOrder(id)
    assert.deepEqual(await rowsOf(id), { orders: 1, history: 1 })
    for (const [index, attempt] of attempts.entries()) {
      if (attempt.orderId !== id) continue
      const answer = answers[index] as Answer
      if (attempt.quantity === quantity) assert.equal(answer.text, `{"orderId":"${id}","status":"PLACED"}`)
      else assertReused(answer, id)
    }
  }
}

function traceOf(records: readonly ReadRecord[], id: string): string[] {
  const record = records.find(({ headers }) => headers['ce_id'] === id)
  return record?.headers['traceparent']?.split('-') ?? []
}

function assertReused(answer: Answer, orderId: string): void {
  const document = readProblem(answer)
  assert.equal(document.code, 'order-id-reused', answer.text)
  assert.equal(document.accepted, false)
  assert.equal(document['orderId' as keyof typeof document], orderId)
  assert.deepEqual(
    document.errors?.map(({ field }) => field),
    ['orderId'],
  )
}

function reserve(orderId: string, productId: string, quantity: number): Promise<void> {
  return produce(running().infra.brokers, [stockReserved({ orderId, productId, quantity })])
}

function readOrder(orderId: string): Promise<OrderView> {
  return readJson<OrderView>(`${running().urls[0]}/orders/${orderId}`)
}

function statusOf(orderId: string, status: OrderView['status']): Promise<OrderView> {
  return until(`${orderId} is ${status}`, async () => {
    const order = await readOrder(orderId)
    return order.status === status && order
  })
}

function orderable(productId: string, price: number): Promise<unknown> {
  return until(`${productId} costs ${price}`, async () => {
    const { text } = await send(`${running().urls[0]}/orderable-products/${productId}`)
    return text === JSON.stringify({ productId, unitPriceMinor: price, currency: 'KRW' })
  })
}

async function rowsOf(orderId: string): Promise<unknown> {
  const [rows] = await running().db.sql`
    select (select count(*)::int from orders where order_id = ${orderId}) as orders,
      (select count(*)::int from order_history where order_id = ${orderId}) as history`
  return rows
}

async function historyOf(orderId: string): Promise<string[]> {
  const rows = await running().db.sql<{ status: string }>`
    select status from order_history where order_id = ${orderId} order by version`
  return rows.map(({ status }) => status)
}

async function priceCounts(productId: string): Promise<{ price: number }[]> {
  return await running().db.sql<{ price: number }>`
    select unit_price_minor::int as price from orders where product_id = ${productId} group by 1 order by 1`
}

async function inboxVersion(source: string, aggregateId: string): Promise<number | undefined> {
  const [row] = await running().db.sql<{ version: number }>`
    select version from inbox where source = ${source} and aggregate_id = ${aggregateId}`
  return row?.version
}

async function inboxCount(source: string, pattern: string): Promise<number> {
  const rows = await running().db.sql`select 1 from inbox where source = ${source} and aggregate_id like ${pattern}`
  return rows.length
}

async function duplicatesSeen(): Promise<number> {
  const seen = await Promise.all(
    running().urls.map((url) => readMetric(url, 'consumer_events_total', { outcome: 'duplicate' })),
  )
  return seen.reduce((sum, count) => sum + count, 0)
}

function published(): Promise<unknown> {
  return until('the outbox is empty', async () => (await running().db.sql`select 1 from outbox limit 1`).length === 0)
}

async function flushRedis(infra: Infrastructure): Promise<void> {
  const redis = createClient({ url: infra.redisUrl })
  await redis.connect()
  await redis.flushAll()
  redis.destroy()
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
