import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import type { EventDefinition, Fact } from '@timesale/contracts/event'
import { STOCK_EVENTS } from '@timesale/contracts/stock-events'
import { allocate, type Demand, type Movement, type Reservation, type StockLevel } from './stock.ts'

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
        const { orderId, productId, quantity } = demand
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

  assert.throws(() => allocate(new Map(), new Map([['o', held]]), [commit('o')]), /Order o holds units of A/)
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
const unitsOnSale = fc.integer({ min: 0, max: 12 })
const restocks = fc.tuple(products, unitsOnSale).map(([productId, units]) => onSale(productId, units))

/** Anything in any order: also commits of what was never asked for, and an id that comes with another body. */
const anyDemands = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: restocks },
    {
      weight: 5,
      arbitrary: fc
        .tuple(fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8'), products, quantities)
        .map(([orderId, productId, quantity]) => reserve(orderId, productId, quantity)),
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

/** As topics bring them: restocks in between, and each order's own demands in an order that can happen. */
const orderlyDemands = fc
  .tuple(
    fc.array(
      fc.tuple(
        products,
        quantities,
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
    const lives: Demand[][] = orders.map(([productId, quantity, steps], index) =>
      steps.map((kind) => {
        const orderId = String(index)
        if (kind === 'commit') return commit(orderId)
        return kind === 'reserve' ? reserve(orderId, productId, quantity) : release(orderId, productId, quantity)
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
    const given = structuredClone({ levels, reservations })

    const allocation = allocate(levels, reservations, demands)

    assert.deepEqual({ levels, reservations }, given)
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

  told(orderId: string): string[] {
    return this.facts
      .filter(({ aggregateId, definition }) => aggregateId === orderId && definition.source === '/stock/reservations')
      .map(({ definition, version }) => `${definition.type} ${version}`)
  }
}
