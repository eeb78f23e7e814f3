import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Refusal, type RefusalCode } from '@timesale/contracts/refusals'
import { readLines } from '@timesale/kafka/outbox-lines'
import { Database } from '@timesale/postgres/database'
import { CommitOutcomeUnknown, DatabaseUnavailable } from '@timesale/postgres/errors'
import type { Tx } from '@timesale/postgres/sql'
import { createRegistry } from '@timesale/telemetry/metrics'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { commitOf, openProxy, postgresRequests, type TcpProxy } from '@timesale/testkit/tcp-proxy'
import { until } from '@timesale/testkit/until'
import { pino } from 'pino'
import { AcceptBatch } from './accept-batch.ts'
import { toWish, type Wish } from './place-orders.ts'

// Without Redis, which decides nothing: what is told here is told by PostgreSQL alone.

test('orders that are new, at prices that are known, are accepted without a transaction of several steps', async () => {
  const { replica, order, traces } = setup()
  const { batch, watched } = replica()
  assert.equal(await batch.accept(order('a')), 'accepted')
  assert.deepEqual(await Promise.all([order('b'), order('c')].map((wish) => batch.accept(wish))), [
    'accepted',
    'accepted',
  ])

  assert.equal(watched.transactions, 0)
  for (const id of ['a', 'b', 'c'])
    assert.deepEqual(await traces(id), { orders: 1, history: 1, events: 1, prices: [100] })
})

test('a price that changes after it was looked up is the price of orders that come later, and of what is told of them', async () => {
  const { replica, order, traces, setPrice } = setup()
  const { batch, watched } = replica()
  assert.equal(await batch.accept(order('before')), 'accepted')
  await setPrice(250)
  assert.equal(await batch.accept(order('after')), 'accepted')
  assert.equal(watched.transactions, 1, 'the old price was found out')
  assert.equal(await batch.accept(order('later')), 'accepted')
  assert.equal(watched.transactions, 1, 'and the new one is remembered')

  assert.deepEqual((await traces('before')).prices, [100])
  assert.deepEqual(await traces('after'), { orders: 1, history: 1, events: 1, prices: [250] })
  assert.deepEqual(await traces('later'), { orders: 1, history: 1, events: 1, prices: [250] })
})

test('a currency that changes after it was looked up is like a price that does', async () => {
  const { replica, order, db, product } = setup()
  const { batch } = replica()
  await batch.accept(order('before'))
  await db.sql`update product_copies set currency = 'USD' where product_id = ${product}`
  assert.equal(await batch.accept(order('after')), 'accepted')
  assert.deepEqual(await db.sql`select currency from orders where product_id = ${product} order by placed_at`, [
    { currency: 'KRW' },
    { currency: 'USD' },
  ])
})

test('a product that can no longer be ordered is refused, and others of the flush are accepted', async () => {
  const { replica, order, traces, db, product, addProduct } = setup()
  const { batch } = replica()
  const other = await addProduct('other')
  await Promise.all([batch.accept(order('known')), batch.accept(order('known-other', 1, other))])
  await db.sql`update product_copies set stocked = false where product_id = ${product}`
  const [gone, fine] = await Promise.all([batch.accept(order('gone')), batch.accept(order('fine', 1, other))])
  assertRefused(gone, 'unknown-product')
  assert.equal(fine, 'accepted')
  assert.deepEqual(await traces('gone'), NOTHING)
  assert.deepEqual(await traces('fine'), { orders: 1, history: 1, events: 1, prices: [100] })
})

test('orders in a sale that is open are accepted without a transaction of several steps, at its price and on its terms', async () => {
  const { replica, order, traces, db, product, putOnSale } = setup()
  const { batch, watched } = replica()
  await putOnSale({ limit: 2 })
  assert.equal(await batch.accept(order('a', 2)), 'accepted')
  assert.equal(await batch.accept(order('b')), 'accepted')
  assert.equal(watched.transactions, 0)

  const terms = { saleId: `sale-of-${product}`, units: 10, limitPerBuyer: 2 }
  assert.deepEqual(await traces('a'), { orders: 1, history: 1, events: 1, prices: [70], sales: [terms] })
  assert.deepEqual(
    await db.sql`
      select distinct sale_id, placed_at >= sale_starts_at and placed_at < sale_ends_at as inside
      from orders join product_copies using (product_id, sale_id) where product_id = ${product}`,
    [{ sale_id: terms.saleId, inside: true }],
  )
})

test('whatever changes of a sale after it was looked up, orders that come later are on the new terms', async () => {
  const { replica, order, traces, db, product, putOnSale } = setup()
  const { batch, watched } = replica()
  await batch.accept(order('plain'))
  const changes: [name: string, change: () => Promise<unknown>, price: number, sale: object | undefined][] = [
    ['on', () => putOnSale({}), 70, { units: 10 }],
    ['price', () => putOnSale({ price: 60 }), 60, { units: 10 }],
    ['units', () => putOnSale({ price: 60, units: 20 }), 60, { units: 20 }],
    ['limit', () => putOnSale({ price: 60, units: 20, limit: 3 }), 60, { units: 20, limitPerBuyer: 3 }],
    ['no-limit', () => putOnSale({ price: 60, units: 20 }), 60, { units: 20 }],
    ['id', () => putOnSale({ id: 'another', price: 60, units: 20 }), 60, { saleId: 'another', units: 20 }],
    ['same-price', () => putOnSale({ price: 100 }), 100, { units: 10 }],
    ['off', () => endSale(db, product), 100, undefined],
  ]
  for (const [index, [name, change, price, sale]] of changes.entries()) {
    await change()
    assert.equal(await batch.accept(order(name)), 'accepted')
    assert.equal(watched.transactions, index + 1, `${name}: what was presumed was found out to be old`)
    const sales = sale === undefined ? {} : { sales: [{ saleId: `sale-of-${product}`, ...sale }] }
    assert.deepEqual(await traces(name), { orders: 1, history: 1, events: 1, prices: [price], ...sales })
    assert.equal(await batch.accept(order(`${name}-again`)), 'accepted')
    assert.equal(watched.transactions, index + 1, `${name}: and the new terms are remembered`)
  }
})

test('those who come too early or too late hold up nobody, and are told by a look; who was accepted before is told so', async () => {
  const { replica, order, traces, addProduct, putOnSale } = setup()
  const { batch, watched } = replica()
  const other = await addProduct('other')
  await putOnSale({})
  assert.equal(await batch.accept(order('in-time')), 'accepted')
  for (const [when, code] of [
    [{ starts: 3600, ends: 7200 }, 'sale-not-started'],
    [{ starts: -7200, ends: -3600 }, 'sale-ended'],
  ] as const) {
    await putOnSale(when)
    // Learned by this one, and by a transaction.
    assertRefused(await batch.accept(order(`first-${code}`)), code)
    const before = watched.transactions
    // Fewer than a flush takes: none of them is told that too many wait, however slow the machine is.
    const names = Array.from({ length: 60 }, (_, index) => `${code}-${index}`)
    const [others, answers, again, reused] = await Promise.all([
      Promise.all(names.map((name) => batch.accept(order(`other-${name}`, 1, other)))),
      Promise.all(names.map((name) => batch.accept(order(name)))),
      batch.accept(order('in-time')),
      batch.accept(order('in-time', 2)),
    ])
    assert.deepEqual(new Set(others), new Set(['accepted']))
    for (const answer of answers) assertRefused(answer, code)
    assert.equal(again, 'accepted')
    assertRefused(reused, 'order-id-reused')
    assert.equal(watched.transactions, before)
    assert.deepEqual(await traces(`${code}-0`), NOTHING)
  }
  await putOnSale({})
  assert.equal(await batch.accept(order('sale-not-started-0')), 'accepted', 'and nothing was remembered for good')
})

test('an order whose answer is lost is not refused by a look: another attempt may be about to commit', async () => {
  const { replica, order, traces, putOnSale, orderId } = setup()
  await using proxy = await behindProxy()
  const { batch } = replica(proxy)
  await putOnSale({})
  assert.equal(await batch.accept(order('first')), 'accepted')
  await putOnSale({ starts: -20, ends: -10 })
  const drop = proxy.dropAnswerTo((request) => request.includes(orderId('late')))
  // Said to be open by what was remembered; the database says no, and is not heard.
  assertRefused(await batch.accept(order('late')), 'outcome-unknown')
  assert.equal(drop.count, 1)
  assertRefused(await batch.accept(order('late')), 'sale-ended')
  assert.deepEqual(await traces('late'), NOTHING)
})

test('an order that stands is told so after its answer is lost, also where its sale has ended meanwhile', async () => {
  const { replica, order, traces, putOnSale, orderId } = setup()
  await using proxy = await behindProxy()
  const { batch } = replica(proxy)
  await putOnSale({})
  assert.equal(await batch.accept(order('first')), 'accepted')
  let ended: Promise<unknown> | undefined
  proxy.dropAnswerTo((request) => {
    if (!request.includes(orderId('a'))) return false
    ended = until('it is committed', async () => (await traces('a')).orders === 1).then(() =>
      putOnSale({ starts: -20, ends: -10 }),
    )
    return true
  })
  assert.equal(await batch.accept(order('a')), 'accepted')
  assert.ok(ended !== undefined)
  await ended
  assert.equal(await batch.accept(order('a')), 'accepted')
  assertRefused(await batch.accept(order('b')), 'sale-ended')
})

test('under one key stands one order, in whatever flushes of whatever replicas; the other one has never been', async () => {
  const { replica, order, traces, db, orderId } = setup()
  const keys = Array.from({ length: 60 }, (_, index) => `key-${index}`)
  const [one, other] = [replica().batch, replica().batch]
  const attempts = keys.flatMap((key, index) =>
    ['x', 'y', 'x', 'y'].map((which, at) => ({
      name: `${key}-${which}`,
      key,
      batch: (index + at + (at >> 1)) % 2 === 0 ? one : other,
    })),
  )
  const answers = await Promise.all(
    attempts.map(({ name, key, batch }) => batch.accept(order(name, 1, undefined, key))),
  )
  for (const key of keys) {
    const [row] = await db.sql<{ order_id: string }>`
      select order_id from order_keys where buyer_id = 'kim' and key = ${`${orderId('')}${key}`}`
    for (const [index, { name, key: used }] of attempts.entries()) {
      if (used !== key) continue
      if (row?.order_id === orderId(name)) {
        assert.equal(answers[index], 'accepted')
        assert.deepEqual(await traces(name), { orders: 1, history: 1, events: 1, prices: [100] })
      } else {
        assertRefused(answers[index], 'idempotency-key-reused')
        assert.deepEqual(await traces(name), NOTHING)
      }
    }
  }
  // What has never been does not burn its id.
  assert.equal(await one.accept(order('key-0-x')), 'accepted')
  assert.equal(await one.accept(order('key-0-y')), 'accepted')
})

test('a key counts where nothing is left, too: a repetition is answered as before, and names its order', async () => {
  const { replica, order, traces, product, addProduct } = setup()
  const other = await addProduct('other')
  const [before, now] = [replica().batch, replica(undefined, { soldOut: product }).batch]
  assert.equal(await before.accept(order('a', 1, product, 'first')), 'accepted')
  assert.equal(await now.accept(order('a', 1, product, 'first')), 'accepted')
  assertRefused(await now.accept(order('a', 2, product, 'first')), 'idempotency-key-reused')
  assertRefused(await now.accept(order('b', 1, product, 'first')), 'idempotency-key-reused')
  assertRefused(await now.accept(order('b', 1, product, 'second')), 'sold-out')
  assert.equal(await now.accept(order('a', 1, product, 'third')), 'accepted')
  assertRefused(await now.accept(order('b', 1, other, 'third')), 'idempotency-key-reused')
  assert.equal(await now.accept(order('b', 1, other, 'second')), 'accepted', 'what was refused has not used its key')
  assert.deepEqual(await traces('a'), { orders: 1, history: 1, events: 1, prices: [100] })
})

test('the same orders at two replicas and in both lanes of each are there once, and everybody is told so', async () => {
  const { replica, order, traces } = setup()
  const ids = Array.from({ length: 150 }, (_, index) => `o-${index}`)
  // Fewer than a flush takes, at each: none of them is told that too many wait, however slow the machine is.
  const [early, late] = [ids.slice(0, 120), ids.slice(-120)]
  const [one, other] = [replica(), replica()]
  const answers = await Promise.all([
    ...early.map((id) => one.batch.accept(order(id))),
    ...late.toReversed().map((id) => other.batch.accept(order(id))),
    ...early.map((id) => one.batch.accept(order(id))),
  ])
  assert.deepEqual(new Set(answers), new Set(['accepted']))
  for (const id of ids) assert.deepEqual(await traces(id), { orders: 1, history: 1, events: 1, prices: [100] })
  assert.deepEqual(
    await Promise.all(early.map((id) => other.batch.accept(order(id)))),
    early.map(() => 'accepted'),
  )
})

test('two orders under one id, in whatever lanes of whatever replicas: one is accepted, the other refused', async () => {
  const { replica, order, traces, db, orderId } = setup()
  // Fewer than a flush takes, at each, and two flushes, since an order waits for what becomes of another under its id.
  const ids = Array.from({ length: 60 }, (_, index) => `o-${index}`)
  const [one, other] = [replica().batch, replica().batch]
  const attempts = ids.flatMap((id, index) =>
    [1, 2, 1, 2].map((quantity, at) => ({ id, quantity, batch: (index + at + (at >> 1)) % 2 === 0 ? one : other })),
  )
  const answers = await Promise.all(attempts.map(({ id, quantity, batch }) => batch.accept(order(id, quantity))))
  for (const id of ids) {
    const [row] = await db.sql<{ quantity: number }>`select quantity from orders where order_id = ${orderId(id)}`
    assert.deepEqual(await traces(id), { orders: 1, history: 1, events: 1, prices: [100] })
    for (const [index, attempt] of attempts.entries()) {
      if (attempt.id !== id) continue
      if (attempt.quantity === row?.quantity) assert.equal(answers[index], 'accepted')
      else assertRefused(answers[index], 'order-id-reused')
    }
  }
})

test('an order that fails by itself fails alone, though all of its flush were presumed to be fine', async () => {
  const { replica, order, traces, db, orderId } = setup()
  const { batch } = replica()
  await batch.accept(order('first'))
  await db.sql`
    create function refuse_poison() returns trigger language plpgsql as
    $$ begin if new.order_id like '%poison' then raise exception 'no'; end if; return new; end $$`
  await db.sql`create trigger refuse_poison before insert on orders for each row execute function refuse_poison()`
  try {
    const ids = ['a', 'b', 'c', 'poison', 'd', 'e', 'f']
    const answers = await Promise.allSettled(ids.map((id) => batch.accept(order(id))))
    for (const [index, id] of ids.entries()) {
      const answer = answers[index]
      if (id === 'poison') assert.equal(answer?.status, 'rejected')
      else assert.deepEqual(answer, { status: 'fulfilled', value: 'accepted' })
      assert.deepEqual(
        await traces(id),
        id === 'poison' ? NOTHING : { orders: 1, history: 1, events: 1, prices: [100] },
      )
    }
  } finally {
    await db.sql`drop function refuse_poison cascade`
  }
  assert.equal(await batch.accept(order('poison')), 'accepted')
  assert.ok(orderId('poison').endsWith('poison'))
})

test('an answer that is lost on its way from the database is found again: one order, one history, one event', async () => {
  const { replica, order, traces } = setup()
  await using proxy = await behindProxy()
  const { batch } = replica(proxy)
  const drop = proxy.dropAnswerTo(commitOf('insert into orders'))
  const answers = await Promise.all(['a', 'b', 'c'].map((id) => batch.accept(order(id))))
  assert.equal(drop.count, 1)
  assert.deepEqual(answers, ['accepted', 'accepted', 'accepted'])
  for (const id of ['a', 'b', 'c'])
    assert.deepEqual(await traces(id), { orders: 1, history: 1, events: 1, prices: [100] })
})

test('an answer that is lost, and no database to ask any more: nobody is told that nothing has happened', async () => {
  const { replica, order, traces } = setup()
  await using proxy = await behindProxy()
  const { batch } = replica(proxy)
  const ends = commitOf('insert into orders')
  proxy.dropAnswerTo((request, connection) => {
    const isTheOne = ends(request, connection)
    if (isTheOne) proxy.refuse()
    return isTheOne
  })
  await assert.rejects(batch.accept(order('a')), CommitOutcomeUnknown)
  await until('it is committed', async () => (await traces('a')).orders === 1)
  await proxy.heal()
  assert.equal(await batch.accept(order('a')), 'accepted')
  assert.deepEqual(await traces('a'), { orders: 1, history: 1, events: 1, prices: [100] })
})

test('whoever waits while an answer is lost is told as little as those in the flush, if the order is the same', async () => {
  const { replica, order, traces } = setup()
  await using proxy = await behindProxy()
  const { batch } = replica(proxy)
  const ends = commitOf('insert into orders')
  const waiting: Promise<unknown>[] = []
  proxy.dropAnswerTo((request, connection) => {
    const isTheOne = ends(request, connection)
    if (isTheOne) {
      proxy.refuse()
      // Looked up, and ready for the next flush, before this one is given up.
      for (const [name, quantity] of [['a', 1] as const, ['a', 2] as const, ['b', 1] as const])
        waiting.push(batch.accept(order(name, quantity)))
    }
    return isTheOne
  })
  await assert.rejects(batch.accept(order('a')), CommitOutcomeUnknown)
  const [same, other, stranger] = await Promise.allSettled(waiting)
  for (const one of [same, other]) assert.ok(one?.status === 'rejected' && one.reason instanceof CommitOutcomeUnknown)
  assert.ok(stranger?.status === 'rejected' && stranger.reason instanceof DatabaseUnavailable)
  await until('it is committed', async () => (await traces('a')).orders === 1)
  assert.deepEqual(await traces('b'), NOTHING)
  await proxy.heal()
  assert.equal(await batch.accept(order('a')), 'accepted')
  assertRefused(await batch.accept(order('a', 2)), 'order-id-reused')
  assert.deepEqual(await traces('a'), { orders: 1, history: 1, events: 1, prices: [100] })
})

test('nobody whose order stands is told that nothing has happened, wherever in a flush the database goes away', async () => {
  const { replica, order, traces, addProduct, orderId } = setup()
  const soldOut = await addProduct('sold-out')
  for (const lost of [1, 2]) {
    await using proxy = await behindProxy()
    const { batch } = replica(proxy, { soldOut })
    assert.equal(await batch.accept(order(`first-${lost}`)), 'accepted')
    assertRefused(await batch.accept(order(`late-${lost}`, 1, soldOut)), 'sold-out')
    // Some are placed, and for some it is looked up whether they were accepted before: two statements, in either order.
    let statements = 0
    proxy.dropAnswerTo((request) => {
      if (request.includes(orderId('fine')) || request.includes(orderId('late'))) statements += 1
      if (statements !== lost) return false
      proxy.refuse()
      return true
    })
    const [fine, late] = await Promise.allSettled([
      batch.accept(order(`fine-${lost}`)),
      batch.accept(order(`late-again-${lost}`, 1, soldOut)),
    ])
    assert.equal(statements, lost)
    assert.deepEqual([late.status, await traces(`late-again-${lost}`)], ['rejected', NOTHING])
    const { orders } = await traces(`fine-${lost}`)
    if (fine.status === 'fulfilled') assert.deepEqual([fine.value, orders], ['accepted', 1])
    else if (orders === 1) assert.ok(fine.reason instanceof CommitOutcomeUnknown, `It stands: ${fine.reason}`)
  }
})

function endSale(db: Database, product: string): Promise<unknown> {
  return db.sql`
    update product_copies
    set sale_id = null, sale_price_minor = null, sale_units = null, sale_limit_per_buyer = null,
      sale_starts_at = null, sale_ends_at = null
    where product_id = ${product}`
}

const NOTHING = { orders: 0, history: 0, events: 0, prices: [] }
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

let infra: Infrastructure
const opened: Database[] = []
let tests = 0

before(async () => {
  infra = await startInfrastructure({ databases: ['order'] })
})

after(async () => {
  await Promise.all(opened.map((db) => db.close()))
  await infra[Symbol.asyncDispose]()
})

class Watched extends Database {
  transactions = 0

  override tx<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    this.transactions += 1
    return super.tx(work)
  }
}

function behindProxy(): Promise<TcpProxy> {
  return openProxy({ to: Number(new URL(direct()).port), requests: postgresRequests })
}

function direct(): string {
  return infra.env('order')['DB_URL'] ?? ''
}

function assertRefused(answer: unknown, code: RefusalCode): void {
  assert.ok(answer instanceof Refusal)
  assert.equal(answer.code, code)
}

function setup() {
  tests += 1
  const db = infra.admin('order')
  const product = `product-${tests}`
  const orderId = (name: string): string => `order-${tests}-${name}`
  const addProduct = async (name: string): Promise<string> => {
    await db.sql`
      insert into product_copies (product_id, unit_price_minor, currency, stocked)
      values (${name === '' ? product : `${product}-${name}`}, 100, 'KRW', true)`
    return `${product}-${name}`
  }
  const ready = addProduct('')
  return {
    ...{ db, product, orderId, addProduct },
    order: (name: string, quantity = 1, productId = product, key?: string): Wish =>
      toWish(
        orderId(name),
        { productId, quantity, buyerId: 'kim' },
        TRACEPARENT,
        key === undefined ? undefined : `${orderId('')}${key}`,
      ),
    /** A sale that starts and ends in so many seconds of the database. */
    putOnSale: async ({
      id = `sale-of-${product}`,
      price = 70,
      units = 10,
      limit,
      starts = -60,
      ends = 600,
    }: {
      id?: string
      price?: number
      units?: number
      limit?: number
      starts?: number
      ends?: number
    }) => {
      await ready
      await db.sql`
      update product_copies
      set sale_id = ${id}, sale_price_minor = ${price}::bigint, sale_units = ${units}::int,
        sale_limit_per_buyer = ${limit}::int,
        sale_starts_at = now() + ${starts}::int * interval '1 second',
        sale_ends_at = now() + ${ends}::int * interval '1 second'
      where product_id = ${product}`
    },
    setPrice: (price: number) =>
      db.sql`update product_copies set unit_price_minor = ${price} where product_id = ${product}`,
    /** What an order has left behind. */
    traces: async (name: string) => {
      const id = orderId(name)
      const orders = await db.sql<{
        price: number
      }>`select unit_price_minor::int as price from orders where order_id = ${id}`
      const history = await db.sql`select 1 from order_history where order_id = ${id}`
      const rows = await db.sql<{ lines: string }>`select lines from outbox where lines like ${`%${id}%`}`
      const events = rows.flatMap(({ lines }) => readLines(lines)).filter(({ key }) => key === id)
      const told = events.map(({ value }) => JSON.parse(String(value)) as { unitPriceMinor: number; sale?: object })
      for (const { unitPriceMinor } of told) assert.equal(unitPriceMinor, orders[0]?.price)
      return {
        ...{ orders: orders.length, history: history.length, events: events.length },
        prices: orders.map(({ price }) => price),
        ...(told.some(({ sale }) => sale !== undefined) ? { sales: told.map(({ sale }) => sale) } : {}),
      }
    },
    /** One process of the service, with connections of its own. */
    replica: (proxy?: TcpProxy, { soldOut }: { soldOut?: string } = {}) => {
      const url = proxy?.url(direct()) ?? direct()
      const watched = new Watched({ url, poolSize: 4, applicationName: 'test', onError: () => undefined })
      opened.push(watched)
      const batch = new AcceptBatch({
        db: watched,
        door: {
          look: async () => {
            await ready
            return { repeated: new Set(), soldOut: new Set(soldOut === undefined ? [] : [soldOut]) }
          },
          remember: () => undefined,
        },
        ...{ outboxFull: () => false, onAccepted: () => undefined },
        ...{ logger: pino({ level: 'silent' }), registry: createRegistry('test') },
      })
      return { batch, watched }
    },
  }
}
