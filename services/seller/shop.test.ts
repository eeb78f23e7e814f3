import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import { Refusal, type RefusalCode } from '@timesale/contracts/refusals'
import { SHOP_MEMBERS_MAX, ShopChanged, SHOP_ROLES } from '@timesale/contracts/seller-events'
import {
  createShop,
  isSameAsCreated,
  putMember,
  removeMember,
  renameShop,
  requireOwner,
  viewTokenOf,
  type Decision,
  type Shop,
} from './shop.ts'

test('a new shop has one owner, and is told with all of its state', () => {
  const { shop, facts } = createShop('orchard', 'The Orchard', 'mina')

  assert.deepEqual(shop, {
    shopId: 'orchard',
    name: 'The Orchard',
    members: [{ accountId: 'mina', role: 'owner' }],
    version: 1,
  })
  const { version, ...data } = shop
  assert.deepEqual(
    facts.map((one) => [one.definition.type, one.aggregateId, one.version, one.data]),
    [['shop.changed.v1', 'orchard', version, data]],
  )
  assert.equal(viewTokenOf(shop), '/seller/shops/orchard.1')
})

test('creating the same shop again is the same request; after any change or with another wish it is not', () => {
  const shop = setup()

  assert.equal(isSameAsCreated(shop, shop.name, 'mina'), true)
  assert.equal(isSameAsCreated(shop, 'Another', 'mina'), false)
  assert.equal(isSameAsCreated(shop, shop.name, 'joon'), false)
  for (const joined of ['joon', 'nora']) {
    assert.equal(isSameAsCreated(putMember(shop, member(joined)).shop, shop.name, 'mina'), false)
  }
})

test('what is so already is no change: nothing is told', () => {
  const shop = putMember(setup(), member('joon')).shop

  assert.deepEqual(renameShop(shop, shop.name), { shop, facts: [] })
  assert.deepEqual(putMember(shop, member('joon')), { shop, facts: [] })
  assert.deepEqual(removeMember(shop, 'nobody'), { shop, facts: [] })
})

test('the last owner can neither go nor become a member; with another owner both can', () => {
  const shop = putMember(setup(), member('joon')).shop

  refuses(() => removeMember(shop, 'mina'), 'last-owner')
  refuses(() => putMember(shop, member('mina')), 'last-owner')
  const two = putMember(shop, { accountId: 'joon', role: 'owner' }).shop
  assert.deepEqual(removeMember(two, 'mina').shop.members, [{ accountId: 'joon', role: 'owner' }])
  assert.deepEqual(putMember(two, member('mina')).shop.members, [
    { accountId: 'joon', role: 'owner' },
    { accountId: 'mina', role: 'member' },
  ])
})

test('a shop has room for so many members, and one that is in already still takes another role', () => {
  let shop = setup()
  for (let index = 1; index < SHOP_MEMBERS_MAX; index += 1) shop = putMember(shop, member(`m-${index}`)).shop

  refuses(() => putMember(shop, member('one-more')), 'invalid-request')
  assert.equal(putMember(shop, { accountId: 'm-1', role: 'owner' }).facts.length, 1)
})

test('those who are no account become no members', () => {
  for (const name of ['open', 'anonymous']) {
    assert.throws(() => putMember(setup(), member(name)), { about: { errors: [RESERVED] } })
  }
})

test('an owner counts as one, a member and a stranger do not, and whoever may do everything does', () => {
  const shop = putMember(setup(), member('joon')).shop

  requireOwner(shop, 'mina')
  requireOwner(shop, undefined)
  for (const account of ['joon', 'stranger', '']) refuses(() => requireOwner(shop, account), 'forbidden')
})

test('whatever is changed: a fact a change, versions without gap, an owner at all times, each member once, in order', () => {
  const schema = Compile(ShopChanged.schema)
  const accounts = fc.constantFrom('a', 'B', 'c', '~', '1')
  const changes = fc.oneof(
    fc.record({ put: accounts, role: fc.constantFrom(...SHOP_ROLES) }, { noNullPrototype: true }),
    fc.record({ remove: accounts }, { noNullPrototype: true }),
    fc.record({ name: fc.constantFrom('One', 'Two') }, { noNullPrototype: true }),
  )
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 30 }), (wishes) => {
      let shop = createShop('orchard', 'One', 'a').shop
      for (const wish of wishes) {
        const before = Object.freeze(shop)
        const decision = unlessRefused(before, () => {
          if ('name' in wish) return renameShop(before, wish.name)
          if ('remove' in wish) return removeMember(before, wish.remove)
          return putMember(before, { accountId: wish.put, role: wish.role })
        })
        shop = decision.shop
        const { version, ...state } = shop
        assert.equal(version, before.version + decision.facts.length)
        for (const told of decision.facts) {
          assert.deepEqual([told.version, told.data], [version, state])
          assert.equal(schema.Check(told.data), true)
        }
        assert.ok(shop.members.some(({ role }) => role === 'owner'))
        const ids = shop.members.map(({ accountId }) => accountId)
        assert.deepEqual(ids, [...new Set(ids)].sort())
      }
    }),
  )
})

function unlessRefused(shop: Shop, decide: () => Decision): Decision {
  try {
    return decide()
  } catch (error) {
    assert.ok(error instanceof Refusal && error.code === 'last-owner')
    return { shop, facts: [] }
  }
}

function refuses(work: () => unknown, code: RefusalCode): void {
  assert.throws(work, (error) => error instanceof Refusal && error.code === code)
}

function member(accountId: string): { accountId: string; role: 'member' } {
  return { accountId, role: 'member' }
}

function setup(): Shop {
  return createShop('orchard', 'The Orchard', 'mina').shop
}

const RESERVED = { field: 'accountId', message: 'is reserved for those who are not logged in' }
