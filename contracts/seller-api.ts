import Type, { type Static } from 'typebox'
import { AccountId, ID_PATTERN, Name, ShopId, Version } from './fields.ts'
import { ShopMember } from './seller-events.ts'

export const CreateShop = Type.Object(
  {
    shopId: Type.Optional(ShopId),
    name: Name,
    owner: Type.Optional(
      Type.String({
        pattern: ID_PATTERN,
        description: 'The account that will own it: by default the caller; another one only where an operator calls',
      }),
    ),
  },
  { additionalProperties: false },
)
export type CreateShop = Static<typeof CreateShop>

export const ChangeShop = Type.Object({ name: Name }, { additionalProperties: false })
export type ChangeShop = Static<typeof ChangeShop>

export const PutMember = Type.Object({ role: ShopMember.properties.role }, { additionalProperties: false })

export const ShopParams = Type.Object({ shopId: ShopId })
export const MemberParams = Type.Object({ shopId: ShopId, accountId: AccountId })

/** A shop as its members see it. */
export const ShopView = Type.Object({
  shopId: ShopId,
  name: Name,
  members: Type.Array(ShopMember, { description: 'In the order of account ids' }),
  version: Version,
})
export type ShopView = Static<typeof ShopView>

export const MemberList = Type.Object({ shopId: ShopId, members: ShopView.properties.members })

export const ListShopsQuery = Type.Object(
  {
    limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|100)$', description: '1 to 100, 50 by default' })),
    after: Type.Optional(Type.String({ pattern: ID_PATTERN, description: 'The last shopId of the page before' })),
  },
  { additionalProperties: false },
)

export const ShopPage = Type.Object({
  shops: Type.Array(ShopView),
  next: Type.Optional(Type.String({ description: '`after` of the next page; absent on the last' })),
})
export type ShopPage = Static<typeof ShopPage>
