import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { accountsOf, namesOf } from './options.ts'

const through = 'gateway'
const USUAL = { buyers: 20_000, ordersPerSecond: 1_000 }

test('buyers through the gateway share as many accounts as get in, and two at least', () => {
  assert.equal(accountsOf({}, USUAL), undefined)
  assert.equal(accountsOf({ through }, USUAL), 300)
  assert.equal(accountsOf({ through }, { buyers: 1, ordersPerSecond: 1 }), 2)
  assert.equal(accountsOf({ through, accounts: '2' }, { buyers: 20, ordersPerSecond: 1 }), 2)
  const wide = fc.integer({ min: 1, max: 1_000_000 })
  fc.assert(
    fc.property(wide, fc.integer({ min: 1, max: 50_000 }), (buyers, ordersPerSecond) => {
      fc.pre(buyers / ordersPerSecond <= 600)
      assert.ok((accountsOf({ through }, { buyers, ordersPerSecond }) ?? 0) >= 2)
    }),
  )
})

test('so few accounts that their buyers would give up are refused, with how many are enough', () => {
  const refused = (accounts: string, words: RegExp) =>
    assert.throws(() => accountsOf({ through, accounts }, USUAL), words)
  refused('1', /'--accounts' must be a whole number from 2 to 20000, not '1'/)
  refused('2', /with 2 accounts buyers would give up .* Take --accounts 53 or more/)
  refused('52', /--accounts 53/)
  assert.equal(accountsOf({ through, accounts: '53' }, USUAL), 53)
})

test('parts to kill are named in one list or in several', () => {
  assert.deepEqual(namesOf(), [])
  assert.deepEqual(namesOf(['stock, redis']), ['stock', 'redis'])
  assert.deepEqual(namesOf(['stock', 'redis,order']), ['stock', 'redis', 'order'])
  assert.throws(() => namesOf(['stock', 'redis,']), /names with commas between, not 'redis,'/)
})
