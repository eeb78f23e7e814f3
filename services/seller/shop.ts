import { fact, type Fact } from '@timesale/contracts/event'
import { NO_ACCOUNTS } from '@timesale/contracts/fields'
import { Refusal } from '@timesale/contracts/refusals'
import type { ShopView } from '@timesale/contracts/seller-api'
import { SHOP_MEMBERS_MAX, ShopChanged, type ShopMember } from '@timesale/contracts/seller-events'
import { writeViewToken } from '@timesale/contracts/view-token'

export type Shop = ShopView
export type { ShopMember }

/** The shop after a decision, and what the rest of Timesale should hear of it. */
export interface Decision {
  readonly shop: Shop
  readonly facts: readonly Fact[]
}

export function createShop(shopId: string, name: string, owner: string): Decision {
  return told({ shopId, name, members: [{ accountId: owner, role: 'owner' }], version: 1 })
}

/** True where creating it again asks for what is there already: a repeated request, not another shop. */
export function isSameAsCreated(shop: Shop, name: string, owner: string): boolean {
  const [only, ...others] = shop.members
  return shop.name === name && only?.accountId === owner && only.role === 'owner' && others.length === 0
}

export function renameShop(shop: Shop, name: string): Decision {
  return name === shop.name ? { shop, facts: [] } : told({ ...shop, name, version: shop.version + 1 })
}

/** Makes somebody a member, or gives a member another role. Throws `last-owner`, and `invalid-request` when it is full or that is no account. */
export function putMember(shop: Shop, member: ShopMember): Decision {
  if (NO_ACCOUNTS.has(member.accountId)) {
    const errors = [{ field: 'accountId', message: 'is reserved for those who are not logged in' }]
    throw new Refusal('invalid-request', { errors })
  }
  const before = shop.members.find(({ accountId }) => accountId === member.accountId)
  if (before?.role === member.role) return { shop, facts: [] }
  if (before === undefined && shop.members.length >= SHOP_MEMBERS_MAX) {
    const errors = [{ field: 'accountId', message: `is one more than the ${SHOP_MEMBERS_MAX} members a shop may have` }]
    throw new Refusal('invalid-request', { errors })
  }
  return withMembers(shop, [...without(shop, member.accountId), member])
}

/** Who is no member is none afterwards either, so that is no change. Throws `last-owner`. */
export function removeMember(shop: Shop, accountId: string): Decision {
  const members = without(shop, accountId)
  return members.length === shop.members.length ? { shop, facts: [] } : withMembers(shop, members)
}

/** Throws `forbidden` where this account is none of the owners; undefined may do everything. */
export function requireOwner(shop: Shop, accountId: string | undefined): void {
  if (accountId === undefined) return
  if (shop.members.some((one) => one.accountId === accountId && one.role === 'owner')) return
  throw new Refusal('forbidden', {}, 'Only an owner of the shop may do that')
}

/** Names the shop's last fact, for whoever reads it elsewhere next. */
export function viewTokenOf({ shopId, version }: Shop): string {
  return writeViewToken({ source: ShopChanged.source, aggregateId: shopId, version })
}

function without(shop: Shop, accountId: string): ShopMember[] {
  return shop.members.filter((one) => one.accountId !== accountId)
}

function withMembers(shop: Shop, members: ShopMember[]): Decision {
  // Without an owner nobody could ever change its members again.
  if (!members.some(({ role }) => role === 'owner')) throw new Refusal('last-owner', { shopId: shop.shopId })
  const sorted = members.toSorted((one, other) => (one.accountId < other.accountId ? -1 : 1))
  return told({ ...shop, members: sorted, version: shop.version + 1 })
}

function told(shop: Shop): Decision {
  const { version, ...data } = shop
  return { shop, facts: [fact(ShopChanged, { aggregateId: shop.shopId, version, data })] }
}
