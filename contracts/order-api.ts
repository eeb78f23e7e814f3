import Type, { type Static } from 'typebox'
import { BuyerId, Currency, ID_PATTERN, Instant, OrderId, PriceMinor, ProductId, Quantity, SaleId } from './fields.ts'
import { SaleTerms } from './order-events.ts'
import { RejectionReason } from './stock-events.ts'

export const ORDER_STATUSES = ['PLACED', 'CONFIRMED', 'REJECTED', 'CANCELLED'] as const
export type OrderStatus = (typeof ORDER_STATUSES)[number]

export const OrderStatusSchema = Type.Enum([...ORDER_STATUSES])

export const PlaceOrder = Type.Object(
  {
    orderId: Type.Optional(OrderId),
    productId: ProductId,
    quantity: Quantity,
    buyerId: Type.Optional(BuyerId),
  },
  { additionalProperties: false },
)
export type PlaceOrder = Static<typeof PlaceOrder>

export const IDEMPOTENCY_KEY_HEADER = 'idempotency-key'

/** Taken as it comes, quotes and all: the same characters are the same key. */
export const PlaceOrderHeaders = Type.Object({
  [IDEMPOTENCY_KEY_HEADER]: Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,255}$',
      description: "The buyer's own name of the request: 1 to 255 visible ASCII characters",
    }),
  ),
})

/** The same bytes each time the same order is sent. */
export const PlaceOrderAnswer = Type.Object({ orderId: OrderId, status: Type.Literal('PLACED') })

export const OrderView = Type.Object({
  orderId: OrderId,
  buyerId: BuyerId,
  productId: ProductId,
  quantity: Quantity,
  unitPriceMinor: PriceMinor,
  currency: Currency,
  status: OrderStatusSchema,
  saleId: Type.Optional(SaleId),
  reason: Type.Optional(RejectionReason),
  history: Type.Array(
    Type.Object({
      version: Type.Integer(),
      status: OrderStatusSchema,
      at: Instant,
      cause: Type.String({ description: 'The request or the event that led to it' }),
    }),
  ),
})
export type OrderView = Static<typeof OrderView>

export const OrderSummary = Type.Object({
  orderId: OrderId,
  buyerId: BuyerId,
  productId: ProductId,
  quantity: Quantity,
  unitPriceMinor: PriceMinor,
  currency: Currency,
  status: OrderStatusSchema,
  saleId: Type.Optional(SaleId),
  placedAt: Instant,
})
export type OrderSummary = Static<typeof OrderSummary>

export const ListOrdersQuery = Type.Object(
  {
    limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|100)$', description: '1 to 100, 20 by default' })),
    cursor: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,256}$', description: '`next` of the page before' })),
  },
  { additionalProperties: false },
)

export const CancelOrderAnswer = Type.Object({ orderId: OrderId, status: Type.Literal('CANCELLED') })

export const OrderPage = Type.Object({
  orders: Type.Array(OrderSummary),
  next: Type.Optional(Type.String({ description: 'Absent on the last page' })),
})
export type OrderPage = Static<typeof OrderPage>

export const OrderParams = Type.Object(
  { orderId: Type.String({ pattern: ID_PATTERN }) },
  { additionalProperties: false },
)
export const ProductParams = Type.Object(
  { productId: Type.String({ pattern: ID_PATTERN }) },
  { additionalProperties: false },
)

export const OrderableProduct = Type.Object({
  productId: ProductId,
  unitPriceMinor: PriceMinor,
  currency: Currency,
  /** It can be ordered in this window alone, at the price above. */
  sale: Type.Optional(Type.Object({ ...SaleTerms.properties, startsAt: Instant, endsAt: Instant })),
})
export type OrderableProduct = Static<typeof OrderableProduct>
