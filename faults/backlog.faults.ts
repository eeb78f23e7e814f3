import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serviceNames } from '@timesale/local/shop/ports'
import { productChanged, orderTold } from '@timesale/testkit/events'
import { Offsets } from '@timesale/testkit/offsets'
import { produce, type TestRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startShop } from './shop.ts'

// What a service finds that was away for long. Only stock runs here, and the orders are on the topic alone, so the verdict
// has nothing to compare its books with: each order would be a record from nowhere. What is asked of the database at the
// end is what matters here: each order holds its units, once, and products say the same.

const ORDERS = 200_000
const PRODUCTS = 1_000
const UNITS_EACH = 1_000_000
const PRODUCED_AT_ONCE = 20_000
// Batches that were worked off are garbage until the collector comes: 640 MB were measured, whatever the backlog. The
// backlog itself, as records in memory, would be about as much again.
const MEMORY_MAX_BYTES = 900 * 1024 * 1024

test('a backlog of 200,000 orders is worked off in bounded memory, and every order gets its units', async (t) => {
  await using shop = await startShop({ processes: Object.fromEntries(serviceNames.map((name) => [name, 0])) })
  const { brokers } = shop.books
  await using offsets = new Offsets(brokers)
  await produce(
    brokers,
    Array.from({ length: PRODUCTS }, (_none, index) => productChanged(`P-${index}`, { unitsOnSale: UNITS_EACH })),
  )
  const stock = await shop.addProcess('stock-1')
  const { sql } = shop.infrastructure.admin('stock')
  await until('all products have stock', async () => (await sql`select 1 from stock_levels`).length === PRODUCTS)
  await stock.end('SIGTERM')
  for (let from = 0; from < ORDERS; from += PRODUCED_AT_ONCE) {
    await produce(
      brokers,
      Array.from({ length: PRODUCED_AT_ONCE }, (_none, index) => placed(from + index)),
    )
  }
  assert.equal(await offsets.count('order-topic'), ORDERS)

  await stock.start()
  const highest = { firstHalf: 0, secondHalf: 0 }
  await until(
    'all is worked off and told',
    async () => {
      const told = await offsets.count('stock-topic')
      const half = told < ORDERS / 2 ? 'firstHalf' : 'secondHalf'
      highest[half] = Math.max(highest[half], await stock.metric('process_resident_memory_bytes'))
      return told >= ORDERS + PRODUCTS && (await offsets.lag('stock', 'order-topic')) === 0
    },
    180_000,
  )
  const said = JSON.stringify(highest)
  t.diagnostic(said)
  assert.ok(highest.firstHalf > 0 && highest.secondHalf > 0, said)
  assert.ok(Math.max(highest.firstHalf, highest.secondHalf) < MEMORY_MAX_BYTES, said)
  assert.ok(highest.secondHalf < 1.3 * highest.firstHalf, `it grows with what was worked off: ${said}`)

  const reservations = await sql`
    select state, count(*)::int as orders, sum(quantity)::int as units from reservations group by state`
  assert.deepEqual(reservations, [{ state: 'HELD', orders: ORDERS, units: ORDERS * 1.5 }])
  const levels = await sql`
    select count(*)::int as products, sum(reserved)::int as reserved, sum(available)::int as available from stock_levels`
  assert.deepEqual(levels, [
    { products: PRODUCTS, reserved: ORDERS * 1.5, available: PRODUCTS * UNITS_EACH - ORDERS * 1.5 },
  ])
  const unlike = await sql`
    select product_id from stock_levels left join (
      select product_id, sum(quantity) as held from reservations group by product_id) as held using (product_id)
    where reserved <> coalesce(held, 0)`
  assert.deepEqual(unlike, [])
  assert.deepEqual(await sql`select 1 from parked_events union all select 1 from dead_letters`, [])
  assert.ok(stock.running)
})

function placed(number: number): TestRecord {
  return orderTold('placed', {
    orderId: `backlog-${number}`,
    productId: `P-${number % PRODUCTS}`,
    quantity: 1 + (Math.floor(number / PRODUCTS) % 2),
  })
}
