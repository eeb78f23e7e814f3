import Type, { type Static } from 'typebox'
import { defineEvent } from './event.ts'
import { AccountId, Name, ShopId } from './fields.ts'

/** Owners decide who is a member; both may change the shop's products. */
export const SHOP_ROLES = ['owner', 'member'] as const

export const ShopMember = Type.Object(
  { accountId: AccountId, role: Type.Enum([...SHOP_ROLES]) },
  { additionalProperties: false },
)
export type ShopMember = Static<typeof ShopMember>

/** More would not fit into one record some day (a value has 256 KB at most). */
export const SHOP_MEMBERS_MAX = 500

/** The whole state of a shop after a change; the newest version is all a reader needs. */
export const ShopChanged = defineEvent({
  type: 'shop.changed.v1',
  topic: 'seller-topic',
  source: '/seller/shops',
  idField: 'shopId',
  schema: Type.Object({ shopId: ShopId, name: Name, members: Type.Array(ShopMember) }),
})

export const SELLER_EVENTS = [ShopChanged] as const
