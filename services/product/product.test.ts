import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import type { Fact } from '@timesale/contracts/event'
import { UNITS_MAX } from '@timesale/contracts/fields'
import { ProductChanged } from '@timesale/contracts/product-events'
import { Refusal } from '@timesale/contracts/refusals'
import { addUnits, changeProduct, createProduct, isSameAsCreated, type Decision, type Product } from './product.ts'

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
)

function decide(product: Product, wish: { add: number } | Parameters<typeof changeProduct>[1]): Decision {
  return 'add' in wish ? addUnits(product, wish.add) : changeProduct(product, wish)
}

function told({ definition, aggregateId, version, data }: Fact) {
  return { type: definition.type, aggregateId, version, data }
}

function stateOf({ version, ...data }: Product) {
  return { type: 'product.changed.v1', aggregateId: data.productId, version, data }
}

function setup() {
  const wish = { name: { ko: '사과', en: 'Apple' }, priceMinor: 1_500, currency: 'KRW', units: 10 }
  return { wish, product: createProduct('A001', wish).product }
}
