import { isDeepStrictEqual } from 'node:util'
import { readLags } from '@timesale/local/commands/consumer-lag'
import { serviceNames, type ServiceName } from '@timesale/local/shop/ports'
import { readTopic, type ReadRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { Client } from 'pg'
import type { LocalShop } from './local-shop.ts'

/** Orders by what their buyers were told. */
export interface Told {
  readonly accepted: readonly string[]
  readonly turnedAway: readonly string[]
}

/** Resolves when nothing is on its way any more: every outbox empty, no lag, no order undecided. */
export async function settled(shop: LocalShop): Promise<void> {
  await until(
    'the shop comes to rest',
    async () => {
      const [open] = await rows(shop, 'order', "select count(*)::int as n from orders where status = 'PLACED'")
      if (open?.['n'] !== 0) return false
      for (const service of serviceNames) {
        const [left] = await rows(shop, service, 'select count(*)::int as n from outbox')
        if (left?.['n'] !== 0) return false
      }
      const lags = await readLags(shop.brokers)
      return lags.every(({ records }) => records === 0n)
    },
    120_000,
  )
}

/**
 * What is wrong with the books, at most ten offenders a rule; nothing when they balance. Computed from the databases
 * (as the superuser) and the topics (with Kafka's own consumer); knows the tables, and no code of the services.
 */
export async function verdict(shop: LocalShop, told: Told): Promise<string[]> {
  const wrong: string[] = []
  const rule = (name: string, offenders: readonly unknown[]): void => {
    if (offenders.length > 0) {
      wrong.push(
        `${name}: ${offenders.length}, e.g. ${offenders
          .slice(0, 10)
          .map((one) => JSON.stringify(one))
          .join(' ')}`,
      )
    }
  }
  const ask = (service: ServiceName, sql: string, values: unknown[] = []): ReturnType<typeof rows> =>
    rows(shop, service, sql, values)

  const orders = await ask(
    'order',
    'select order_id, product_id, quantity, unit_price_minor::int as price, status, version from orders',
  )
  const history = await ask('order', 'select order_id, version, status from order_history order by order_id, version')
  const reservations = await ask('stock', 'select order_id, product_id, quantity, state, version from reservations')
  const byId = new Map(orders.map((order) => [order['order_id'], order]))

  rule(
    'an accepted order is lost',
    told.accepted.filter((id) => !byId.has(id)),
  )
  rule(
    'a refused order had an effect',
    told.turnedAway.filter((id) => byId.has(id)),
  )
  rule(
    'an order is not decided',
    orders.filter((order) => order['status'] === 'PLACED'),
  )

  const histories = Map.groupBy(history, (entry) => entry['order_id'])
  rule(
    'a history has a gap, or more than one end',
    orders.filter((order) => {
      const entries = histories.get(order['order_id']) ?? []
      const ends = entries.filter(({ status }) => status !== 'PLACED')
      const counted = entries.every((entry, index) => entry['version'] === index + 1)
      return (
        !counted ||
        ends.length !== 1 ||
        entries.at(-1)?.['status'] !== order['status'] ||
        entries.length !== order['version']
      )
    }),
  )

  const wanted = new Map(
    orders.map((order) => [
      order['order_id'],
      { CONFIRMED: 'COMMITTED', REJECTED: 'REFUSED' }[String(order['status'])],
    ]),
  )
  rule(
    'order and reservation differ',
    reservations.filter(({ order_id: id, state }) => wanted.get(id) !== state),
  )
  rule(
    'an order has no reservation',
    orders.filter(({ order_id: id }) => !reservations.some((one) => one['order_id'] === id)),
  )

  const levels = await ask('stock', 'select * from stock_levels order by product_id')
  const confirmed = orders.filter(({ status }) => status === 'CONFIRMED')
  rule(
    'stock is not conserved',
    levels.filter((row) => num(row, 'available') + num(row, 'reserved') + num(row, 'sold') !== num(row, 'initial')),
  )
  rule(
    'units are still reserved',
    levels.filter((row) => row['reserved'] !== 0),
  )
  rule(
    'units sold differ from confirmed orders',
    levels.filter(
      (row) =>
        row['sold'] !==
        sum(
          confirmed.filter((order) => order['product_id'] === row['product_id']),
          'quantity',
        ),
    ),
  )
  const put = await ask('product', 'select product_id, units_on_sale from products')
  rule(
    'units differ from what was put on sale',
    put.filter(
      (row) => levels.find((level) => level['product_id'] === row['product_id'])?.['initial'] !== row['units_on_sale'],
    ),
  )
  rule(
    'the ledger does not lead to the row',
    await ask(
      'stock',
      `select product_id from stock_levels left join (
         select product_id,
           sum(case kind when 'RESTOCK' then quantity when 'RESERVE' then -quantity when 'RELEASE' then quantity else 0 end) as available,
           sum(case kind when 'COMMIT' then quantity else 0 end) as sold
         from stock_ledger group by product_id) as replayed using (product_id)
       where stock_levels.available <> coalesce(replayed.available, 0) or stock_levels.sold <> coalesce(replayed.sold, 0)`,
    ),
  )

  const notices = await ask('notification', 'select order_id, kind from notices')
  const kinds = Map.groupBy(notices, (notice) => notice['order_id'])
  rule(
    'a notice is missing, twice or wrong',
    orders.filter(
      ({ order_id: id, status }) =>
        !isDeepStrictEqual(
          kinds.get(id)?.map(({ kind }) => kind),
          [status],
        ),
    ),
  )
  rule(
    'a notice came from nowhere',
    notices.filter(({ order_id: id }) => !byId.has(id)),
  )

  const revenue = confirmed.reduce((all, order) => all + num(order, 'quantity') * num(order, 'price'), 0)
  const expected = [{ orders: confirmed.length, units: sum(confirmed, 'quantity'), revenue }]
  for (const table of ['sales_by_minute', 'sales_by_product']) {
    const sold = await ask(
      'analytics',
      `select coalesce(sum(orders), 0)::int as orders, coalesce(sum(units), 0)::int as units, coalesce(sum(revenue_minor), 0)::float8 as revenue from ${table}`,
    )
    if (!isDeepStrictEqual(sold, expected))
      wrong.push(`${table}: ${JSON.stringify(sold)} instead of ${JSON.stringify(expected)}`)
  }

  for (const service of serviceNames) {
    rule(
      `an event of ${service} is parked`,
      await ask(service, 'select source, aggregate_id, version, error from parked_events'),
    )
    rule(
      `${service} has dead letters`,
      await ask(service, 'select topic, partition, "offset", reason from dead_letters'),
    )
  }

  const [orderEvents, stockEvents] = [
    await readTopic(shop.brokers, 'order-topic'),
    await readTopic(shop.brokers, 'stock-topic'),
  ]
  rule(
    'order events on the topic',
    streamFaults(
      orderEvents,
      '/order/orders',
      new Map(orders.map((order) => [String(order['order_id']), num(order, 'version')])),
    ),
  )
  rule(
    'reservation events on the topic',
    streamFaults(
      stockEvents,
      '/stock/reservations',
      new Map(reservations.map((one) => [String(one['order_id']), num(one, 'version')])),
    ),
  )
  return wrong
}

// Every version of every aggregate, first occurrences in order, one partition a key, none from nowhere.
function streamFaults(records: readonly ReadRecord[], source: string, versions: ReadonlyMap<string, number>): string[] {
  const faults: string[] = []
  const streams = Map.groupBy(
    records.filter(({ headers }) => headers['ce_source'] === source),
    ({ key }) => key,
  )
  for (const [id, version] of versions) {
    const stream = streams.get(id) ?? []
    const first = [...new Set(stream.map(({ headers }) => Number(headers['ce_aggregateversion'])))]
    const complete = isDeepStrictEqual(
      first,
      Array.from({ length: version }, (_none, index) => index + 1),
    )
    if (!complete) faults.push(`${id} has versions ${first.join(',')} instead of 1..${version}`)
    if (new Set(stream.map(({ partition }) => partition)).size > 1) faults.push(`${id} is on two partitions`)
    const bodies = new Set(stream.map(({ headers, value }) => `${headers['ce_id']} ${headers['ce_type']} ${value}`))
    if (bodies.size !== version) faults.push(`${id} has an id with two bodies`)
  }
  for (const id of streams.keys()) if (!versions.has(id)) faults.push(`${id} came from nowhere`)
  return faults
}

async function rows(
  shop: LocalShop,
  service: ServiceName,
  sql: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new Client({
    connectionString: shop.databaseUrl(service),
    connectionTimeoutMillis: 3_000,
    options: '-c default_transaction_read_only=on',
  })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql, values)).rows
  } finally {
    await client.end()
  }
}

function num(row: Record<string, unknown>, name: string): number {
  return Number(row[name])
}

function sum(all: readonly Record<string, unknown>[], name: string): number {
  return all.reduce((total, row) => total + num(row, name), 0)
}
