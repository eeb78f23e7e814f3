import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { headersOf, PrintedRecords, type PrintedRecord } from '@timesale/testkit/console-consumer'
import { told, type Accounts, type OrderAccount } from './accounts.ts'
import { Rulebook, type Offence } from './finding.ts'
import { parseCommitted, parseEnds } from './kafka-offsets.ts'
import { partitionOf } from './partition-of.ts'
import { TopicRules } from './topic-rules.ts'

const PARTITIONS = 6
const ORDERS = ['a', 'b', 'c']

// Each event, then some of them again: a relay that died between the ack and its note sends from there on anew.
const deliveries = fc.array(fc.nat({ max: 5 }), { maxLength: 20 }).map((again) => {
  const events = ORDERS.flatMap((orderId) => [recordOf(orderId, 1), recordOf(orderId, 2)])
  const repeated = again.flatMap((index) => events.slice(index, index + 2))
  return [...events, ...repeated]
})

test('records may be repeated as often as they like', () => {
  fc.assert(fc.property(deliveries, (records) => assert.deepEqual(offencesOf(records), [])))
})

test('each event that is missing is missed', () => {
  fc.assert(
    fc.property(deliveries, fc.constantFrom(...ORDERS), fc.constantFrom(1, 2), (records, orderId, version) => {
      const left = records.filter(({ key, headers }) => key !== orderId || versionOf(headers) !== version)
      const missing = offencesOf(left).find(({ rule }) => rule === 'each event is on its topic')
      assert.deepEqual(missing?.offenders, [`version ${version} of order ${orderId}`])
    }),
  )
})

test('a version that is there before the one before it is out of order, also when that one follows', () => {
  const [first, second] = [recordOf('a', 1), recordOf('a', 2)]
  const others = ['b', 'c'].flatMap((orderId) => [recordOf(orderId, 1), recordOf(orderId, 2)])

  assert.deepEqual(offencesOf([second, first, second, ...others]), [
    {
      rule: 'events of one key are in order',
      count: 1,
      offenders: ['order.confirmed.v1 a.2 at order-topic-4@0 is before version 1'],
    },
  ])
})

test('a sale, a shop and its members are compared with their rows, but only the newest state', () => {
  const sale = {
    saleId: 'S',
    priceMinor: 90,
    units: 5,
    startsAt: '2026-01-01T00:00:00.000Z',
    endsAt: '2026-01-02T00:00:00.000Z',
  }
  const product = { productId: 'P', name: { ko: 'P', en: 'P' }, priceMinor: 100, currency: 'KRW', unitsOnSale: 9 }
  const shop = {
    shopId: 'H',
    name: 'Shop',
    members: [
      { accountId: 'lee', role: 'member' },
      { accountId: 'kim', role: 'owner' },
    ],
  }
  const about = { nameKo: 'P', nameEn: 'P', priceMinor: 100, currency: 'KRW', unitsOnSale: 9, shopId: 'H', sale }
  const complaintOf = (version: number, data: Readonly<Record<string, unknown>>): string | undefined => {
    const others: Partial<Accounts> = {
      products: new Map([['P', { ...told(2), ...about }]]),
      shops: new Map([['H', { ...told(2), name: 'Shop', members: 'kim owner, lee member' }]]),
    }
    const [source, type, id, topic] =
      'members' in data
        ? ['/seller/shops', 'shop.changed.v1', 'H', 'seller-topic']
        : ['/product/products', 'product.changed.v1', 'P', 'product-topic']
    return saysOtherwise(offencesOf([printed({ source, type, id, version, data })], topic, others))
  }

  assert.equal(complaintOf(2, { ...product, shopId: 'H', sale }), undefined)
  // Another way to say the same moment.
  assert.equal(
    complaintOf(2, { ...product, shopId: 'H', sale: { ...sale, startsAt: '2026-01-01T09:00:00+09:00' } }),
    undefined,
  )
  assert.equal(complaintOf(1, product), undefined, 'an older state is nobody’s any more')
  assert.equal(complaintOf(2, { ...product, sale }), 'shopId is undefined, and "H" in its row')
  assert.equal(complaintOf(2, { ...product, shopId: 'H' }), 'of its sale, saleId is undefined, and "S" in its row')
  assert.equal(
    complaintOf(2, { ...product, shopId: 'H', sale: { ...sale, units: 6 } }),
    'of its sale, units is 6, and 5 in its row',
  )
  assert.equal(
    complaintOf(2, { ...product, shopId: 'H', sale: { ...sale, limitPerBuyer: 1 } }),
    'of its sale, it has a field limitPerBuyer',
  )
  assert.match(
    complaintOf(2, { ...product, shopId: 'H', sale: { ...sale, endsAt: 'never' } }) ?? '',
    /^of its sale, endsAt is "never"/,
  )

  assert.equal(complaintOf(2, shop), undefined)
  assert.equal(complaintOf(2, { ...shop, members: shop.members.toReversed() }), undefined)
  assert.equal(complaintOf(1, { ...shop, name: 'Before' }), undefined)
  assert.equal(complaintOf(2, { ...shop, name: 'Other' }), 'name is "Other", and "Shop" in its row')
  assert.equal(complaintOf(2, { ...shop, members: [] }), 'members is "", and "kim owner, lee member" in its row')
})

test('settings are compared with their row, but only the newest, and nobody hears of version 0', () => {
  const limits = { orders: { points: 5, seconds: 1 }, browse: { points: 9, seconds: 60 } }
  const data = { settingsId: 'shop', ordersOpen: false, limits, outboxCapEvents: 7 }
  const row = { ordersOpen: false, limits: 'browse 9 in 60 s, orders 5 in 1 s', outboxCapEvents: 7 }
  const offences = (version: number, told2: object, rowVersion = 2): Offence[] => {
    const record = printed({
      source: '/account/settings',
      type: 'settings.changed.v1',
      id: 'shop',
      version,
      data: told2,
    })
    return offencesOf([record], 'settings-topic', {
      settings: new Map([['shop', { ...told(rowVersion), ...row }]]),
      orders: new Map(),
    })
  }
  assert.deepEqual(offences(1, data, 1), [])
  assert.equal(saysOtherwise(offences(2, data)), undefined)
  assert.equal(saysOtherwise(offences(1, { ...data, ordersOpen: true })), undefined)
  assert.equal(saysOtherwise(offences(2, { ...data, ordersOpen: true })), 'ordersOpen is true, and false in its row')
  assert.equal(
    saysOtherwise(offences(2, { ...data, limits: { orders: limits.orders } })),
    'limits is "orders 5 in 1 s", and "browse 9 in 60 s, orders 5 in 1 s" in its row',
  )
  assert.equal(
    saysOtherwise(offences(2, { ...data, outboxCapEvents: undefined })),
    'outboxCapEvents is undefined, and 7 in its row',
  )
  assert.match(JSON.stringify(offences(1, data, 0)), /settings.changed.v1 shop.1 at .*: its row is at version 0/)
})

test('an order says of which sale it is when it is placed, and afterwards nothing of it', () => {
  const terms = { saleId: 'S', units: 5 }
  const complaintOf = (orderId: string, version: 1 | 2, sale: object | undefined): string | undefined => {
    const record = recordOf(orderId, version)
    const value = JSON.stringify({ ...(JSON.parse(String(record.value)) as object), sale })
    const order = { ...told(2), ...ABOUT, status: 'CONFIRMED', endedAt: 0, noticed: false }
    const orders = new Map<string, OrderAccount>([
      ['timed', { ...order, sale: { saleId: 'S', placedAt: 0 } }],
      ['a', { ...order, sale: undefined }],
    ])
    return saysOtherwise(offencesOf([{ ...record, value }], 'order-topic', { orders }))
  }

  assert.equal(complaintOf('timed', 1, terms), undefined)
  assert.equal(complaintOf('timed', 2, undefined), undefined)
  assert.equal(complaintOf('timed', 1, undefined), 'its sale is undefined, and S in its row')
  assert.equal(complaintOf('timed', 1, { ...terms, saleId: 'T' }), 'its sale is T, and S in its row')
  assert.equal(complaintOf('a', 1, terms), 'its sale is S, and undefined in its row')
  assert.equal(complaintOf('timed', 2, terms), 'it has a field sale')
})

test('a key goes where the Java client puts it', () => {
  // Computed by org.apache.kafka.common.utils.Utils.murmur2 (UtilsTest.java).
  const known: Record<string, number> = { '21': -973932308, foobar: -790332482, 'a-little-bit-long-string': -985981536 }
  for (const [key, hash] of Object.entries(known)) {
    assert.equal(partitionOf(Buffer.from(key), 1_000_003), (hash & 0x7fffffff) % 1_000_003, key)
  }
})

test("what Kafka's tools print is read", () => {
  assert.deepEqual(
    [...parseEnds('order-topic:0:12\norder-topic:1:0\nother:0:3\n')],
    [
      ['order-topic', [12, 0]],
      ['other', [3]],
    ],
  )
  const printed = [
    '',
    'GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID     HOST',
    'order           stock-topic     3          17              20              3               order-1-x       /127.0.0.1',
    'order           stock-topic     4          -               0               -               -               -',
    '',
    "Consumer group 'stock' has no active members.",
  ].join('\n')
  assert.deepEqual(parseCommitted(printed), [
    { group: 'order', topic: 'stock-topic', partition: 3, offset: 17 },
    { group: 'order', topic: 'stock-topic', partition: 4, offset: undefined },
  ])
})

test('records are put together from pieces that end anywhere', () => {
  const line = ['Partition:2', 'Offset:7', 'ce_type:x\u0002|\u0002trace:a:b', 'key', '{"a":"\u00ea\u00b0\u0080"}'].join(
    '\u0001|\u0001',
  )
  const text = `${line}\u0003|\u0003\n${line}\u0003|\u0003\n`
  const printed = new PrintedRecords()
  const records = text.split('').flatMap((piece) => printed.add(piece))

  assert.equal(records.length, 2)
  assert.deepEqual([records[1]?.partition, records[1]?.offset, records[1]?.key], [2, 7, 'key'])
  assert.deepEqual(headersOf(records[1]?.headers ?? ''), { ce_type: 'x', trace: 'a:b' })
})

function offencesOf(
  records: readonly PrintedRecord[],
  topic = 'order-topic',
  others: Partial<Accounts> = {},
): Offence[] {
  const rules = new Rulebook()
  const topics = new TopicRules({
    accounts: accounts(others),
    rules,
    partitionsOf: () => PARTITIONS,
    isExpected: () => false,
    onFirst: () => undefined,
  })
  for (const record of records) topics.take(topic, record)
  topics.end()
  return rules.findings.filter(({ holds }) => !holds).map(({ rule, count, offenders }) => ({ rule, count, offenders }))
}

function saysOtherwise(offences: readonly Offence[]): string | undefined {
  const offence = offences.find(({ rule }) => rule === 'each event says what its row says')
  return offence?.offenders[0]?.replace(/.*@0: /, '')
}

const ABOUT = { buyerId: 'open', productId: 'A001', quantity: 2, unitPriceMinor: 100, currency: 'KRW' }

function accounts(others: Partial<Accounts>): Accounts {
  const account = (): OrderAccount => ({
    ...told(2),
    ...ABOUT,
    status: 'CONFIRMED',
    sale: undefined,
    endedAt: 0,
    noticed: false,
  })
  return {
    orders: new Map(ORDERS.map((orderId) => [orderId, account()])),
    reservations: new Map(),
    levels: new Map(),
    products: new Map(),
    shops: new Map(),
    settings: new Map(),
    ...others,
  }
}

function recordOf(orderId: string, version: 1 | 2): PrintedRecord {
  const type = version === 1 ? 'order.placed.v1' : 'order.confirmed.v1'
  return printed({ source: '/order/orders', type, id: orderId, version, data: { orderId, ...ABOUT } })
}

function printed(event: { source: string; type: string; id: string; version: number; data: object }): PrintedRecord {
  const headers = {
    ce_specversion: '1.0',
    ce_type: event.type,
    ce_source: event.source,
    ce_id: `${event.id}.${event.version}`,
    ce_subject: event.id,
    ce_time: '2026-01-01T00:00:00.000Z',
    ce_aggregateversion: String(event.version),
  }
  return {
    partition: partitionOf(Buffer.from(event.id), PARTITIONS),
    offset: 0,
    headers: Object.entries(headers)
      .map((header) => header.join(':'))
      .join('\u0002|\u0002'),
    key: event.id,
    value: JSON.stringify(event.data),
  }
}

function versionOf(headers: string): number {
  return Number(headersOf(headers)['ce_aggregateversion'])
}
