import Type, { type Static } from 'typebox'
import { Currency, Instant, ProductId } from './fields.ts'

const total = Type.Integer({ minimum: 0 })

/** What was CONFIRMED within one minute of the event's own time. */
export const SalesMinute = Type.Object({
  minute: Instant,
  currency: Currency,
  orders: total,
  units: total,
  revenueMinor: total,
})
export type SalesMinute = Static<typeof SalesMinute>

export const SalesQuery = Type.Object(
  {
    from: Type.Optional(Type.String({ format: 'date-time', description: 'Inclusive; an hour before `to` by default' })),
    to: Type.Optional(Type.String({ format: 'date-time', description: 'Exclusive; now by default' })),
  },
  { additionalProperties: false },
)

export const TopProduct = Type.Object({
  productId: ProductId,
  currency: Currency,
  orders: total,
  units: total,
  revenueMinor: total,
})
export type TopProduct = Static<typeof TopProduct>

export const TopProductsQuery = Type.Object(
  { limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|100)$', description: '1 to 100, 10 by default' })) },
  { additionalProperties: false },
)
