import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createClient } from 'redis'
import { eventId } from '@timesale/contracts/event'
import { PARTITIONS } from '@timesale/contracts/topics'
import { keyToPartition } from '@timesale/kafka/partition'
import type { SaleTerms } from '@timesale/contracts/order-events'
import type { StockView } from '@timesale/contracts/stock-api'
import { Database } from '@timesale/postgres/database'
import type { Running } from '@timesale/process/run'
import { hintKeys } from '@timesale/redis/hint-keys'
import { orderTold, productChanged, type OrderedUnits } from '@timesale/testkit/events'
import { calledFor } from '@timesale/testkit/gateway-key'
import { readJson, readProblem, send } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { readMetric } from '@timesale/testkit/metrics'
import { Offsets } from '@timesale/testkit/offsets'
import { produce, readTopic, type ReadRecord, type TestRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startStock } from '../app.ts'
import { readConfig } from '../config.ts'

/** What Redis says of the end of a key that it does not have. */
const GONE = -2
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

describe('a product', () => {
  test('has stock once the catalogue tells of it, and more when more is put on sale', async () => {
    const { url } = running()
    assert.equal(readProblem(await send(`${url}/stock/S001`)).code, 'product-not-found')
    await tell(productChanged('S001', { unitsOnSale: 10 }))
    await stockIs('S001', { initial: 10, available: 10, reserved: 0, sold: 0 })
    const answer = await send(`${url}/stock/S001`)
    assert.equal(answer.text, '{"productId":"S001","initial":10,"available":10,"reserved":0,"sold":0,"version":1}')
    assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8')

    await tell(orderTold('placed', { orderId: 's-1', productId: 'S001', quantity: 4 }))
    await stockIs('S001', { initial: 10, available: 6, reserved: 4, sold: 0 })
    await tell(productChanged('S001', { unitsOnSale: 15 }, { version: 2 }))
    await stockIs('S001', { initial: 15, available: 11, reserved: 4, sold: 0 })

    // Another price, and a number of units that has shrunk, which the catalogue never says.
    await tell(
      productChanged('S001', { unitsOnSale: 15, priceMinor: 1 }, { version: 3 }),
      productChanged('S001', { unitsOnSale: 3 }, { version: 4 }),
    )
    await consumed('/product/products', 'S001', 4)
    const stock = { productId: 'S001', initial: 15, available: 11, reserved: 4, sold: 0, version: 3 }
    assert.deepEqual(await readJson(`${url}/stock/S001`), stock)
    assert.deepEqual(await ledgerOf('S001'), ['RESTOCK 10', 'RESERVE 4', 'RESTOCK 5'])
  })

  test('without units is known too, and every order for it is refused', async () => {
    await tell(productChanged('S002', { unitsOnSale: 0 }))
    await stockIs('S002', { initial: 0, available: 0, reserved: 0, sold: 0 })
    await tell(orderTold('placed', { orderId: 's-2', productId: 'S002', quantity: 1 }))
    await reservationIs('s-2', 'REFUSED')
    await stockIs('S002', { initial: 0, available: 0, reserved: 0, sold: 0 })
  })

  test('is public knowledge: whoever comes through the gateway is told, logged in or not', async () => {
    const { url } = running()
    for (const headers of [await calledFor(), await calledFor('kim', 'buyer'), await calledFor('ops', 'operator')]) {
      assert.equal((await send(`${url}/stock/S001`, { headers })).status, 200)
    }
    const strange = await send(`${url}/stock/S001`, { headers: { authorization: 'Bearer of-nothing' } })
    assert.equal(readProblem(strange).code, 'unauthenticated')
  })

  test('is asked for by an id, and by nothing else', async () => {
    const { url } = running()
    for (const id of ['a%20b', '%00', 'x'.repeat(65), '%ED%95%9C']) {
      const document = readProblem(await send(`${url}/stock/${id}`))
      assert.equal(document.code, 'invalid-request')
      assert.deepEqual(
        document.errors?.map(({ field }) => field),
        ['productId'],
      )
    }
    assert.equal(readProblem(await send(`${url}/stock/S001`, { method: 'DELETE' })).code, 'method-not-allowed')
  })
})

describe('an order', () => {
  before(async () => {
    await tell(productChanged('O001', { unitsOnSale: 10 }))
    await stockIs('O001', { initial: 10, available: 10, reserved: 0, sold: 0 })
  })

  test('holds units when it is placed, and they are sold when it is confirmed', async () => {
    const order = { orderId: 'o-sold', productId: 'O001', quantity: 2 }
    await tell(orderTold('placed', order))
    await reservationIs('o-sold', 'HELD')
    await stockIs('O001', { initial: 10, available: 8, reserved: 2, sold: 0 })
    await tell(orderTold('confirmed', order))
    await reservationIs('o-sold', 'COMMITTED')
    await stockIs('O001', { initial: 10, available: 8, reserved: 0, sold: 2 })
  })

  test('gives its units back when it is cancelled or rejected, and only once', async () => {
    for (const what of ['cancelled', 'rejected'] as const) {
      const order = { orderId: `o-${what}`, productId: 'O001', quantity: 3 }
      await tell(orderTold('placed', order))
      await reservationIs(order.orderId, 'HELD')
      await tell(orderTold(what, order), orderTold(what, order), orderTold(what, order, { version: 3 }))
      await consumed('/order/orders', order.orderId, 3)
      await reservationIs(order.orderId, 'RELEASED')
      await stockIs('O001', { initial: 10, available: 8, reserved: 0, sold: 2 })
    }
  })

  test('gets all its units or none', async () => {
    await tell(orderTold('placed', { orderId: 'o-greedy', productId: 'O001', quantity: 9 }))
    await reservationIs('o-greedy', 'REFUSED')
    await stockIs('O001', { initial: 10, available: 8, reserved: 0, sold: 2 })
    await tell(orderTold('placed', { orderId: 'o-modest', productId: 'O001', quantity: 8 }))
    await reservationIs('o-modest', 'HELD')
    await stockIs('O001', { initial: 10, available: 0, reserved: 8, sold: 2 })
    await tell(orderTold('cancelled', { orderId: 'o-modest', productId: 'O001', quantity: 8 }))
    await stockIs('O001', { initial: 10, available: 8, reserved: 0, sold: 2 })
  })

  test('that was refused stays so: neither a confirmation nor a cancellation of it moves a unit', async () => {
    const order = { orderId: 'o-refused', productId: 'O001', quantity: 1_000 }
    await tell(orderTold('placed', order), orderTold('confirmed', order), orderTold('cancelled', order, { version: 3 }))
    await consumed('/order/orders', 'o-refused', 3)
    await reservationIs('o-refused', 'REFUSED')
    await stockIs('O001', { initial: 10, available: 8, reserved: 0, sold: 2 })
  })

  test('that was sold is not given back by a late cancellation', async () => {
    const order = { orderId: 'o-sold', productId: 'O001', quantity: 2 }
    await tell(orderTold('cancelled', order, { version: 3 }))
    await consumed('/order/orders', 'o-sold', 3)
    await reservationIs('o-sold', 'COMMITTED')
    await stockIs('O001', { initial: 10, available: 8, reserved: 0, sold: 2 })
  })

  test('for a product that stock has never heard of is refused as such', async () => {
    await tell(orderTold('placed', { orderId: 'o-nowhere', productId: 'nowhere', quantity: 1 }))
    await reservationIs('o-nowhere', 'REFUSED')
    assert.equal(readProblem(await send(`${running().url}/stock/nowhere`)).code, 'product-not-found')
  })

  test('that is given up before it is placed leaves a tombstone, and its placing holds nothing', async () => {
    const order = { orderId: 'o-tomb', productId: 'O001', quantity: 1 }
    await tell(orderTold('cancelled', order, { version: 1 }))
    await reservationIs('o-tomb', 'TOMBSTONE')
    await tell(orderTold('placed', order, { version: 2 }))
    await consumed('/order/orders', 'o-tomb', 2)
    await reservationIs('o-tomb', 'TOMBSTONE')
    await stockIs('O001', { initial: 10, available: 8, reserved: 0, sold: 2 })
  })

  test('whose cancellation overtakes its placing waits for its turn, and holds nothing in the end', async () => {
    const order = { orderId: 'o-overtaken', productId: 'O001', quantity: 1 }
    await tell(orderTold('cancelled', order, { version: 2 }))
    await until('it is parked', async () => {
      const parked = await running().db.sql`select 1 from parked_events where aggregate_id = 'o-overtaken'`
      return parked.length === 1
    })
    await tell(orderTold('placed', order))
    await consumed('/order/orders', 'o-overtaken', 2)
    await reservationIs('o-overtaken', 'RELEASED')
    await stockIs('O001', { initial: 10, available: 8, reserved: 0, sold: 2 })
    assert.deepEqual(await running().db.sql`select 1 from parked_events`, [])
  })

  test('may live its whole life within one batch', async () => {
    const life = (orderId: string, end: 'confirmed' | 'cancelled'): TestRecord[] => {
      const order = { orderId, productId: 'O001', quantity: 2 }
      return [orderTold('placed', order), orderTold('placed', order), orderTold(end, order), orderTold(end, order)]
    }
    // One send, and for each order one partition: they come in one fetch.
    await tell(
      ...life('o-batch-1', 'confirmed'),
      ...life('o-batch-2', 'cancelled'),
      orderTold(
        'placed',
        { orderId: 'o-batch-3', productId: 'O001', quantity: 1 },
        { traceparent: `00-${TRACE}-b7ad6b7169203331-01` },
      ),
    )
    await reservationIs('o-batch-1', 'COMMITTED')
    await reservationIs('o-batch-2', 'RELEASED')
    await reservationIs('o-batch-3', 'HELD')
    await stockIs('O001', { initial: 10, available: 5, reserved: 1, sold: 4 })
  })
})

describe('a time sale', () => {
  const terms = { saleId: 'sale', units: 4, limitPerBuyer: 2 }

  before(async () => {
    await tell(productChanged('T001', { unitsOnSale: 20 }))
    await stockIs('T001', { initial: 20, available: 20, reserved: 0, sold: 0 })
  })

  test('has its own units, of which each buyer may have so many', async () => {
    await tell(
      ...['t-1', 't-2', 't-3'].map((orderId) => saleOrder({ orderId, productId: 'T001', quantity: 1 }, 'kim', terms)),
    )
    await until('all are decided', async () => (await reservationsOf('t-%')).length === 3)
    assert.deepEqual(await takingsOf('T001'), [' 2 of 4', 'kim 2 of 2'])
    await tell(saleOrder({ orderId: 't-4', productId: 'T001', quantity: 2 }, 'lee', terms))
    await reservationIs('t-4', 'HELD')
    await tell(saleOrder({ orderId: 't-5', productId: 'T001', quantity: 1 }, 'park', terms))
    await reservationIs('t-5', 'REFUSED')

    // The product has units beyond its sale, and those are anybody's.
    await tell(orderTold('placed', { orderId: 'usual', productId: 'T001', quantity: 9, buyerId: 'kim' }))
    await stockIs('T001', { initial: 20, available: 7, reserved: 13, sold: 0 })
    assert.deepEqual(await takingsOf('T001'), [' 4 of 4', 'kim 2 of 2', 'lee 2 of 2'])
  })

  test('gets the units of a cancelled order back, once, and they can be had again', async () => {
    const order = { orderId: 't-4', productId: 'T001', quantity: 2 }
    await tell(
      orderTold('cancelled', order),
      orderTold('cancelled', order),
      orderTold('cancelled', order, { version: 3 }),
    )
    await consumed('/order/orders', 't-4', 3)
    assert.deepEqual(await takingsOf('T001'), [' 2 of 4', 'kim 2 of 2', 'lee 0 of 2'])
    await tell(saleOrder({ orderId: 't-6', productId: 'T001', quantity: 1 }, 'lee', { ...terms, units: 3 }))
    await reservationIs('t-6', 'HELD')
    await tell(orderTold('confirmed', { orderId: 't-6', productId: 'T001', quantity: 1 }))
    await reservationIs('t-6', 'COMMITTED')
    assert.deepEqual(await takingsOf('T001'), [' 3 of 4', 'kim 2 of 2', 'lee 1 of 2'])
  })

  test('takes nothing for an order that was given up before it came', async () => {
    const order = { orderId: 't-tomb', productId: 'T001', quantity: 1 }
    await tell(orderTold('cancelled', order, { version: 1 }))
    await reservationIs('t-tomb', 'TOMBSTONE')
    await tell(saleOrder(order, 'park', terms, { version: 2 }))
    await consumed('/order/orders', 't-tomb', 2)
    assert.deepEqual(await takingsOf('T001'), [' 3 of 4', 'kim 2 of 2', 'lee 1 of 2'])
  })
})

describe("stock's last word", () => {
  test('is in Redis while a product is asked for, for three seconds and said anew each second', async () => {
    const { keys } = running()
    await tell(productChanged('W001', { unitsOnSale: 5 }))
    await tell(orderTold('placed', { orderId: 'w-1', productId: 'W001', quantity: 5 }))
    await withRedis(async (redis) => {
      const key = keys.stock('W001')
      await until('the word says that nothing is left', async () => (await redis.get(key)) === '2 0')
      const left = await until('it nears its end', async () => {
        const left = await redis.pTTL(key)
        return left !== GONE && left < 2_500 && left
      })
      assert.ok(left > 0, `it has an end: ${left} ms`)
      await until('it is said anew', async () => (await redis.pTTL(key)) > 2_700)
      await tell(orderTold('cancelled', { orderId: 'w-1', productId: 'W001', quantity: 5 }))
      await until('it says that all is left', async () => (await redis.get(key)) === '3 5')
    })
  })

  test('never covers a newer one, but what it cannot have said itself', async () => {
    const { keys } = running()
    const key = keys.stock('W001')
    await withRedis(async (redis) => {
      const said = performance.now()
      await redis.set(key, '999 1', { expiration: { type: 'PX', value: 3_000 } })
      const order = { orderId: 'w-2', productId: 'W001', quantity: 1 }
      await tell(orderTold('placed', order))
      await stockIs('W001', { initial: 5, available: 4, reserved: 1, sold: 0 })
      await until('it is replaced', async () => (await redis.get(key)) !== '999 1')
      assert.ok(performance.now() - said > 2_500, 'not before it has lapsed')
      await until('the word is right again', async () => (await redis.get(key)) === '4 4')

      for (const nonsense of [
        () => redis.set(key, '999 0'),
        () => redis.set(key, '999 0', { expiration: { type: 'EX', value: 600 } }),
        () => redis.set(key, 'nonsense', { expiration: { type: 'PX', value: 3_000 } }),
      ]) {
        await nonsense()
        const left = await until('it is put right', async () => {
          // Asked together, or it may lapse in between.
          const [word, left] = await Promise.all([redis.get(key), redis.pTTL(key)])
          return word === '4 4' && left
        })
        assert.ok(left > 0 && left <= 3_000, `${left} ms`)
      }
    })
  })

  test('is not needed: without Redis stock decides as ever', async () => {
    const { infra, url } = running()
    const redis = infra.parts.get('redis')
    await redis?.kill()
    try {
      await tell(orderTold('placed', { orderId: 'w-3', productId: 'W001', quantity: 4 }))
      await stockIs('W001', { initial: 5, available: 0, reserved: 5, sold: 0 })
      await until('it says so', async () => {
        const health = await readJson<{ status: string; reasons: string[] }>(`${url}/readyz`)
        return health.status === 'degraded' && health.reasons.some((reason) => reason.startsWith('redis:'))
      })
    } finally {
      await redis?.start()
    }
  })
})

test('the books cannot be made wrong, not even by the owner of the table', async () => {
  const { db, infra } = running()
  for (const wrong of [
    () => db.sql`update stock_levels set available = available + 1 where product_id = 'O001'`,
    () => db.sql`update stock_levels set sold = sold - 1 where product_id = 'O001'`,
    () => db.sql`update stock_levels set available = -1, reserved = initial + 1 - sold where product_id = 'O001'`,
    () => db.sql`insert into stock_levels values ('wrong', 1, 1, 1, 1, 1, 1)`,
    () => db.sql`insert into sale_takings values ('O001', 'wrong', 'kim', 4, 3)`,
    () => db.sql`insert into sale_takings values ('O001', 'wrong', '', -1, 3)`,
    () => db.sql`update reservations set sale_id = 'wrong' where order_id = 'o-sold'`,
  ]) {
    await assert.rejects(wrong(), { code: '23514' })
  }
  await assert.rejects(
    db.sql`insert into stock_ledger (product_id, order_id, version, kind, quantity) values ('O001', 'o-sold', 2, 'RELEASE', 2)`,
    { code: '23505' },
    'sold and given back',
  )
  await using service = new Database({ url: infra.env('stock')['DB_URL'] ?? '', poolSize: 1, applicationName: 'test' })
  await assert.rejects(service.sql`alter table stock_levels drop constraint conservation`, { code: '42501' })
})

describe('at two replicas', () => {
  let second: Running | undefined
  let partitions: number[][] = []

  before(async () => {
    const { infra } = running()
    second = await startStock(readConfig(infra.env('stock')))
    await using offsets = new Offsets(infra.brokers)
    partitions = await until('both have partitions', async () => {
      const members = await offsets.members('stock', 'order-topic')
      return members.length === 2 && members.every((some) => some.length > 0) && members
    })
  })

  after(() => second?.stop())

  test('orders for one product that are worked on at the same time are worked on one after the other', async () => {
    const { db } = running()
    await tell(productChanged('K001', { unitsOnSale: 10 }))
    await stockIs('K001', { initial: 10, available: 10, reserved: 0, sold: 0 })
    const [here = [], there = []] = partitions
    const ids = Array.from({ length: 100 }, (_, index) => `k-${index}`)
    const [one, ...others] = [
      ids.find((id) => here.includes(keyToPartition(Buffer.from(id)) % PARTITIONS)),
      // More than the other replica has, or the version of a row would be enough to see what has happened.
      ...ids.filter((id) => there.includes(keyToPartition(Buffer.from(id)) % PARTITIONS)).slice(0, 3),
    ].map((orderId = '') => ({ orderId, productId: 'K001', quantity: 1 }))
    assert.ok(one !== undefined && others.length === 3)

    // The last table that a batch writes: the first replica stops there, after it has changed the stock.
    await db.tx(async (tx) => {
      await tx`set local idle_in_transaction_session_timeout = 0`
      await tx`lock table stock_ledger in exclusive mode`
      await tell(orderTold('placed', one))
      await until('one replica waits for us', async () => (await waiting()) === 1)
      await tell(...others.map((order) => orderTold('placed', order)))
      await until('the other waits for it', async () => (await waiting()) === 2)
    })
    await stockIs('K001', { initial: 10, available: 6, reserved: 4, sold: 0 })
    assert.deepEqual(await ledgerOf('K001'), ['RESTOCK 10', 'RESERVE 1', 'RESERVE 1', 'RESERVE 1', 'RESERVE 1'])
  })

  describe('300 orders over five products, each told twice', () => {
    const UNITS = 40
    const products = Array.from({ length: 5 }, (_, index) => `R00${index}`)
    const orders: OrderedUnits[] = Array.from({ length: 300 }, (_, index) => ({
      orderId: `rush-${index}`,
      productId: `R00${index % 5}`,
      quantity: 1 + (index % 3),
    }))
    let records: ReadRecord[] = []

    before(async () => {
      const { infra, db } = running()
      await using offsets = new Offsets(infra.brokers)
      await tell(...products.map((productId) => productChanged(productId, { unitsOnSale: UNITS })))
      for (const productId of products)
        await stockIs(productId, { initial: UNITS, available: UNITS, reserved: 0, sold: 0 })

      // Many small sends, so that both replicas work on the same products at the same time.
      const placed = orders.map((order) => orderTold('placed', order))
      for (let from = 0; from < placed.length; from += 20) {
        await tell(...placed.slice(from, from + 20), ...placed.slice(Math.max(0, from - 10), from + 10))
      }
      await tell(...placed.slice(-10))
      await until('all are decided', async () => (await reservationsOf('rush-%')).length === orders.length)
      await assertNobodyWasRefusedForNothing()

      const held = (await reservationsOf('rush-%')).filter(({ state }) => state === 'HELD')
      const ends = held.map((order, index) => orderTold(index % 3 === 0 ? 'cancelled' : 'confirmed', order))
      for (let from = 0; from < ends.length; from += 20) {
        await tell(...ends.slice(from, from + 20), ...ends.slice(from, from + 20))
      }
      await until('nothing is held', async () => {
        return (await reservationsOf('rush-%')).every(({ state }) => state !== 'HELD')
      })
      await until('the topics are read', async () => (await offsets.lag('stock', 'order-topic')) === 0)
      await until('the outbox is empty', async () => (await db.sql`select 1 from outbox limit 1`).length === 0)
      records = await readTopic(infra.brokers, 'stock-topic', await offsets.count('stock-topic'))
    })

    test('sell no unit twice and lose none', async () => {
      const reservations = await reservationsOf('rush-%')
      for (const productId of products) {
        const stock = await readJson<StockView>(`${running().url}/stock/${productId}`)
        const sold = sum(reservations.filter((one) => one.productId === productId && one.state === 'COMMITTED'))
        assert.ok(sold > 0 && sold <= UNITS, `${sold} of ${UNITS}`)
        const available = UNITS - sold
        assert.deepEqual(stock, { productId, initial: UNITS, available, reserved: 0, sold, version: stock.version })
      }
    })

    test('leave a ledger that adds up to the row of every product of this shop', async () => {
      const rows = await running().db.sql`
      select level.product_id, level.initial, level.available, level.reserved, level.sold,
        coalesce(sum(quantity) filter (where kind = 'RESTOCK'), 0)::int as restocked,
        coalesce(sum(quantity) filter (where kind = 'RESERVE'), 0)::int as taken,
        coalesce(sum(quantity) filter (where kind = 'COMMIT'), 0)::int as committed,
        coalesce(sum(quantity) filter (where kind = 'RELEASE'), 0)::int as released
      from stock_levels as level left join stock_ledger using (product_id)
      group by level.product_id`
      assert.ok(rows.length >= 8)
      for (const row of rows as Record<string, number>[]) {
        const { initial = 0, available, reserved, sold, restocked = 0, taken = 0, committed = 0, released = 0 } = row
        assert.deepEqual(
          { initial, available, reserved, sold },
          {
            initial: restocked,
            available: restocked - taken + released,
            reserved: taken - committed - released,
            sold: committed,
          },
          JSON.stringify(row),
        )
      }
    })

    test('are answered on stock-topic once for each version of each reservation', async () => {
      const wanted = (await reservationsOf('%')).flatMap(({ orderId, productId, quantity, state }) =>
        EVENTS_OF[state].map((type, index) =>
          JSON.stringify([type, eventId(orderId, index + 1), { orderId, productId, quantity }]),
        ),
      )
      const told = records
        .filter(({ headers }) => headers['ce_source'] === '/stock/reservations')
        .map(({ headers, key, value }) => {
          const { reason, ...data } = JSON.parse(value) as OrderedUnits & { reason?: string }
          assert.equal(key, data.orderId)
          if (reason !== undefined) assert.ok((REASONS[data.productId] ?? ['sold-out']).includes(reason), value)
          return JSON.stringify([headers['ce_type'], headers['ce_id'], data])
        })
      assert.equal(new Set(told).size, told.length, 'none twice')
      assert.deepEqual(
        [told.filter((one) => !wanted.includes(one)), wanted.filter((one) => !told.includes(one))],
        [[], []],
      )
    })

    test('say of a time sale which of its limits they met', () => {
      const reasons = records.flatMap(({ key, value }) => {
        const { reason } = JSON.parse(value) as { reason?: string }
        return reason !== undefined && /^t-\d$/.test(key ?? '') ? [reason] : []
      })
      assert.deepEqual(reasons.toSorted(), ['buyer-limit', 'sale-sold-out'])
    })

    test('come after the announcement of each product, one for each time that units were added', () => {
      const announced = records
        .filter(({ headers }) => headers['ce_type'] === 'stock.announced.v1')
        .map(({ headers, value }) => `${headers['ce_id']} ${value}`)
      assert.deepEqual(
        announced.filter((one) => one.startsWith('S001')),
        ['S001.1 {"productId":"S001","unitsOnSale":10}', 'S001.2 {"productId":"S001","unitsOnSale":15}'],
      )
      assert.equal(new Set(announced).size, announced.length)
      for (const productId of ['S002', 'O001', 'W001', ...products]) {
        assert.equal(announced.filter((one) => one.startsWith(productId)).length, 1, productId)
      }
    })

    test('carry the trace of what they answer', () => {
      const record = records.find(({ headers }) => headers['ce_id'] === 'o-batch-3.1')
      assert.match(
        record?.headers['traceparent'] ?? '',
        new RegExp(`^00-${TRACE}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`),
      )
    })
  })

  test('orders of one buyer that are worked on at the same time meet the same limit', async () => {
    const { db } = running()
    await tell(productChanged('L001', { unitsOnSale: 100 }))
    await stockIs('L001', { initial: 100, available: 100, reserved: 0, sold: 0 })
    const [here = [], there = []] = partitions
    const ids = Array.from({ length: 100 }, (_, index) => `l-${index}`)
    const on = (some: number[]): string =>
      ids.find((id) => some.includes(keyToPartition(Buffer.from(id)) % PARTITIONS)) ?? assert.fail('no such id')
    const terms = { saleId: 'sale', units: 3, limitPerBuyer: 3 }
    const [one, other] = [on(here), on(there)].map((orderId) => ({ orderId, productId: 'L001', quantity: 2 }))
    assert.ok(one !== undefined && other !== undefined)

    // The first replica stops after it has taken, and before it commits.
    await db.tx(async (tx) => {
      await tx`set local idle_in_transaction_session_timeout = 0`
      await tx`lock table stock_ledger in exclusive mode`
      await tell(saleOrder(one, 'kim', terms))
      await until('one replica waits for us', async () => (await waiting()) === 1)
      await tell(saleOrder(other, 'kim', terms))
      await until('the other waits for it', async () => (await waiting()) === 2)
    })
    await until('both are decided', async () => (await reservationsOf('l-%')).length === 2)
    // Mostly the first is held. After two seconds it would give up its locks, and try again behind the other.
    const states = (await reservationsOf('l-%')).map(({ state }) => state)
    assert.deepEqual(states.toSorted(), ['HELD', 'REFUSED'])
    assert.deepEqual(await takingsOf('L001'), [' 2 of 3', 'kim 2 of 3'])
  })

  describe('50 orders of one buyer who may have three, and a hundred of others for twenty units, all at once', () => {
    const limited = { saleId: 'limited', units: 1_000, limitPerBuyer: 3 }
    const few = { saleId: 'few', units: 20, limitPerBuyer: 5 }
    const orders = [
      ...Array.from({ length: 50 }, (_, index) => ({ id: `p-${index}`, buyerId: 'kim', terms: limited })),
      ...Array.from({ length: 100 }, (_, index) => ({ id: `q-${index}`, buyerId: `buyer-${index % 10}`, terms: few })),
    ].map(({ id, ...rest }, index) => ({
      ...rest,
      order: { orderId: id, productId: 'P001', quantity: id.startsWith('p') ? 1 : 1 + (index % 2) },
    }))

    before(async () => {
      await tell(productChanged('P001', { unitsOnSale: 1_000 }))
      await stockIs('P001', { initial: 1_000, available: 1_000, reserved: 0, sold: 0 })
      await Promise.all(orders.map(({ order, buyerId, terms }) => tell(saleOrder(order, buyerId, terms))))
      await until('all are decided', async () => {
        return (await reservationsOf('p-%')).length === 50 && (await reservationsOf('q-%')).length === 100
      })
    })

    test('get as much as the sales allow, to the unit', async () => {
      const got = async (pattern: string): Promise<number> =>
        sum((await reservationsOf(pattern)).filter(({ state }) => state === 'HELD'))
      assert.equal(await got('p-%'), 3)
      assert.equal(await got('q-%'), 20)
      const byBuyer = Map.groupBy(
        orders.filter(({ terms }) => terms === few),
        ({ buyerId }) => buyerId,
      )
      const held = new Set((await reservationsOf('q-%')).flatMap((one) => (one.state === 'HELD' ? [one.orderId] : [])))
      for (const [buyerId, theirs] of byBuyer) {
        const units = sum(theirs.flatMap(({ order }) => (held.has(order.orderId) ? [order] : [])))
        assert.ok(units <= 5, `${buyerId} got ${units}`)
      }
      await stockIs('P001', { initial: 1_000, available: 977, reserved: 23, sold: 0 })
    })

    test('are given to others when some of them are cancelled', async () => {
      const given = (await reservationsOf('p-%')).find(({ state }) => state === 'HELD')
      assert.ok(given !== undefined)
      await tell(orderTold('cancelled', given))
      await reservationIs(given.orderId, 'RELEASED')
      await Promise.all(
        ['p-again-1', 'p-again-2'].map((orderId) =>
          tell(saleOrder({ orderId, productId: 'P001', quantity: 1 }, 'kim', limited)),
        ),
      )
      await until('both are decided', async () => (await reservationsOf('p-again-%')).length === 2)
      const states = (await reservationsOf('p-again-%')).map(({ state }) => state)
      assert.deepEqual(states.toSorted(), ['HELD', 'REFUSED'])
    })
  })
})

test('all that was ever told is told again, and nothing is taken, sold or given back twice', async () => {
  const { infra, db, stock } = running()
  await using offsets = new Offsets(infra.brokers)
  await until('the topics are read', async () => (await offsets.lag('stock', 'order-topic')) === 0)
  const books = async (): Promise<unknown> => [
    await db.sql`select * from sale_takings order by product_id, sale_id, buyer_id`,
    await db.sql`select * from stock_levels order by product_id`,
    await db.sql`select * from reservations order by order_id`,
    await db.sql`select count(*) from stock_ledger`,
  ]
  const before = await books()
  const records = (await offsets.count('order-topic')) + (await offsets.count('product-topic'))
  await stock.stop()
  // The broker may not have heard yet that its last member has left.
  await until('the group is forgotten', () => offsets.forget('stock').then(() => true))
  const again = await startStock(readConfig(infra.env('stock')))
  started = { ...running(), stock: again, url: `http://127.0.0.1:${again.port}` }

  // Some of it more than once, where a batch has to be tried again.
  await until('all of it was delivered again', async () => {
    return (await readMetric(running().url, 'consumer_events_total', { outcome: 'duplicate' })) >= records
  })
  assert.equal(await readMetric(running().url, 'consumer_events_total', { outcome: 'applied' }), 0)
  assert.deepEqual(await books(), before)
})

const REASONS: Readonly<Record<string, readonly string[]>> = {
  nowhere: ['unknown-product'],
  T001: ['buyer-limit', 'sale-sold-out'],
}

const EVENTS_OF: Record<State, string[]> = {
  HELD: ['stock.reserved.v1'],
  COMMITTED: ['stock.reserved.v1', 'stock.committed.v1'],
  RELEASED: ['stock.reserved.v1', 'stock.released.v1'],
  REFUSED: ['stock.rejected.v1'],
  TOMBSTONE: [],
}

type State = 'HELD' | 'COMMITTED' | 'RELEASED' | 'REFUSED' | 'TOMBSTONE'

interface Shop {
  readonly infra: Infrastructure
  readonly db: Database
  readonly stock: Running
  readonly url: string
  readonly keys: ReturnType<typeof hintKeys>
}

let started: Shop | undefined

before(async () => {
  const infra = await startInfrastructure({ databases: ['stock'], kafka: true, redis: true })
  const db = infra.admin('stock')
  const [installation] = await db.sql<{ id: string }>`select id from installation`
  const stock = await startStock(readConfig(infra.env('stock')))
  started = { infra, db, stock, url: `http://127.0.0.1:${stock.port}`, keys: hintKeys(installation?.id ?? '') }
})

after(async () => {
  await started?.stock.stop()
  await started?.infra[Symbol.asyncDispose]()
})

function running(): Shop {
  assert.ok(started !== undefined)
  return started
}

function tell(...records: TestRecord[]): Promise<void> {
  return produce(running().infra.brokers, records)
}

function saleOrder(
  order: OrderedUnits,
  buyerId: string,
  sale: SaleTerms,
  telling: { version?: number } = {},
): TestRecord {
  const about = { ...order, buyerId, sale }
  return orderTold('placed', about, telling)
}

/** A line for each buyer, and the first one for all of them. */
async function takingsOf(productId: string): Promise<string[]> {
  const rows = await running().db.sql<{ buyer_id: string; units: number; most: number }>`
    select buyer_id, units, most from sale_takings where product_id = ${productId} order by sale_id, buyer_id`
  return rows.map(({ buyer_id: buyerId, units, most }) => `${buyerId} ${units} of ${most}`)
}

async function stockIs(productId: string, wanted: Omit<StockView, 'productId' | 'version'>): Promise<void> {
  await until(`${productId} has ${JSON.stringify(wanted)}`, async () => {
    const { initial, available, reserved, sold } = await readJson<StockView>(`${running().url}/stock/${productId}`)
    assert.deepEqual({ initial, available, reserved, sold }, wanted)
    return true
  })
}

interface Reservation extends OrderedUnits {
  readonly state: State
}

function reservationsOf(pattern: string): Promise<Reservation[]> {
  return running().db.sql<Reservation>`
    select order_id as "orderId", product_id as "productId", quantity, state
    from reservations where order_id like ${pattern} order by order_id`
}

async function reservationIs(orderId: string, state: State): Promise<void> {
  await until(`${orderId} is ${state}`, async () => (await reservationsOf(orderId))[0]?.state === state)
}

/** Until stock has applied this version, for what leaves nothing else to be seen. */
async function consumed(source: string, aggregateId: string, version: number): Promise<void> {
  await until(`${aggregateId}.${version} is consumed`, async () => {
    const [row] = await running().db.sql<{ version: number }>`
      select version from inbox where source = ${source} and aggregate_id = ${aggregateId}`
    return row?.version === version
  })
}

// Sessions of stock that wait for a lock.
async function waiting(): Promise<number> {
  const rows = await running().db.sql`
    select 1 from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'stock-consumer'`
  return rows.length
}

async function ledgerOf(productId: string): Promise<string[]> {
  const rows = await running().db.sql<{ kind: string; quantity: number }>`
    select kind, quantity from stock_ledger where product_id = ${productId} order by id`
  return rows.map(({ kind, quantity }) => `${kind} ${quantity}`)
}

// Nothing is given back before this is asked, so whoever was refused could not have been served later either.
async function assertNobodyWasRefusedForNothing(): Promise<void> {
  for (const { orderId, productId, quantity, state } of await reservationsOf('rush-%')) {
    if (state !== 'REFUSED') continue
    const { available } = await readJson<StockView>(`${running().url}/stock/${productId}`)
    assert.ok(available < quantity, `${orderId} wanted ${quantity}, and ${available} are left`)
  }
}

async function withRedis(work: (redis: ReturnType<typeof connectTo>) => Promise<void>): Promise<void> {
  const redis = connectTo(running().infra.redisUrl)
  await redis.connect()
  try {
    await work(redis)
  } finally {
    redis.destroy()
  }
}

function connectTo(url: string) {
  return createClient({ url })
}

function sum(some: readonly OrderedUnits[]): number {
  return some.reduce((all, { quantity }) => all + quantity, 0)
}
