import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fact } from '@timesale/contracts/event'
import { ProductChanged } from '@timesale/contracts/product-events'
import { ShopChanged } from '@timesale/contracts/seller-events'
import { databaseServices } from '@timesale/local/shop/ports'
import { endChild } from '@timesale/process/child'
import { Buyers } from '@timesale/sale/buyers'
import { orderTold, stockRejected } from '@timesale/testkit/events'
import { calledFor } from '@timesale/testkit/gateway-key'
import { sendJson } from '@timesale/testkit/http'
import { servicePorts, startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import { produce, readTopic, recordOf, type TestRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { Client } from 'pg'
import { createClient } from 'redis'
import { Look } from './books.ts'
import { examine, findDeadLetters, settled, verdict, type Books, type Told } from './verdict.ts'

// A checker that finds nothing proves nothing. Real services make real books, which balance; then the services are
// killed, every kind of fault is planted in tables and topics, and each rule has to name the one that is its own.

const ACCOUNT_KEY_SECRET = Buffer.alloc(32, 7).toString('base64url')
const RUSH = { productId: 'RUSH', units: 60 }
const PLENTY = { productId: 'PLENTY', units: 500 }
/** On sale for a while; the orders of each, and how many units who wants. */
const SALE = { saleId: 'sale', priceMinor: 9_900, units: 6, limitPerBuyer: 2 }
const TIMED = ['TIMED', 'BRIEF'].map((productId) => ({ productId, units: 100 }))
const SALE_ORDERS = TIMED.flatMap(({ productId }) =>
  (
    [
      ['ann', 2],
      // More than she may have.
      ['ann', 1],
      ['bob', 2],
      ['cat', 2],
      // Too late.
      ['dan', 2],
    ] as const
  ).map(([buyerId, quantity], index) => ({ orderId: `${productId}-${index + 1}`, buyerId, productId, quantity })),
)

let shop: Infrastructure
let told: Told
/** All that were applied to books that balance. */
let rules: readonly string[]
const services = new Map<string, ChildProcess>()
const urls = new Map<string, string>()

before(async () => {
  shop = await startInfrastructure({ databases: databaseServices, kafka: true, redis: true })
  await Promise.all([...databaseServices, 'storefront'].map(startService))
  for (const { productId, units } of [RUSH, PLENTY, ...TIMED]) await putOnSale(productId, units)
  await openShops()
  await holdTimeSales()
  await changeSettings()
  const buyers = new Buyers({
    urls: [urls.get('order') ?? ''],
    products: [RUSH.productId, PLENTY.productId],
    ordersPerSecond: 200,
    count: 200,
    name: 'o',
    seed: 5,
    mix: { cancel: 0.1 },
  })
  await buyers.done()
  assert.deepEqual(buyers.unexpected, [])
  const outcome = buyers.outcome()
  told = { ...outcome, accepted: [...outcome.accepted, ...SALE_ORDERS.map(({ orderId }) => orderId)] }
  await produce(shop.brokers, [GARBAGE])
})

after(async () => {
  await Promise.all([...services.values()].map((service) => endChild(service, 'SIGKILL')))
  await shop?.[Symbol.asyncDispose]()
})

test('the books of real services balance, and every rule has looked at something', async () => {
  await settled(books())
  // All three groups of that topic have put it aside.
  const deadLetters = await findDeadLetters(books())
  assert.deepEqual(
    deadLetters.map(({ topic, partition }) => [topic, partition]),
    [['order-topic', 0]],
  )
  const findings = await examine(books(), told, {
    deadLetters,
    soldOut: [{ productId: 'RUSH', doorRefusedAt: undefined }],
  })
  assert.deepEqual(
    findings.filter(({ holds }) => !holds),
    [],
  )
  rules = findings.map(({ rule }) => rule)
  const says = (rule: RegExp): string => findings.find((finding) => rule.test(finding.rule))?.says ?? ''
  assert.match(
    says(/accepted order is lost/),
    new RegExp(`^${told.accepted.length} accepted, ${told.accepted.length} found`),
  )
  assert.match(says(/decided, and once/), /confirmed.*rejected|rejected.*confirmed/)
  assert.match(says(/one notice/), new RegExp(`^${told.accepted.length} notices`))
  assert.equal(says(/no time sale is oversold/), '12 units in 2 time sales')
  assert.equal(says(/more of a sale/), '6 buyers got 12 units, none more than 2')
  assert.equal(says(/what a sale still had/), '4 refused')
  assert.equal(says(/inside its window/), '10 orders of 2 time sales')
  assert.ok(findings.every(({ says }) => says !== ''))
})

test('each fault that is planted is found by the rule that is there for it', async (t) => {
  // The storefront goes on showing what it shows.
  await Promise.all(
    [...services].filter(([name]) => name !== 'storefront').map(([, service]) => endChild(service, 'SIGKILL')),
  )
  const faults = await plantFaults()
  const offences = await verdict(books(), faults.told, faults.expected)
  for (const [rule, offender] of faults.wanted) {
    await t.test(`${rule}: ${offender}`, () => {
      const offence = offences.find((one) => rule.test(one.rule)) ?? assert.fail(`${rule} holds`)
      assert.equal(offence.offenders.length, Math.min(10, offence.count))
      assert.match(offence.offenders.join('\n'), offender)
    })
  }
  await t.test('no rule is left that nothing was planted for', () => {
    assert.deepEqual(
      rules.filter((rule) => !offences.some((offence) => offence.rule === rule)),
      [],
    )
  })
})

test('a shop that is not at rest says what is left', async () => {
  await assert.rejects(
    settled(books(), { withinMs: 1_000 }),
    /did not come to rest within 1 s: 1 orders undecided, 1 rows/,
  )
})

test('a look shows the moment at which it was opened, and nothing of what came then', async () => {
  await using look = await Look.open(books(), 'product')
  await change('product', "update products set product_id = 'RENAMED' where product_id = 'PLENTY'")
  assert.deepEqual(await look.rows("select 1 from products where product_id = 'RENAMED'"), [])
})

test('nothing can be written by way of a look', async () => {
  await using look = await Look.open(books(), 'order')
  await assert.rejects(look.rows('delete from orders'), /read-only transaction/)
})

test('a database that does not answer makes no verdict', async () => {
  const nowhere = { brokers: shop.brokers, databaseUrl: () => 'postgres://nobody@127.0.0.1:1/nothing' }
  await assert.rejects(verdict(nowhere, told), /ECONNREFUSED/)
})

const GARBAGE: TestRecord = { topic: 'order-topic', partition: 0, value: '{"orderId":"typed by hand"}' }

interface Planted {
  readonly told: Told
  readonly expected: Parameters<typeof examine>[2]
  /** A rule, and how it has to name the fault. */
  readonly wanted: readonly (readonly [rule: RegExp, offender: RegExp])[]
}

/** Each on an order of its own, so that none hides another. */
async function plantFaults(): Promise<Planted> {
  const confirmed = await idsOf(
    "select order_id from orders where status = 'CONFIRMED' and sale_id is null order by order_id",
  )
  const next = (): string => confirmed.pop() ?? assert.fail('too few orders were confirmed')
  const wanted: [RegExp, RegExp][] = []
  const plant = (rule: RegExp, offender: string | RegExp): void => {
    wanted.push([rule, typeof offender === 'string' ? new RegExp(`\\b${offender}\\b`) : offender])
  }

  const lost = next()
  await change(
    'order',
    `delete from order_history where order_id = '${lost}'`,
    `delete from orders where order_id = '${lost}'`,
  )
  plant(/accepted order is lost/, lost)
  plant(/from nowhere/, `${lost}.1`)
  plant(/has its reservation/, lost)

  const refused = next()
  plant(/turned away/, refused)
  const other = next()
  plant(/buyer asked for/, other)
  const kept = next()
  plant(/buyers cancelled/, kept)

  const open = next()
  await change('order', `update orders set status = 'PLACED' where order_id = '${open}'`)
  plant(/decided, and once/, open)

  const twice = next()
  await change(
    'order',
    `update orders set version = 3 where order_id = '${twice}'`,
    `insert into order_history values ('${twice}', 3, 'CANCELLED', now(), 'planted')`,
  )
  plant(/decided, and once/, twice)
  plant(/each event is on its topic/, `version 3 of order ${twice}`)

  const held = next()
  await change('stock', `update reservations set state = 'HELD' where order_id = '${held}'`)
  plant(/still held/, held)
  plant(/what its reservations say/, /RUSH|PLENTY/)

  const unmoved = next()
  await change('stock', `delete from stock_ledger where order_id = '${unmoved}' and kind = 'COMMIT'`)
  plant(/move once/, unmoved)
  plant(/ledger leads/, /RUSH|PLENTY/)

  const bare = next()
  await change('stock', `delete from reservations where order_id = '${bare}'`)
  plant(/has its reservation/, `order ${bare} is CONFIRMED and has no reservation`)

  await change(
    'stock',
    'alter table stock_levels drop constraint conservation',
    "update stock_levels set sold = sold + 7 where product_id = 'PLENTY'",
    "update stock_ledger set at = at - interval '1 minute' where kind = 'RESTOCK'",
  )
  plant(/stock is conserved/, 'PLENTY')
  plant(/stock is conserved/, /CHECK/)
  plant(/nothing is oversold/, /PLENTY: \d+ units are confirmed, \d+ are sold/)
  await change('product', "update products set units_on_sale = 5 where product_id = 'RUSH'")
  plant(/nothing is oversold/, /RUSH: \d+ units are confirmed, 5 were on sale/)
  plant(/has what was put on sale/, 'RUSH: 5 on sale, 60 in stock')
  plant(/all units on sale are sold/, /PLENTY: \d+ units are left/)

  await plantInSale(next, plant)
  await plantOnTopics(next, plant)
  await plantAtReaders(next, plant)
  await plantInView(next, plant)
  return {
    told: {
      ...told,
      turnedAway: [refused],
      cancelled: [kept],
      wishOf: (orderId) => {
        const wish = told.wishOf?.(orderId)
        return wish !== undefined && orderId === other ? { ...wish, quantity: 99 } : wish
      },
    },
    expected: { soldOut: [{ productId: 'PLENTY', doorRefusedAt: Date.now() }] },
    wanted,
  }
}

async function plantInSale(next: () => string, plant: Plant): Promise<void> {
  await change(
    'stock',
    'alter table sale_takings drop constraint within_limit',
    "update reservations set state = 'COMMITTED' where order_id = 'TIMED-5'",
    "update reservations set buyer_id = 'cat' where order_id = 'TIMED-3'",
    // Given back, and nowhere written down as such: whoever was refused was refused for nothing.
    "update reservations set state = 'RELEASED' where order_id = 'BRIEF-1'",
  )
  plant(/no time sale is oversold/, 'sale sale of TIMED: 8 units are taken, and there were 6')
  plant(/more of a sale/, 'cat in sale sale of TIMED has 4 units, and may have 2')
  plant(/takings of sales/, 'all buyers in sale sale of TIMED: 6 taken, by reservations 8')
  plant(/takings of sales/, 'ann in sale sale of BRIEF: 2 taken, by reservations 0')
  plant(/takings of sales/, /CHECK/)
  plant(/has its reservation/, "order TIMED-3 is bob's, its reservation cat's")
  plant(/what a sale still had/, /order BRIEF-2 wanted 1 of 2, of which 0 were taken \(buyer-limit\)/)
  plant(/what a sale still had/, /order BRIEF-5 wanted 2 of 6, of which 4 were taken \(sale-sold-out\)/)

  const usual = next()
  await change(
    'order',
    "update orders set placed_at = placed_at - interval '1 year' where order_id = 'TIMED-4'",
    `update orders set sale_id = 'sale' where order_id = '${usual}'`,
  )
  plant(/inside its window/, 'order TIMED-4 was placed at')
  plant(/at its price/, new RegExp(`order ${usual}: \\w+ never had a sale sale`))
  plant(/says what its row says/, new RegExp(`${usual}\\.1 .*its sale is undefined, and sale in its row`))
  plant(/has its reservation/, `order ${usual} is of sale sale, its reservation of none`)

  await change('product', "update products set sale_units = 7 where product_id = 'TIMED'")
  plant(/says what its row says/, /TIMED\.2 .*of its sale, units is 6, and 7 in its row/)
  await change(
    'seller',
    "update shop_members set role = 'owner' where shop_id = 'shop-1'",
    "update shops set version = 2 where shop_id = 'shop-2'",
  )
  await change('account', 'update settings set outbox_cap_events = 4711')
  plant(/says what its row says/, /shop-1\.1 .*members is "kim owner, lee member"/)
  plant(/each event is on its topic/, 'version 2 of shop shop-2')
  plant(/says what its row says/, /shop\.1 .*outboxCapEvents is undefined, and 4711 in its row/)
}

type Plant = (rule: RegExp, offender: string | RegExp) => void

async function plantOnTopics(next: () => string, plant: Plant): Promise<void> {
  await using offsets = new Offsets(shop.brokers)
  const placed = await readTopic(shop.brokers, 'order-topic', await offsets.count('order-topic'))
  const recordOf = (orderId: string): TestRecord & { partition: number; value: string } => {
    const found = placed.find(({ headers }) => headers['ce_id'] === `${orderId}.1`) ?? assert.fail(orderId)
    const { partition, headers, key, value } = found
    return { topic: 'order-topic', partition, headers, key, value }
  }
  const forged = orderTold('placed', { orderId: 'forged', productId: 'RUSH', quantity: 1 })
  plant(/from nowhere/, /order\.placed\.v1 forged\.1 .*no such row/)
  plant(/from nowhere/, /no CloudEvents headers/)

  const moved = recordOf(next())
  plant(/on its partition/, `${String(moved.key)}.1`)
  const altered = recordOf(next())
  plant(/says what its row says/, new RegExp(`${String(altered.key)}\\.1 .*quantity is 77`))
  const early = recordOf(next())
  plant(/from nowhere/, new RegExp(`order\\.placed\\.v1 ${String(early.key)}\\.9 .*its row is at version 2`))

  const row = { buyerId: 'open', productId: 'PLENTY', quantity: 2, unitPriceMinor: 12_900, currency: 'KRW' }
  for (const [orderId, ends] of [
    ['never-told', 'CONFIRMED'],
    ['swapped', 'CONFIRMED'],
    ['turned-down', 'REJECTED'],
  ] as const) {
    await change(
      'order',
      `insert into orders (order_id, buyer_id, product_id, quantity, unit_price_minor, currency, status, version, placed_at)
       values ('${orderId}', 'open', 'PLENTY', 2, 12900, 'KRW', '${ends}', 2, now())`,
      `insert into order_history values ('${orderId}', 1, 'PLACED', now(), 'planted'), ('${orderId}', 2, '${ends}', now(), 'planted')`,
    )
  }
  await change('stock', "insert into reservations values ('turned-down', 'PLENTY', 2, 'REFUSED', 1)")
  plant(/each event is on its topic/, /version 1 of order never-told/)
  plant(/are in order/, /swapped\.2/)
  plant(/refused units/, /order turned-down wanted 2 of PLENTY, \d+ were left/)

  await produce(shop.brokers, [
    forged,
    { ...moved, partition: (moved.partition + 1) % 6 },
    { ...altered, value: altered.value.replace(/"quantity":\d+/, '"quantity":77') },
    { ...early, headers: { ...early.headers, ce_id: `${String(early.key)}.9`, ce_aggregateversion: '9' } },
    orderTold('confirmed', { orderId: 'swapped', ...row }),
    orderTold('placed', { orderId: 'swapped', ...row }),
    orderTold('placed', { orderId: 'turned-down', ...row }),
    orderTold('rejected', { orderId: 'turned-down', ...row }),
    stockRejected({ orderId: 'turned-down', productId: 'PLENTY', quantity: 2 }),
  ])
  plant(/read to the end/, /stock is at \d+ of order-topic-\d, which ends at \d+/)
}

async function plantAtReaders(next: () => string, plant: Plant): Promise<void> {
  const [skipped, behind] = [next(), next()]
  await change('stock', `delete from inbox where source = '/order/orders' and aggregate_id = '${skipped}'`)
  await change('notification', `update inbox set version = 1 where aggregate_id = '${behind}'`)
  await change('stock', `update inbox set version = 3 where aggregate_id = '${behind}'`)
  plant(/skipped an event/, new RegExp(`stock knows nothing of /order/orders ${skipped}\\b`))
  plant(/skipped an event/, new RegExp(`notification is at version 1 of /order/orders ${behind}\\b`))
  plant(/skipped an event/, new RegExp(`stock is at version 3 of /order/orders ${behind}\\b`))

  const [silent, double, stranger] = [next(), next(), next()]
  await change(
    'notification',
    `delete from notices where order_id = '${silent}'`,
    `insert into notices select order_id, 'REJECTED', buyer_id, at from notices where order_id = '${double}'`,
    `update notices set buyer_id = 'somebody' where order_id = '${stranger}'`,
    "insert into notices values ('phantom', 'CONFIRMED', 'open', now())",
  )
  plant(/one notice/, `order ${silent} is CONFIRMED and has no notice`)
  plant(/one notice/, `order ${double} has two notices`)
  plant(/one notice/, `notice of order ${stranger} is for somebody`)
  plant(/one notice/, 'phantom, which is no order')

  await change(
    'analytics',
    "update sales_by_product set units = units + 1 where product_id = 'RUSH'",
    'update sales_by_minute set revenue_minor = revenue_minor + 1',
    "update events_by_minute set events = events - 1 where type = 'order.confirmed.v1'",
  )
  plant(/sales are exact/, /RUSH KRW/)
  plant(/sales are exact/, /00:?.*KRW: .*by the events/)
  plant(/counted once/, /order\.confirmed\.v1/)

  await change(
    'stock',
    `insert into parked_events (consumer, source, aggregate_id, version, reason, topic, partition, "offset", headers, hash)
     values ('stock', '/order/orders', 'set-aside', 1, 'handler', 'order-topic', 0, 0, '[]', '')`,
    `insert into dead_letters (consumer, topic, partition, "offset", reason) values ('stock', 'order-topic', 3, 4711, 'planted')`,
    await rowOfOutbox(),
  )
  plant(/parked/, 'set-aside')
  plant(/dead letters/, /stock has made order-topic-3@4711 a dead letter: planted/)
  plant(/dead letters/, /order-topic-3@4711, which is on no dead-letter topic/)
  plant(/waits in an outbox/, '1 rows wait in the outbox of stock')
}

/** In Redis, behind the storefront's back. */
async function plantInView(next: () => string, plant: Plant): Promise<void> {
  const redis = createClient({ url: shop.redisUrl })
  await redis.connect()
  try {
    const view = `timesale:view:${await redis.get('timesale:view:current')}`
    // A line each: the page, and what is announced, held and sold in the sale.
    const linesOf = async (productId: string): Promise<string[]> =>
      ((await redis.get(`${view}:shown:${productId}`)) ?? '').split('\n')
    const raise = async (productId: string, line: number, by: number): Promise<void> => {
      const lines = await linesOf(productId)
      await redis.set(`${view}:shown:${productId}`, lines.with(line, String(Number(lines[line]) + by)).join('\n'))
    }
    await raise('PLENTY', 2, 3)
    plant(/shows products/, /PLENTY: its stock is shown as \d+, and is \d+/)
    await raise('BRIEF', 3, -1)
    plant(/shows products/, /BRIEF: what is left of its sale is shown as 1, and is 2/)
    await redis.zRem(`${view}:products`, 'RUSH')
    plant(/shows products/, 'RUSH is not shown')
    await redis.zAdd(`${view}:products`, { score: 0, value: 'PHANTOM' })
    const page = (await linesOf('RUSH')).join('\n')
    await redis.set(`${view}:shown:PHANTOM`, page.replaceAll('RUSH', 'PHANTOM'))
    plant(/shows products/, 'PHANTOM is shown, and is no product')

    const [wrong, hidden, stolen] = [next(), next(), next()]
    await redis.hSet(`${view}:order:${wrong}`, 's', 'REJECTED')
    plant(/see their orders/, new RegExp(`order ${wrong} is shown as REJECTED, .*, and is CONFIRMED`))
    const buyerOf = async (orderId: string): Promise<string> =>
      (await redis.hGet(`${view}:order:${orderId}`, 'b')) ?? ''
    const [owner, thief] = [await buyerOf(hidden), await buyerOf(stolen)]
    const [place = ''] = await redis.zRange(`${view}:orders-of:${owner}`, 0, -1)
    await redis.zRem(`${view}:orders-of:${owner}`, place)
    await redis.zAdd(`${view}:orders-of:${thief}`, { score: 0, value: place })
    plant(/see their orders/, `order ${hidden} is not shown to ${owner}`)
    plant(/see their orders/, `order ${hidden} is shown to ${thief}, and is ${owner}'s`)
  } finally {
    redis.destroy()
  }
}

// How events wait there is the services' own affair: any row will do.
async function rowOfOutbox(): Promise<string> {
  const columns = await query(
    'stock',
    `select column_name, data_type from information_schema.columns
     where table_name = 'outbox' and is_nullable = 'NO' and column_default is null and is_identity = 'NO'`,
  )
  const names = columns.map(({ column_name: name }) => `"${String(name)}"`)
  const values = columns.map(({ data_type: type }) => (type === 'text' ? "'x'" : '1'))
  return `insert into outbox (${names.join(', ')}) values (${values.join(', ')})`
}

function books(): Books {
  return {
    brokers: shop.brokers,
    databaseUrl: (service) => shop.adminUrlOf(service),
    storefront: {
      url: urls.get('storefront') ?? '',
      headers: (buyerId) => (buyerId === undefined ? calledFor('verdict', 'operator') : calledFor(buyerId)),
    },
  }
}

async function idsOf(sql: string): Promise<string[]> {
  return (await query('order', sql)).map((row) => String(row['order_id']))
}

async function change(service: string, ...statements: string[]): Promise<void> {
  for (const statement of statements) await query(service, statement)
}

async function query(service: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: shop.adminUrlOf(service) })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

async function startService(service: string): Promise<void> {
  const [port] = await servicePorts(1)
  const child = spawn(process.execPath, [join(import.meta.dirname, `../services/${service}/main.ts`)], {
    env: {
      ...process.env,
      ...shop.env(service, { HTTP_PORT: String(port), ACCOUNT_KEY_SECRET }),
      // The verdict gets in also where nobody does without a token.
      STOREFRONT_AUTH_MODE: 'token',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  services.set(service, child)
  urls.set(service, `http://127.0.0.1:${port}`)
  // Eight of them start at once.
  await until(`${service} is ready`, async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, 90_000)
}

// As the seller service would: a row, and what it tells of it.
async function openShops(): Promise<void> {
  const members = [
    { accountId: 'lee', role: 'member' as const },
    { accountId: 'kim', role: 'owner' as const },
  ]
  for (const shopId of ['shop-1', 'shop-2']) {
    await change(
      'seller',
      `insert into shops (shop_id, name, version) values ('${shopId}', 'Name', 1)`,
      ...members.map(
        ({ accountId, role }) => `insert into shop_members values ('${shopId}', '${accountId}', '${role}')`,
      ),
    )
    const data = { shopId, name: 'Name', members }
    await produce(shop.brokers, [recordOf(fact(ShopChanged, { aggregateId: shopId, version: 1, data }))])
  }
}

/**
 * Time sales as product and order would write them down and tell of them, so that each order comes when this says; stock
 * and the order service decide them.
 */
async function holdTimeSales(): Promise<void> {
  const [startsAt, endsAt] = [Date.now() - 3_600_000, Date.now() + 3_600_000].map((at) => new Date(at).toISOString())
  assert.ok(startsAt !== undefined && endsAt !== undefined)
  const { saleId, priceMinor, units, limitPerBuyer } = SALE
  await change(
    'product',
    `update products set version = 2, sale_id = '${saleId}', sale_price_minor = ${priceMinor}, sale_units = ${units},
       sale_limit_per_buyer = ${limitPerBuyer}, sale_starts_at = '${startsAt}', sale_ends_at = '${endsAt}'
     where product_id in ('TIMED', 'BRIEF')`,
  )
  for (const { productId, units: unitsOnSale } of TIMED) {
    const name = { ko: productId, en: productId }
    const sale = { ...SALE, startsAt, endsAt }
    const data = { productId, name, priceMinor: 12_900, currency: 'KRW', unitsOnSale, sale }
    await produce(shop.brokers, [recordOf(fact(ProductChanged, { aggregateId: productId, version: 2, data }))])
  }
  for (const order of SALE_ORDERS) {
    const { orderId, buyerId, productId, quantity } = order
    await change(
      'order',
      `insert into orders (order_id, buyer_id, product_id, quantity, unit_price_minor, currency, status, version, placed_at, sale_id)
       values ('${orderId}', '${buyerId}', '${productId}', ${quantity}, ${priceMinor}, 'KRW', 'PLACED', 1, now(), '${saleId}')`,
      `insert into order_history values ('${orderId}', 1, 'PLACED', now(), 'planted')`,
    )
    const placed = { ...order, unitPriceMinor: priceMinor, sale: { saleId, units, limitPerBuyer } }
    await produce(shop.brokers, [orderTold('placed', placed)])
    await until(`${orderId} is decided`, async () => {
      return (await query('stock', `select 1 from reservations where order_id = '${orderId}'`)).length === 1
    })
  }
}

/** As an operator does it, and what analytics counts then. */
async function changeSettings(): Promise<void> {
  const settings = {
    ordersOpen: true,
    limits: { orders: { points: 70, seconds: 10 }, browse: { points: 900, seconds: 10 } },
  }
  const headers = await calledFor('operator-of-the-test', 'operator')
  const answer = await sendJson(`${urls.get('account')}/settings`, settings, { method: 'PUT', headers })
  assert.equal(answer.status, 200, answer.text)
}

async function putOnSale(productId: string, units: number): Promise<void> {
  const name = { ko: productId, en: productId }
  const about = { productId, name, priceMinor: 12_900, currency: 'KRW', units }
  assert.equal((await sendJson(`${urls.get('product')}/products`, about)).status, 201)
  await until(
    `${productId} can be ordered`,
    async () => (await fetch(`${urls.get('order')}/orderable-products/${productId}`)).ok,
  )
}
