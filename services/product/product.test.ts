import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import type { Fact } from '@timesale/contracts/event'
import { UNITS_MAX, type Sale } from '@timesale/contracts/fields'
import { ProductChanged } from '@timesale/contracts/product-events'
import { Refusal } from '@timesale/contracts/refusals'
import {
  addUnits,
  changeProduct,
  createProduct,
  isSameAsCreated,
  putSale,
  takeSaleOff,
  viewTokenOf,
  type Decision,
  type Product,
} from './product.ts'

test('a new product is told with all of its state', () => {
  const { wish } = setup()

  const { product, facts } = createProduct('A001', wish)

  assert.deepEqual(product, {
    productId: 'A001',
    name: { ko: '사과', en: 'Apple' },
    priceMinor: 1_500,
    currency: 'KRW',
    unitsOnSale: 10,
    version: 1,
  })
  assert.deepEqual(facts.map(told), [stateOf(product)])
})

test('a product that is created without units has none on sale', () => {
  const { units: _units, ...wish } = setup().wish

  assert.equal(createProduct('A001', wish).product.unitsOnSale, 0)
})

test('creating the same product again is the same request; any other wish under its id is not', () => {
  const { wish, product } = setup()

  assert.equal(isSameAsCreated(product, structuredClone(wish)), true)
  for (const other of [
    { ...wish, name: { ...wish.name, ko: '배' } },
    { ...wish, name: { ...wish.name, en: 'Pear' } },
    { ...wish, priceMinor: 1_501 },
    { ...wish, currency: 'USD' },
    { ...wish, units: 11 },
  ]) {
    assert.equal(isSameAsCreated(product, other), false)
  }
})

test('a product that was created without units is the same as one that was created with 0', () => {
  const { units: _units, ...wish } = setup().wish

  assert.equal(isSameAsCreated(createProduct('A001', wish).product, { ...wish, units: 0 }), true)
  assert.equal(isSameAsCreated(createProduct('A001', { ...wish, units: 0 }).product, wish), true)
})

test('name and price change together or alone, and the rest stays', () => {
  const { product } = setup()
  const name = { ko: '배', en: 'Pear' }

  assert.deepEqual(changeProduct(product, { name }).product, { ...product, name, version: 2 })
  assert.deepEqual(changeProduct(product, { priceMinor: 0 }).product, { ...product, priceMinor: 0, version: 2 })
  assert.deepEqual(changeProduct(product, { name, priceMinor: 9 }).product, {
    ...product,
    name,
    priceMinor: 9,
    version: 2,
  })
})

test('a change to what is there already is no change: nothing is told', () => {
  const { product, wish } = setup()

  for (const same of [{}, { name: { ...wish.name } }, { priceMinor: wish.priceMinor }]) {
    assert.deepEqual(changeProduct(product, same), { product, facts: [] })
  }
})

test('units on sale can be raised up to the most a shop can count, and not by one more', () => {
  const { product } = setup()

  assert.equal(addUnits(product, UNITS_MAX - product.unitsOnSale).product.unitsOnSale, UNITS_MAX)
  assert.throws(
    () => addUnits(product, UNITS_MAX - product.unitsOnSale + 1),
    (error) =>
      error instanceof Refusal &&
      error.code === 'invalid-request' &&
      (error.about['errors'] as { field: string }[])[0]?.field === 'add',
  )
})

test('a product has the shop that it was created for, and the same product in another shop is another one', () => {
  const { wish } = setup()
  const { product } = createProduct('A001', { ...wish, shopId: 'orchard' })

  assert.equal(product.shopId, 'orchard')
  assert.equal(addUnits(changeProduct(product, { priceMinor: 1 }).product, 1).product.shopId, 'orchard')
  assert.equal(isSameAsCreated(product, { ...wish, shopId: 'orchard' }), true)
  assert.equal(isSameAsCreated(product, { ...wish, shopId: 'other' }), false)
  assert.equal(isSameAsCreated(product, wish), false)
  assert.equal(viewTokenOf(product), '/product/products/A001.1')
})

test('a time sale is put on, changed, replaced and taken off, and what is asked for again is no change', () => {
  const { product, sale } = setup()

  const on = putSale(product, sale, NOW).product
  assert.deepEqual(on, { ...product, sale, version: 2 })
  assert.deepEqual(putSale(on, { ...sale }, NOW), { product: on, facts: [] })
  // The same instants in other words.
  const elsewhere = { ...sale, startsAt: '2026-11-21T19:00:00+09:00', endsAt: '2026-11-21t12:00:00.0000z' }
  assert.deepEqual(putSale(on, elsewhere, NOW), { product: on, facts: [] })
  const afterwards = new Date('2027-01-01T00:00:00Z')
  assert.deepEqual(putSale(on, sale, afterwards), { product: on, facts: [] }, 'also after its end')

  const { limitPerBuyer: _limit, ...unlimited } = sale
  for (const other of [
    unlimited,
    { ...sale, limitPerBuyer: 3 },
    { ...sale, units: 4 },
    { ...sale, units: 10 },
    { ...sale, priceMinor: 0 },
    { ...sale, saleId: 'another' },
    { ...sale, endsAt: '2026-11-21T12:00:00.001Z' },
  ]) {
    const changed = putSale(on, other, NOW)
    assert.deepEqual(changed.product, { ...product, sale: other, version: 3 })
    assert.deepEqual(changed.facts.map(told), [stateOf(changed.product)])
  }

  const off = takeSaleOff(on)
  assert.deepEqual(off.product, { ...product, version: 3 })
  assert.equal('sale' in off.product, false)
  assert.deepEqual(takeSaleOff(off.product), { product: off.product, facts: [] })
})

test('a time sale that cannot be is refused by its field', () => {
  const { product, sale } = setup()
  const refused: [Partial<Sale>, string][] = [
    [{ endsAt: sale.startsAt }, 'endsAt'],
    [{ endsAt: '2026-11-21T09:59:59.999Z' }, 'endsAt'],
    [{ endsAt: '2026-12-22T10:00:00.001Z' }, 'endsAt'],
    [{ startsAt: '2026-11-20T00:00:00Z', endsAt: NOW.toISOString() }, 'endsAt'],
    [{ units: 11 }, 'units'],
    [{ priceMinor: 1_501 }, 'priceMinor'],
    [{ limitPerBuyer: 6 }, 'limitPerBuyer'],
    [{ units: 1 }, 'limitPerBuyer'],
    // A leap second is RFC 3339 and no Date; so is a year before the first in UTC.
    [{ startsAt: '2016-12-31T23:59:60Z' }, 'startsAt'],
    [{ endsAt: '2026-12-31T23:59:60Z' }, 'endsAt'],
    [{ startsAt: '0000-01-01T00:00:00Z' }, 'startsAt'],
  ]
  for (const [change, field] of refused) {
    assert.throws(
      () => putSale(product, { ...sale, ...change }, NOW),
      (error) =>
        error instanceof Refusal &&
        error.code === 'invalid-request' &&
        (error.about['errors'] as { field: string }[])[0]?.field === field,
      JSON.stringify(change),
    )
  }
  for (const change of [
    { endsAt: '2026-12-22T10:00:00.000Z' },
    { startsAt: '2026-11-20T00:00:00.000Z', endsAt: new Date(NOW.getTime() + 1).toISOString() },
    { units: 10 },
    { priceMinor: 1_500 },
    { limitPerBuyer: 5 },
  ]) {
    assert.deepEqual(putSale(product, { ...sale, ...change }, NOW).product.sale, { ...sale, ...change })
  }
})

test('whatever is changed, every change has one fact with the whole state, versions have no gap, units only grow', () => {
  const schema = Compile(ProductChanged.schema)
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 20 }), (wishes) => {
      let { product, facts } = createProduct('A001', setup().wish)
      const heard = [...facts]
      for (const wish of wishes) {
        const before = Object.freeze(product)
        ;({ product, facts } = decide(before, wish))
        heard.push(...facts)

        assert.equal(facts.length, product === before ? 0 : 1)
        assert.equal(product.version, before.version + facts.length)
        assert.ok(product.unitsOnSale >= before.unitsOnSale)
        assert.deepEqual(told(heard.at(-1) as Fact), stateOf(product))
      }
      for (const { data } of heard) assert.equal(schema.Check(data), true)
      assert.deepEqual(
        heard.map(({ version }) => version),
        Array.from({ length: product.version }, (_, index) => index + 1),
      )
    }),
  )
})

const names = fc.constantFrom({ ko: '사과', en: 'Apple' }, { ko: '배', en: 'Pear' })
const changes = fc.oneof(
  fc.record({ name: names, priceMinor: fc.nat({ max: 3 }) }, { requiredKeys: [], noNullPrototype: true }),
  fc.record({ add: fc.integer({ min: 1, max: 1_000_000 }) }, { noNullPrototype: true }),
  fc.record({ saleUnits: fc.integer({ min: 2, max: 10 }) }, { noNullPrototype: true }),
  fc.record({ saleOff: fc.constant(true) }, { noNullPrototype: true }),
)

type Wish = { add: number } | { saleUnits: number } | { saleOff: true } | Parameters<typeof changeProduct>[1]

function decide(product: Product, wish: Wish): Decision {
  if ('add' in wish) return addUnits(product, wish.add)
  if ('saleUnits' in wish) return putSale(product, { ...setup().sale, priceMinor: 0, units: wish.saleUnits }, NOW)
  return 'saleOff' in wish ? takeSaleOff(product) : changeProduct(product, wish)
}

function told({ definition, aggregateId, version, data }: Fact) {
  return { type: definition.type, aggregateId, version, data }
}

function stateOf({ version, ...data }: Product) {
  return { type: 'product.changed.v1', aggregateId: data.productId, version, data }
}

const NOW = new Date('2026-11-21T09:00:00.000Z')

function setup() {
  const wish = { name: { ko: '사과', en: 'Apple' }, priceMinor: 1_500, currency: 'KRW', units: 10 }
  const sale: Sale = {
    saleId: 'noon',
    priceMinor: 900,
    units: 5,
    startsAt: '2026-11-21T10:00:00.000Z',
    endsAt: '2026-11-21T12:00:00.000Z',
    limitPerBuyer: 2,
  }
  return { wish, sale, product: createProduct('A001', wish).product }
}
