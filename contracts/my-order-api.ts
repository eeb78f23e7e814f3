import Type, { type Static } from 'typebox'
import { ID_PATTERN, Instant, Name, OrderId, ProductId, ShopId } from './fields.ts'
import { Notice } from './notification-api.ts'
import { OrderStatusSchema, OrderView } from './order-api.ts'
import { RejectionReason } from './stock-events.ts'

/** What an order's page is put together from, besides the order. */
export const ORDER_PAGE_PARTS = ['product', 'shop', 'notices'] as const
export type OrderPagePart = (typeof ORDER_PAGE_PARTS)[number]

/** As `GET /products/:productId` of the storefront answers; more than this is passed on as it is. */
export const OrderedProduct = Type.Object(
  { productId: ProductId, shopId: Type.Optional(ShopId) },
  { additionalProperties: true },
)
export type OrderedProduct = Static<typeof OrderedProduct>

export const OrderedFrom = Type.Object({ shopId: ShopId, name: Name })
export type OrderedFrom = Static<typeof OrderedFrom>

/** An order with what belongs to it. Null: there is none, or it could not be read, and `missing` names it. */
export const MyOrderView = Type.Object({
  order: OrderView,
  product: Type.Union([OrderedProduct, Type.Null()]),
  shop: Type.Union([OrderedFrom, Type.Null()], { description: 'Whose the product is' }),
  notices: Type.Union([Type.Array(Notice), Type.Null()]),
  missing: Type.Array(
    Type.Object({
      part: Type.Enum([...ORDER_PAGE_PARTS]),
      reason: Type.String({ description: 'Code of a refusal' }),
      retry: Type.Boolean({ description: 'It may be there soon' }),
    }),
  ),
})
export type MyOrderView = Static<typeof MyOrderView>

export const MyOrderParams = Type.Object(
  { orderId: Type.String({ pattern: ID_PATTERN }) },
  { additionalProperties: false },
)

export const ORDER_CHANGES = ['placed', 'confirmed', 'rejected', 'cancelled'] as const

/** `data` of an event of `GET /api/orders/:orderId/events`; its id is the version, its name one of ORDER_CHANGES. */
export const OrderChange = Type.Object({
  orderId: OrderId,
  status: OrderStatusSchema,
  version: Type.Integer(),
  at: Instant,
  reason: Type.Optional(RejectionReason),
})
export type OrderChange = Static<typeof OrderChange>

const lastEventId = Type.String({
  pattern: '^(0|[1-9][0-9]{0,9})$',
  description: 'The id of the last event that was received',
})

/** Where a header cannot be set. The header, which comes from an EventSource that comes back, goes before it. */
export const OrderEventsQuery = Type.Object(
  { lastEventId: Type.Optional(lastEventId) },
  { additionalProperties: false },
)
export const OrderEventsHeaders = Type.Object({ 'last-event-id': Type.Optional(lastEventId) })
