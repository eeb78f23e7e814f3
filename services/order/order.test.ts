import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import type { Fact } from '@timesale/contracts/event'
import { Refusal } from '@timesale/contracts/refusals'
import { cancelOrder, confirmOrder, placeOrder, rejectOrder, type Decision, type Order } from './order.ts'

test('an order is accepted as PLACED, and its first fact tells all of it', () => {
  const { wish } = setup()

  const { order, facts } = placeOrder(wish)

  assert.deepEqual(order, { ...wish, status: 'PLACED', version: 1 })
  assert.deepEqual(facts.map(told), [{ type: 'order.placed.v1', aggregateId: 'o-1', version: 1, data: wish }])
})

test('an order of a time sale remembers which, and its first fact alone tells the terms', () => {
  const { wish } = setup()
  for (const sale of [
    { saleId: 's-1', units: 10 },
    { saleId: 's-1', units: 10, limitPerBuyer: 2 },
  ]) {
    const { order, facts } = placeOrder(wish, sale)

    assert.deepEqual(order, { ...wish, status: 'PLACED', version: 1, saleId: 's-1' })
    assert.deepEqual(facts.map(told), [
      { type: 'order.placed.v1', aggregateId: 'o-1', version: 1, data: { ...wish, sale } },
    ])
    for (const { order: decided, facts: later } of [
      confirmOrder(order),
      rejectOrder(order, 'sale-sold-out'),
      cancelOrder(order),
    ]) {
      assert.equal(decided.saleId, 's-1')
      assert.deepEqual(
        later.map((one) => Object.keys(told(one).data as object).filter((field) => /sale/.test(field))),
        [[]],
      )
    }
  }
})

test('stock has set the goods aside, so the order is confirmed', () => {
  const { placed, wish } = setup()

  const { order, facts } = confirmOrder(placed)

  assert.deepEqual(order, { ...placed, status: 'CONFIRMED', version: 2 })
  assert.deepEqual(facts.map(told), [{ type: 'order.confirmed.v1', aggregateId: 'o-1', version: 2, data: wish }])
})

test('stock has nothing left, so the order is rejected for the reason that stock gave', () => {
  const { placed, wish } = setup()

  for (const reason of ['sold-out', 'unknown-product'] as const) {
    const { order, facts } = rejectOrder(placed, reason)

    assert.deepEqual(order, { ...placed, status: 'REJECTED', version: 2 })
    assert.deepEqual(facts.map(told), [
      { type: 'order.rejected.v1', aggregateId: 'o-1', version: 2, data: { ...wish, reason } },
    ])
  }
})

test('a buyer may give up an order that stock has not decided', () => {
  const { placed, wish } = setup()

  const { order, facts } = cancelOrder(placed)

  assert.deepEqual(order, { ...placed, status: 'CANCELLED', version: 2 })
  assert.deepEqual(facts.map(told), [
    { type: 'order.cancelled.v1', aggregateId: 'o-1', version: 2, data: { ...wish, reason: 'buyer' } },
  ])
})

test('a buyer who cancels what is decided is refused', () => {
  const { placed } = setup()

  for (const { order } of [confirmOrder(placed), rejectOrder(placed, 'sold-out'), cancelOrder(placed)]) {
    assert.throws(
      () => cancelOrder(order),
      (error) =>
        error instanceof Refusal && error.code === 'order-not-cancellable' && error.about['orderId'] === order.orderId,
    )
  }
})

test('whatever happens to an order in whatever order, it reaches one terminal state and stays there', () => {
  fc.assert(
    fc.property(wishes, fc.array(happenings, { maxLength: 12 }), (wish, happened) => {
      const story = live(wish, happened)

      const ends = story.states.filter(({ status }) => status !== 'PLACED')
      assert.equal(new Set(ends.map(({ status }) => status)).size, happened.length === 0 ? 0 : 1)
      for (const end of ends) assert.deepEqual(end, ends[0])
      assert.equal(story.facts.length, happened.length === 0 ? 1 : 2)
      // The first one to decide wins: nothing that comes later matters.
      const [first] = happened
      if (first !== undefined) assert.equal(story.order.status, OUTCOMES[first])
    }),
  )
})

test('every change of an order has one fact, with the version and the state that the order then has', () => {
  fc.assert(
    fc.property(wishes, fc.array(happenings, { maxLength: 12 }), (wish, happened) => {
      const { order, facts, changes } = live(wish, happened)

      assert.deepEqual(
        facts.map(({ version }) => version),
        Array.from({ length: order.version }, (_, index) => index + 1),
      )
      assert.deepEqual(
        facts.map(({ version, definition }) => [version, definition.type]),
        changes.map(({ version, status }) => [version, `order.${status.toLowerCase()}.v1`]),
      )
      for (const fact of facts) {
        assert.equal(fact.aggregateId, wish.orderId)
        assert.equal(Compile(fact.definition.schema).Check(fact.data), true)
        assert.partialDeepStrictEqual(fact.data, wish)
      }
    }),
  )
})

test('after a decision, answers of stock that are repeated, reordered or contrary change nothing', () => {
  fc.assert(
    fc.property(
      wishes,
      happenings,
      fc.array(fc.constantFrom('reserved', 'sold-out', 'unknown-product'), { minLength: 1, maxLength: 20 }),
      (wish, first, answers) => {
        const decided = live(wish, [first]).order

        for (const answer of answers) {
          const { order, facts } = decide(decided, answer)

          assert.equal(order, decided)
          assert.deepEqual(facts, [])
        }
      },
    ),
  )
})

type Happening = 'reserved' | 'sold-out' | 'unknown-product' | 'cancelled'

const OUTCOMES = {
  reserved: 'CONFIRMED',
  'sold-out': 'REJECTED',
  'unknown-product': 'REJECTED',
  cancelled: 'CANCELLED',
} as const satisfies Record<Happening, Order['status']>

const happenings = fc.constantFrom<Happening>('reserved', 'sold-out', 'unknown-product', 'cancelled')

const ids = fc.stringMatching(/^[A-Za-z0-9._~-]{1,64}$/).filter((id) => id !== '.' && id !== '..')
const wishes = fc.record(
  {
    orderId: ids,
    buyerId: ids,
    productId: ids,
    quantity: fc.integer({ min: 1, max: 1000 }),
    unitPriceMinor: fc.integer({ min: 0, max: 1_000_000_000_000 }),
    currency: fc.constantFrom('KRW', 'USD'),
  },
  { noNullPrototype: true },
)

function decide(order: Order, happening: Happening): Decision {
  switch (happening) {
    case 'reserved':
      return confirmOrder(order)
    case 'sold-out':
    case 'unknown-product':
      return rejectOrder(order, happening)
    case 'cancelled':
      return cancelOrder(order)
  }
}

/** One order's life: every state after each happening, and each change with its facts. A refusal changes nothing. */
function live(wish: Omit<Order, 'status' | 'version'>, happened: readonly Happening[]) {
  const { order: placed, facts } = placeOrder(wish)
  const story = { order: Object.freeze(placed), states: [placed], changes: [placed], facts: [...facts] as Fact[] }
  for (const happening of happened) {
    try {
      // Frozen, so that a decision that wrote into the order it was given would throw.
      const { order, facts } = decide(story.order, happening)
      if (order !== story.order) story.changes.push(order)
      story.order = Object.freeze(order)
      story.facts.push(...facts)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
    }
    story.states.push(story.order)
  }
  return story
}

function told({ definition, aggregateId, version, data }: Fact) {
  return { type: definition.type, aggregateId, version, data }
}

function setup() {
  const wish = {
    orderId: 'o-1',
    buyerId: 'open',
    productId: 'A001',
    quantity: 2,
    unitPriceMinor: 12_900,
    currency: 'KRW',
  }
  return { wish, placed: placeOrder(wish).order }
}
