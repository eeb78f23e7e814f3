import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import type { EventDefinition, Fact } from '@timesale/contracts/event'
import { STOCK_EVENTS } from '@timesale/contracts/stock-events'
import {
  ALL_BUYERS,
  allocate,
  takingKey,
  type Demand,
  type Movement,
  type Reservation,
  type StockLevel,
  type Taking,
} from './stock.ts'

test('an order gets its units set aside, and then sold when it is confirmed', () => {
  const shop = new Warehouse()

  shop.work([onSale('A', 10), reserve('o', 'A', 3)])
  assert.deepEqual(shop.level('A'), { initial: 10, available: 7, reserved: 3, sold: 0 })

  shop.work([commit('o')])
  assert.deepEqual(shop.level('A'), { initial: 10, available: 7, reserved: 0, sold: 3 })
  assert.deepEqual(shop.told('o'), ['stock.reserved.v1 1', 'stock.committed.v1 2'])
})

test('the units of an order that is given up are available again', () => {
  const shop = new Warehouse()

  shop.work([onSale('A', 10), reserve('o', 'A', 3), release('o', 'A', 3)])

  assert.deepEqual(shop.level('A'), { initial: 10, available: 10, reserved: 0, sold: 0 })
  assert.deepEqual(shop.told('o'), ['stock.reserved.v1 1', 'stock.released.v1 2'])
})

test('an order that asks for more than is left gets nothing, and a smaller one after it gets what it asked for', () => {
  const shop = new Warehouse()

  shop.work([onSale('A', 5), reserve('big', 'A', 6), reserve('small', 'A', 5), reserve('late', 'A', 1)])

  assert.deepEqual(shop.told('big'), ['stock.rejected.v1 1'])
  assert.deepEqual(shop.told('small'), ['stock.reserved.v1 1'])
  assert.deepEqual(shop.told('late'), ['stock.rejected.v1 1'])
  assert.deepEqual(shop.level('A'), { initial: 5, available: 0, reserved: 5, sold: 0 })
})

test('a refused order is told whether the product is gone or was never there', () => {
  const shop = new Warehouse()

  shop.work([onSale('A', 0), reserve('gone', 'A', 1), reserve('never', 'B', 1)])

  assert.deepEqual(
    shop.facts.slice(1).map(({ data }) => (data as { reason: string }).reason),
    ['sold-out', 'unknown-product'],
  )
})

test('an order that is given up before it is asked for leaves a tombstone, so the late request finds nothing to do', () => {
  for (const batches of [
    [[onSale('A', 10)], [release('o', 'A', 3)], [reserve('o', 'A', 3)]],
    [[onSale('A', 10), release('o', 'A', 3), reserve('o', 'A', 3)]],
  ]) {
    const shop = new Warehouse()

    for (const batch of batches) shop.work(batch)

    assert.equal(shop.reservations.get('o')?.state, 'TOMBSTONE')
    assert.deepEqual(shop.told('o'), [])
    assert.deepEqual(shop.level('A'), { initial: 10, available: 10, reserved: 0, sold: 0 })
  }
})

test('what is sold is not released, and what is released is not sold', () => {
  const shop = new Warehouse()

  shop.work([onSale('A', 10), reserve('sold', 'A', 1), commit('sold'), release('sold', 'A', 1)])
  shop.work([reserve('back', 'A', 2), release('back', 'A', 2), commit('back')])

  assert.equal(shop.reservations.get('sold')?.state, 'COMMITTED')
  assert.equal(shop.reservations.get('back')?.state, 'RELEASED')
  assert.deepEqual(shop.level('A'), { initial: 10, available: 9, reserved: 0, sold: 1 })
})

test('a product is announced when it is first heard of, also without units, and each time units are added', () => {
  const shop = new Warehouse()

  shop.work([onSale('A', 0)])
  shop.work([onSale('A', 0), onSale('A', 5), onSale('A', 3), onSale('A', 9)])

  assert.deepEqual(
    shop.facts.map(({ aggregateId, version, data }) => [aggregateId, version, data]),
    [
      ['A', 1, { productId: 'A', unitsOnSale: 0 }],
      ['A', 2, { productId: 'A', unitsOnSale: 5 }],
      ['A', 3, { productId: 'A', unitsOnSale: 9 }],
    ],
  )
  assert.deepEqual(
    shop.movements.map(({ kind, quantity }) => [kind, quantity]),
    [
      ['RESTOCK', 5],
      ['RESTOCK', 4],
    ],
  )
})

test('a fact carries the trace of the demand it follows from', () => {
  const shop = new Warehouse()

  shop.work([
    { ...onSale('A', 2), traceparent: 'restock' },
    { ...reserve('o', 'A', 2), traceparent: 'reserve' },
    { ...reserve('p', 'A', 1), traceparent: 'refuse' },
    { ...commit('o'), traceparent: 'commit' },
  ])

  assert.deepEqual(
    shop.facts.map(({ traceparent }) => traceparent),
    ['restock', 'reserve', 'refuse', 'commit'],
  )
})

test('units are neither made nor lost by any demands in any batches: initial = available + reserved + sold, each >= 0', () => {
  fc.assert(
    fc.property(batchesOf(anyDemands), (batches) => {
      const shop = new Warehouse()
      for (const batch of batches) {
        shop.work(batch)

        for (const { initial, available, reserved, sold } of shop.levels.values()) {
          assert.equal(available + reserved + sold, initial)
          assert.ok(Math.min(initial, available, reserved, sold) >= 0)
        }
      }
    }),
  )
})

test('what is held and sold is what the reservations say, and never more than was put on sale', () => {
  fc.assert(
    fc.property(batchesOf(anyDemands), (batches) => {
      const shop = new Warehouse()
      for (const batch of batches) {
        shop.work(batch)

        for (const { productId, initial, reserved, sold } of shop.levels.values()) {
          assert.equal(reserved, shop.units(productId, 'HELD'))
          assert.equal(sold, shop.units(productId, 'COMMITTED'))
          assert.ok(reserved + sold <= initial)
        }
      }
    }),
  )
})

test('however demands are cut into batches, the end, the facts and the movements are the same', () => {
  fc.assert(
    fc.property(anyDemands, cuts, (demands, points) => {
      const together = new Warehouse()
      together.work(demands)
      const inBatches = new Warehouse()
      for (const batch of cutAt(demands, points)) inBatches.work(batch)

      assert.deepEqual(inBatches.levels, together.levels)
      assert.deepEqual(inBatches.reservations, together.reservations)
      assert.deepEqual(inBatches.takings, together.takings)
      assert.deepEqual(inBatches.facts, together.facts)
      assert.deepEqual(inBatches.movements, together.movements)
    }),
  )
})

test('an order gets all of its units or none, and none only where too few are left', () => {
  fc.assert(
    fc.property(anyDemands, (demands) => {
      const shop = new Warehouse()
      for (const demand of demands) {
        const isNew = demand.kind === 'reserve' && !shop.reservations.has(demand.orderId)
        const left = 'productId' in demand ? (shop.levels.get(demand.productId)?.available ?? 0) : 0

        const { movements } = shop.work([demand])

        if (demand.kind !== 'reserve') continue
        const { orderId, productId, quantity, sale } = demand
        // Those of a time sale have rules besides; they are below.
        if (sale !== undefined) continue
        const enough = isNew && left >= quantity
        assert.deepEqual(
          movements,
          enough ? [{ productId, orderId, version: 1, kind: 'RESERVE', quantity }] : ([] as Movement[]),
        )
        if (isNew) assert.equal(shop.reservations.get(orderId)?.state, enough ? 'HELD' : 'REFUSED')
      }
    }),
  )
})

test('a reservation tells 1 and at most 2: set aside or refused, then sold or released where it was set aside', () => {
  fc.assert(
    fc.property(batchesOf(anyDemands), (batches) => {
      const shop = new Warehouse()
      for (const batch of batches) shop.work(batch)

      for (const { orderId, state, version } of shop.reservations.values()) {
        assert.deepEqual(shop.told(orderId), STORIES[state])
        assert.equal(version, STORIES[state].length)
      }
    }),
  )
})

test('the movements replay to the levels, and no order moves units twice in one way, or both to the buyer and back', () => {
  fc.assert(
    fc.property(batchesOf(anyDemands), (batches) => {
      const shop = new Warehouse()
      for (const batch of batches) shop.work(batch)

      for (const { productId, ...level } of shop.levels.values()) {
        const moved = (kind: Movement['kind']): number =>
          sum(shop.movements.filter((one) => one.productId === productId && one.kind === kind))
        assert.equal(level.initial, moved('RESTOCK'))
        assert.equal(level.available, moved('RESTOCK') - moved('RESERVE') + moved('RELEASE'))
        assert.equal(level.reserved, moved('RESERVE') - moved('COMMIT') - moved('RELEASE'))
        assert.equal(level.sold, moved('COMMIT'))
      }
      for (const { quantity } of shop.movements) assert.ok(quantity > 0)
      // The two unique indexes of the ledger.
      const keys = shop.movements.map(({ orderId, productId, version }) => `${orderId ?? `- ${productId}`} ${version}`)
      assert.equal(new Set(keys).size, keys.length)
    }),
  )
})

test('a product has as many units on sale as the largest word of the catalogue said, and announces each rise once', () => {
  fc.assert(
    fc.property(anyDemands, (demands) => {
      const shop = new Warehouse()
      const most = new Map<string, number>()
      for (const demand of demands) {
        if (demand.kind === 'restock') {
          most.set(demand.productId, Math.max(demand.unitsOnSale, most.get(demand.productId) ?? 0))
        }
        shop.work([demand])

        for (const [productId, units] of most) assert.equal(shop.levels.get(productId)?.initial, units)
      }
      for (const { productId, announced } of shop.levels.values()) {
        const told = shop.facts.filter(({ aggregateId }) => aggregateId === productId)
        assert.deepEqual(
          told.map(({ version }) => version),
          Array.from({ length: announced }, (_, index) => index + 1),
        )
        const units = told.map(({ data }) => (data as { unitsOnSale: number }).unitsOnSale)
        assert.deepEqual(
          units,
          [...new Set(units)].toSorted((a, b) => a - b),
        )
      }
    }),
  )
})

test('the version of a level counts its changes, and only what changed is handed back', () => {
  fc.assert(
    fc.property(batchesOf(anyDemands), (batches) => {
      const shop = new Warehouse()
      for (const batch of batches) {
        const before = { levels: new Map(shop.levels), reservations: new Map(shop.reservations) }

        const { levels, reservations, movements } = shop.work(batch)

        for (const { productId, version } of levels.values()) {
          assert.ok(version > (before.levels.get(productId)?.version ?? 0))
          assert.equal(version, shop.changesOf(productId))
        }
        for (const { productId } of movements) assert.ok(levels.has(productId))
        for (const one of reservations.values()) assert.notDeepEqual(one, before.reservations.get(one.orderId))
      }
    }),
  )
})

test('demands that are delivered again, however often and however late, change nothing', () => {
  fc.assert(
    fc.property(orderlyDemands, repeats, cuts, (demands, again, points) => {
      const once = new Warehouse()
      once.work(demands)
      const repeated = new Warehouse()
      for (const batch of cutAt(withRepeats(demands, again), points)) repeated.work(batch)

      assert.deepEqual(repeated.levels, once.levels)
      assert.deepEqual(repeated.reservations, once.reservations)
      assert.deepEqual(repeated.takings, once.takings)
      assert.deepEqual(repeated.facts, once.facts)
      assert.deepEqual(repeated.movements, once.movements)
    }),
  )
})

test('every fact fits its schema, and stands under the id it tells of', () => {
  const schemas = new Map(STOCK_EVENTS.map((event: EventDefinition) => [event.type, Compile(event.schema)]))
  fc.assert(
    fc.property(batchesOf(anyDemands), (batches) => {
      const shop = new Warehouse()
      for (const batch of batches) shop.work(batch)

      for (const { definition, aggregateId, data } of shop.facts) {
        assert.equal(schemas.get(definition.type)?.Check(data), true)
        const about = data as { productId: string; orderId?: string }
        assert.equal(aggregateId, definition.source === '/stock/products' ? about.productId : about.orderId)
      }
    }),
  )
})

test('units that orders hold of a product without stock are a bug that shows, not a level out of nothing', () => {
  const held: Reservation = { orderId: 'o', productId: 'A', quantity: 1, state: 'HELD', version: 1 }

  assert.throws(() => allocate(new Map(), new Map([['o', held]]), new Map(), [commit('o')]), /Order o holds units of A/)
})

test('a time sale gives out its units and no more, whatever the product has besides', () => {
  const shop = new Warehouse()

  shop.work([onSale('A', 100), inSale('1', 'kim', 4, { units: 5 }), inSale('2', 'lee', 2, { units: 5 })])
  shop.work([inSale('3', 'lee', 1, { units: 5 }), inSale('4', 'park', 1, { units: 5 }), reserve('usual', 'A', 60)])

  assert.deepEqual([shop.outcome('1'), shop.outcome('3'), shop.outcome('usual')], ['HELD', 'HELD', 'HELD'])
  assert.deepEqual([shop.outcome('2'), shop.outcome('4')], ['sale-sold-out', 'sale-sold-out'])
  assert.equal(shop.taken('A', 'S'), 5)
})

test('a buyer gets as many units of a time sale as it allows, by however many orders, and others theirs', () => {
  const shop = new Warehouse()
  const terms = { units: 50, limitPerBuyer: 3 }

  shop.work([onSale('A', 100), onSale('B', 100), inSale('1', 'kim', 2, terms), inSale('2', 'kim', 2, terms)])
  shop.work([inSale('3', 'kim', 1, terms), inSale('4', 'kim', 1, terms), inSale('5', 'lee', 3, terms)])
  shop.work([inSale('6', 'kim', 3, { ...terms, saleId: 'T' }), inSale('7', 'kim', 3, terms, 'B')])

  assert.deepEqual([shop.outcome('2'), shop.outcome('4')], ['buyer-limit', 'buyer-limit'])
  for (const orderId of ['1', '3', '5', '6', '7']) assert.equal(shop.outcome(orderId), 'HELD', orderId)
})

test('what an order of a time sale gives back can be taken again, also by the same buyer', () => {
  const shop = new Warehouse()
  const terms = { units: 3, limitPerBuyer: 3 }

  shop.work([onSale('A', 9), inSale('1', 'kim', 3, terms)])
  shop.work([inSale('2', 'kim', 1, terms), release('1', 'A', 3), release('1', 'A', 3), inSale('3', 'kim', 3, terms)])
  shop.work([commit('3'), release('3', 'A', 3), inSale('4', 'lee', 1, terms)])

  assert.deepEqual(
    [shop.outcome('2'), shop.outcome('3'), shop.outcome('4')],
    ['buyer-limit', 'COMMITTED', 'sale-sold-out'],
  )
  assert.deepEqual([shop.taken('A', 'S'), shop.taken('A', 'S', 'kim'), shop.taken('A', 'S', 'lee')], [3, 3, 0])
})

test('a tombstone takes nothing of a time sale, nor does a refused order', () => {
  const shop = new Warehouse()
  const terms = { units: 2, limitPerBuyer: 2 }

  shop.work([onSale('A', 1), release('1', 'A', 1), inSale('1', 'kim', 1, terms), inSale('2', 'kim', 2, terms)])
  shop.work([release('2', 'A', 2), inSale('3', 'kim', 1, terms)])

  assert.deepEqual([shop.outcome('1'), shop.outcome('2'), shop.outcome('3')], ['TOMBSTONE', 'sold-out', 'HELD'])
  assert.equal(shop.taken('A', 'S', 'kim'), 1)
})

test('a refusal says first what is wrong with the product, then the buyer, then the sale, then what is left', () => {
  const shop = new Warehouse()
  shop.work([onSale('A', 1)])

  shop.work([
    inSale('1', 'kim', 4, { units: 1, limitPerBuyer: 1 }, 'nowhere'),
    inSale('2', 'kim', 4, { units: 1, limitPerBuyer: 1 }),
    inSale('3', 'kim', 4, { units: 1, limitPerBuyer: 4 }),
    inSale('4', 'kim', 4, { units: 4, limitPerBuyer: 4 }),
  ])

  assert.deepEqual(
    ['1', '2', '3', '4'].map((orderId) => shop.outcome(orderId)),
    ['unknown-product', 'buyer-limit', 'sale-sold-out', 'sold-out'],
  )
})

test('an order is judged by the terms that it was told, and the greatest of them is remembered', () => {
  const shop = new Warehouse()

  shop.work([onSale('A', 99), inSale('1', 'kim', 4, { units: 9, limitPerBuyer: 4 })])
  shop.work([inSale('2', 'kim', 1, { units: 9, limitPerBuyer: 2 }), inSale('3', 'lee', 1, { units: 4 })])
  shop.work([
    inSale('4', 'lee', 1, { units: 6, limitPerBuyer: 6 }),
    inSale('5', 'lee', 1, { units: 6, limitPerBuyer: 2 }),
  ])
  assert.deepEqual(shop.mosts(), { kim: 4, [ALL_BUYERS]: 9, lee: 6 })

  shop.work([inSale('6', 'lee', 4, { units: 10, limitPerBuyer: 6 }), inSale('7', 'park', 1, { units: 11 })])
  shop.work([inSale('8', 'park', 1, { units: 12, limitPerBuyer: 2 })])

  assert.deepEqual(
    ['1', '2', '3', '4', '5', '6', '7', '8'].map((orderId) => shop.outcome(orderId)),
    ['HELD', 'buyer-limit', 'sale-sold-out', 'HELD', 'HELD', 'HELD', 'HELD', 'HELD'],
  )
  assert.deepEqual(shop.mosts(), { kim: 4, [ALL_BUYERS]: 12, lee: 6, park: null })
})

test('of no time sale more is taken than it has, nor by one buyer than they may have, and takings are what reservations say', () => {
  fc.assert(
    fc.property(batchesOf(saleDemands), (batches) => {
      const shop = new Warehouse()
      for (const batch of batches) {
        shop.work(batch)

        const wanted = new Map<string, number>()
        for (const { productId, quantity, state, sale } of shop.reservations.values()) {
          if (sale === undefined || (state !== 'HELD' && state !== 'COMMITTED')) continue
          for (const buyerId of [sale.buyerId, ALL_BUYERS]) {
            const key = takingKey(productId, { ...sale, buyerId })
            wanted.set(key, (wanted.get(key) ?? 0) + quantity)
          }
        }
        const taken = [...shop.takings].filter(([, { units }]) => units > 0).map(([key, { units }]) => [key, units])
        assert.deepEqual(new Map(taken as [string, number][]), wanted)
        for (const { saleId, buyerId, units, most } of shop.takings.values()) {
          const limit = buyerId === ALL_BUYERS ? SALES[saleId]?.units : SALES[saleId]?.limitPerBuyer
          assert.ok(units >= 0 && units <= (limit ?? Infinity), `${saleId} ${buyerId}: ${units}`)
          assert.ok(most === null ? limit === undefined : units <= most)
        }
      }
    }),
  )
})

test('an order of a time sale is refused for a reason that is true, and for none where there is room', () => {
  fc.assert(
    fc.property(saleDemands, (demands) => {
      const shop = new Warehouse()
      for (const demand of demands) {
        const isNew = demand.kind === 'reserve' && !shop.reservations.has(demand.orderId)
        const mine = isNew && demand.sale ? shop.taken(demand.productId, demand.sale.saleId, demand.sale.buyerId) : 0
        const all = isNew && demand.sale ? shop.taken(demand.productId, demand.sale.saleId) : 0
        const level = 'productId' in demand ? shop.levels.get(demand.productId) : undefined

        shop.work([demand])

        if (demand.kind !== 'reserve' || !isNew) continue
        const { orderId, quantity, sale } = demand
        const wanted =
          level === undefined
            ? 'unknown-product'
            : sale !== undefined && mine + quantity > (sale.limitPerBuyer ?? Infinity)
              ? 'buyer-limit'
              : sale !== undefined && all + quantity > sale.units
                ? 'sale-sold-out'
                : level.available < quantity
                  ? 'sold-out'
                  : 'HELD'
        assert.equal(shop.outcome(orderId), wanted)
      }
    }),
  )
})

const STORIES = {
  HELD: ['stock.reserved.v1 1'],
  COMMITTED: ['stock.reserved.v1 1', 'stock.committed.v1 2'],
  RELEASED: ['stock.reserved.v1 1', 'stock.released.v1 2'],
  REFUSED: ['stock.rejected.v1 1'],
  TOMBSTONE: [],
} satisfies Record<Reservation['state'], string[]>

function reserve(orderId: string, productId: string, quantity: number): Demand & { kind: 'reserve' } {
  return { kind: 'reserve', orderId, productId, quantity }
}

function inSale(
  orderId: string,
  buyerId: string,
  quantity: number,
  terms: { saleId?: string; units: number; limitPerBuyer?: number },
  productId = 'A',
): Demand & { kind: 'reserve' } {
  return { ...reserve(orderId, productId, quantity), sale: { saleId: 'S', buyerId, ...terms } }
}

function commit(orderId: string): Demand & { kind: 'commit' } {
  return { kind: 'commit', orderId }
}

function release(orderId: string, productId: string, quantity: number): Demand & { kind: 'release' } {
  return { kind: 'release', orderId, productId, quantity }
}

function onSale(productId: string, unitsOnSale: number): Demand & { kind: 'restock' } {
  return { kind: 'restock', productId, unitsOnSale }
}

// Few products and orders and little stock, so that demands meet: products run out, orders come twice.
const products = fc.constantFrom('A', 'B', 'C')
const quantities = fc.integer({ min: 1, max: 4 })
const SALES: Readonly<Record<string, { units: number; limitPerBuyer?: number }>> = {
  few: { units: 5, limitPerBuyer: 3 },
  many: { units: 20, limitPerBuyer: 4 },
  unlimited: { units: 8 },
}
/** What an order of a time sale, or of none, has besides. */
const sales = fc
  .tuple(fc.constantFrom(undefined, ...Object.keys(SALES)), fc.constantFrom('kim', 'lee'))
  .map(([saleId, buyerId]) => {
    const terms = saleId === undefined ? undefined : SALES[saleId]
    return saleId === undefined || terms === undefined ? {} : { sale: { saleId, buyerId, ...terms } }
  })
const unitsOnSale = fc.integer({ min: 0, max: 12 })
const restocks = fc.tuple(products, unitsOnSale).map(([productId, units]) => onSale(productId, units))

/** Anything in any order: also commits of what was never asked for, and an id that comes with another body. */
const anyDemands = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: restocks },
    {
      weight: 5,
      arbitrary: fc
        .tuple(fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8'), products, quantities, sales)
        .map(([orderId, productId, quantity, sale]) => ({ ...reserve(orderId, productId, quantity), ...sale })),
    },
    {
      weight: 3,
      arbitrary: fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8').map((orderId) => commit(orderId)),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8'), products, quantities)
        .map(([orderId, productId, quantity]) => release(orderId, productId, quantity)),
    },
  ),
  { maxLength: 40, size: '+1' },
)

/** Orders of few buyers in few time sales, of a product that has enough more often than not; some come to their end. */
const saleDemands = fc.array(
  fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom('A', 'B').map((productId) => onSale(productId, 30)) },
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.nat({ max: 30 }).map(String), fc.constantFrom('A', 'A', 'B'), quantities, sales)
        .map(([orderId, productId, quantity, sale]) => ({ ...reserve(orderId, productId, quantity), ...sale })),
    },
    { weight: 1, arbitrary: fc.nat({ max: 30 }).map((orderId) => commit(String(orderId))) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.nat({ max: 30 }).map(String), fc.constantFrom('A', 'B'), quantities)
        .map(([orderId, productId, quantity]) => release(orderId, productId, quantity)),
    },
  ),
  { maxLength: 60, size: '+1' },
)

/** As topics bring them: restocks in between, and each order's own demands in an order that can happen. */
const orderlyDemands = fc
  .tuple(
    fc.array(
      fc.tuple(
        products,
        quantities,
        sales,
        fc.constantFrom<readonly ('reserve' | 'commit' | 'release')[]>(
          ['reserve'],
          ['reserve', 'commit'],
          ['reserve', 'release'],
          ['release', 'reserve'],
          ['reserve', 'commit', 'release'],
          ['reserve', 'release', 'commit'],
        ),
      ),
      { maxLength: 8, size: '+1' },
    ),
    fc.array(restocks, { maxLength: 6 }),
    fc.array(fc.nat({ max: 1000 }), { maxLength: 30, size: '+1' }),
  )
  .map(([orders, restocked, picks]) => {
    const lives: Demand[][] = orders.map(([productId, quantity, sale, steps], index) =>
      steps.map((kind) => {
        const orderId = String(index)
        if (kind === 'commit') return commit(orderId)
        if (kind === 'release') return release(orderId, productId, quantity)
        return { ...reserve(orderId, productId, quantity), ...sale }
      }),
    )
    return interleave([restocked, ...lives], picks)
  })

const repeats = fc.array(fc.record({ which: fc.nat({ max: 1000 }), later: fc.nat({ max: 1000 }) }), {
  maxLength: 20,
  size: '+1',
})
const cuts = fc.array(fc.nat({ max: 60 }), { maxLength: 8 })

function batchesOf(demands: fc.Arbitrary<Demand[]>): fc.Arbitrary<Demand[][]> {
  return fc.tuple(demands, cuts).map(([all, points]) => cutAt(all, points))
}

function cutAt(demands: readonly Demand[], points: readonly number[]): Demand[][] {
  const at = [0, ...points.map((point) => Math.min(point, demands.length)).toSorted((a, b) => a - b), demands.length]
  return at.slice(1).map((end, index) => demands.slice(at[index], end))
}

function interleave(lists: readonly Demand[][], picks: readonly number[]): Demand[] {
  const left = lists.map((list) => [...list])
  const all: Demand[] = []
  for (const pick of picks) all.push(...(left[pick % left.length]?.splice(0, 1) ?? []))
  return [...all, ...left.flat()]
}

/** The same demands, some of them again at a later place. */
function withRepeats(demands: readonly Demand[], again: readonly { which: number; later: number }[]): Demand[] {
  const all = [...demands]
  for (const { which, later } of again) {
    if (all.length === 0) continue
    const index = which % all.length
    all.splice(index + 1 + (later % (all.length - index)), 0, all[index] as Demand)
  }
  return all
}

function sum(movements: readonly Movement[]): number {
  return movements.reduce((total, { quantity }) => total + quantity, 0)
}

/** What the stock database keeps, in memory: the results of one batch are what the next one finds. */
class Warehouse {
  readonly levels = new Map<string, StockLevel>()
  readonly reservations = new Map<string, Reservation>()
  readonly takings = new Map<string, Taking>()
  readonly facts: Fact[] = []
  readonly movements: Movement[] = []

  work(demands: readonly Demand[]) {
    // Only what the consumer loads: the reservations of these orders, the levels of these products and those they hold.
    const orderIds = new Set(demands.flatMap((demand) => ('orderId' in demand ? [demand.orderId] : [])))
    const reservations = new Map([...this.reservations].filter(([orderId]) => orderIds.has(orderId)))
    const productIds = new Set([
      ...demands.flatMap((demand) => ('productId' in demand ? [demand.productId] : [])),
      ...[...reservations.values()].map(({ productId }) => productId),
    ])
    const levels = new Map([...this.levels].filter(([productId]) => productIds.has(productId)))
    const sold = [
      ...demands.flatMap((demand) => (demand.kind === 'reserve' ? [demand] : [])),
      ...reservations.values(),
    ].flatMap(({ productId, sale }) => (sale === undefined ? [] : [{ productId, ...sale }]))
    const keys = new Set(
      sold.flatMap((one) => [takingKey(one.productId, one), takingKey(one.productId, { ...one, buyerId: ALL_BUYERS })]),
    )
    const takings = new Map([...this.takings].filter(([key]) => keys.has(key)))
    const given = structuredClone({ levels, reservations, takings })

    const allocation = allocate(levels, reservations, takings, demands)

    assert.deepEqual({ levels, reservations, takings }, given)
    for (const [key, taking] of allocation.takings) this.takings.set(key, taking)
    for (const [productId, level] of allocation.levels) this.levels.set(productId, level)
    for (const [orderId, reservation] of allocation.reservations) this.reservations.set(orderId, reservation)
    this.facts.push(...allocation.facts)
    this.movements.push(...allocation.movements)
    return allocation
  }

  level(productId: string) {
    const { initial, available, reserved, sold } = this.levels.get(productId) as StockLevel
    return { initial, available, reserved, sold }
  }

  units(productId: string, state: Reservation['state']): number {
    return [...this.reservations.values()]
      .filter((one) => one.productId === productId && one.state === state)
      .reduce((total, { quantity }) => total + quantity, 0)
  }

  /** Every movement of an order's units, and every announcement, with or without units. */
  changesOf(productId: string): number {
    const moved = this.movements.filter((one) => one.productId === productId && one.kind !== 'RESTOCK')
    return moved.length + this.facts.filter(({ aggregateId }) => aggregateId === productId).length
  }

  /** By one buyer, or by all. */
  taken(productId: string, saleId: string, buyerId: string = ALL_BUYERS): number {
    return this.takings.get(takingKey(productId, { saleId, buyerId }))?.units ?? 0
  }

  mosts(): Record<string, number | null> {
    return Object.fromEntries([...this.takings.values()].map(({ buyerId, most }) => [buyerId, most]))
  }

  /** The state of an order's reservation, or why it was refused. */
  outcome(orderId: string): string | undefined {
    const told = this.facts.find(({ aggregateId }) => aggregateId === orderId)
    return (told?.data as { reason?: string } | undefined)?.reason ?? this.reservations.get(orderId)?.state
  }

  told(orderId: string): string[] {
    return this.facts
      .filter(({ aggregateId, definition }) => aggregateId === orderId && definition.source === '/stock/reservations')
      .map(({ definition, version }) => `${definition.type} ${version}`)
  }
}
