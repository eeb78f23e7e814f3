import Type, { type Static } from 'typebox'
import {
  Currency,
  ID_PATTERN,
  Instant,
  Name,
  OrderId,
  PriceMinor,
  ProductId,
  ProductName,
  Quantity,
  Sale,
  ShopId,
  Version,
} from './fields.ts'
import { OrderStatusSchema } from './order-api.ts'

const asOf = Type.Optional(
  Type.String({ format: 'date-time', description: 'When the newest event that this view knows of happened' }),
)
const next = Type.Optional(Type.String({ description: '`cursor` of the next page; absent on the last' }))
const count = Type.Integer({ minimum: 0 })

export const SALE_STATES = ['upcoming', 'running', 'ended'] as const

/** A time sale as it is at this moment, by the clock of the service. */
export const SaleView = Type.Object({
  ...Sale.properties,
  state: Type.Enum([...SALE_STATES]),
  startsInMs: Type.Integer({ minimum: 0, description: '0 once it has begun' }),
  endsInMs: Type.Integer({ minimum: 0, description: '0 once it has ended' }),
  unitsLeft: count,
})

const product = {
  productId: ProductId,
  name: ProductName,
  priceMinor: PriceMinor,
  currency: Currency,
  shopId: Type.Optional(ShopId),
  version: Version,
  stockLeft: Type.Integer({ minimum: 0, description: 'Units that are neither set aside nor sold' }),
  sale: Type.Optional(SaleView),
}
const ProductSummary = Type.Object(product)

export const ProductPageView = Type.Object({ ...product, asOf })
export type ProductPageView = Static<typeof ProductPageView>

export const ProductListView = Type.Object({ products: Type.Array(ProductSummary), next, asOf })
export type ProductListView = Static<typeof ProductListView>

export const SearchView = Type.Object({
  products: Type.Array(ProductSummary),
  next: Type.Optional(
    Type.String({
      description:
        '`cursor` of the next page; absent on the last. A page may be short, or empty, and have one: so much is looked at for each',
    }),
  ),
  asOf,
})
export type SearchView = Static<typeof SearchView>

export const ShopPageView = Type.Object({
  shopId: ShopId,
  name: Name,
  products: Type.Array(ProductSummary),
  next,
  asOf,
})
export type ShopPageView = Static<typeof ShopPageView>

export const OwnOrder = Type.Object({
  orderId: OrderId,
  productId: ProductId,
  quantity: Quantity,
  unitPriceMinor: PriceMinor,
  currency: Currency,
  status: OrderStatusSchema,
  placedAt: Instant,
  /** When the status became what it is. */
  changedAt: Instant,
})

export const OwnOrdersView = Type.Object({ orders: Type.Array(OwnOrder), next, asOf })
export type OwnOrdersView = Static<typeof OwnOrdersView>

const limit = Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|100)$', description: '1 to 100, 20 by default' }))
const cursor = Type.Optional(Type.String({ pattern: ID_PATTERN, description: '`next` of the page before' }))

export const ProductListQuery = Type.Object({ limit, cursor }, { additionalProperties: false })

export const ProductSearchQuery = Type.Object(
  {
    q: Type.String({
      minLength: 1,
      maxLength: 100,
      pattern: '^[^\\u0000-\\u001f\\u007f]+$',
      description: 'Beginnings of words of the name, in Korean or English; of Korean words also initial consonants',
    }),
    limit,
    cursor: Type.Optional(
      Type.String({ pattern: '^[A-Za-z0-9_-]{4,600}$', description: '`next` of the page before, of the same `q`' }),
    ),
  },
  { additionalProperties: false },
)

export const ShopParams = Type.Object({ shopId: Type.String({ pattern: ID_PATTERN }) }, { additionalProperties: false })

export const OwnOrdersQuery = Type.Object(
  {
    limit,
    cursor: Type.Optional(
      Type.String({ pattern: '^[0-9]{15}~[A-Za-z0-9._~-]{1,64}$', description: '`next` of the page before' }),
    ),
    buyerId: Type.Optional(
      Type.String({
        pattern: ID_PATTERN,
        description: "Whose, for operators and where nobody is logged in; one's own by default",
      }),
    ),
  },
  { additionalProperties: false },
)

const generation = Type.Object({
  generation: Type.String(),
  done: Type.Integer({ description: 'Records applied' }),
  total: Type.Optional(Type.Integer({ description: 'Records on the topics, when last looked at' })),
  percent: Type.Optional(Type.Integer()),
  lagRecords: Type.Optional(Type.Integer()),
  asOf,
})

/** What is served, and what is being built to take its place. */
export const ViewState = Type.Object({ served: Type.Optional(generation), building: Type.Optional(generation) })
export type ViewState = Static<typeof ViewState>
