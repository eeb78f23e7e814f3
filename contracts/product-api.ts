import Type, { type Static } from 'typebox'
import { Currency, ID_PATTERN, PriceMinor, ProductId, ProductName, Sale, ShopId, Units, Version } from './fields.ts'

export const CreateProduct = Type.Object(
  {
    productId: Type.Optional(ProductId),
    name: ProductName,
    priceMinor: PriceMinor,
    currency: Currency,
    units: Type.Optional(Units),
    shopId: Type.Optional(
      Type.String({
        pattern: ID_PATTERN,
        description: 'Whose it is, for good. Needed where an account calls that is no operator',
      }),
    ),
  },
  { additionalProperties: false },
)
export type CreateProduct = Static<typeof CreateProduct>

export const ChangeProduct = Type.Object(
  { name: Type.Optional(ProductName), priceMinor: Type.Optional(PriceMinor) },
  { additionalProperties: false, minProperties: 1 },
)
export type ChangeProduct = Static<typeof ChangeProduct>

export const AddUnits = Type.Object(
  { add: Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Units to put on sale besides those before' }) },
  { additionalProperties: false },
)
export type AddUnits = Static<typeof AddUnits>

export const ProductView = Type.Object({
  productId: ProductId,
  name: ProductName,
  priceMinor: PriceMinor,
  currency: Currency,
  unitsOnSale: Units,
  shopId: Type.Optional(ShopId),
  sale: Type.Optional(Sale),
  version: Version,
})
export type ProductView = Static<typeof ProductView>

export const ListProductsQuery = Type.Object(
  {
    limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|100)$', description: '1 to 100, 50 by default' })),
    after: Type.Optional(Type.String({ pattern: ID_PATTERN, description: 'The last productId of the page before' })),
  },
  { additionalProperties: false },
)

export const ProductPage = Type.Object({
  products: Type.Array(ProductView),
  next: Type.Optional(Type.String({ description: '`after` of the next page; absent on the last' })),
})
export type ProductPage = Static<typeof ProductPage>
