import Type, { type Static } from 'typebox'

// The fields that HTTP bodies and events share. Ids are URL-safe (RFC 3986 unreserved) and never need escaping.

// Not `.` and `..`: as a part of a path these two mean another place (RFC 3986, 5.2.4), and most clients go there.
export const ID_PATTERN = '^(?!\\.{1,2}$)[A-Za-z0-9._~-]{1,64}$'

export const OrderId = Type.String({ pattern: ID_PATTERN, description: 'The order id, and the key of the request' })
export const ProductId = Type.String({ pattern: ID_PATTERN, description: 'The product id' })
export const BuyerId = Type.String({ pattern: ID_PATTERN, description: 'Who buys; `open` where nobody is logged in' })
export const AccountId = Type.String({ pattern: ID_PATTERN, description: 'The account id' })
/** What callers are called who are no account; no account may be called so. */
export const NO_ACCOUNTS: ReadonlySet<string> = new Set(['open', 'anonymous'])
export const ShopId = Type.String({ pattern: ID_PATTERN, description: 'The shop id' })
export const SaleId = Type.String({ pattern: ID_PATTERN, description: 'The id of a time sale of one product' })
export const Quantity = Type.Integer({ minimum: 1, maximum: 1000, description: 'Units' })
export const Currency = Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217 code' })
export const PriceMinor = Type.Integer({
  minimum: 0,
  maximum: 1_000_000_000_000,
  description: 'Minor units of the currency (ISO 4217 exponent: 0 for KRW, 2 for USD)',
})
export const UNITS_MAX = 1_000_000_000
export const Units = Type.Integer({ minimum: 0, maximum: UNITS_MAX, description: 'Units' })
export const Version = Type.Integer({ minimum: 1, description: 'Counts the facts of one aggregate from 1' })
export const Instant = Type.String({ format: 'date-time', description: 'RFC 3339, UTC' })
/** For people to read: anything but control characters. */
export const Name = Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000-\\u001f\\u007f]+$' })

export const ProductName = Type.Object(
  { ko: Name, en: Name },
  { additionalProperties: false, description: 'The name in Korean and in English' },
)

/** A time sale: for a while, so many units at another price. Half-open: from `startsAt` until just before `endsAt`. */
export const Sale = Type.Object(
  {
    saleId: SaleId,
    priceMinor: PriceMinor,
    units: Type.Integer({ minimum: 1, maximum: UNITS_MAX, description: 'How many may be sold in it' }),
    startsAt: Instant,
    endsAt: Instant,
    limitPerBuyer: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: UNITS_MAX,
        description: 'Units one buyer may have of it; no limit if absent',
      }),
    ),
  },
  { additionalProperties: false },
)
export type Sale = Static<typeof Sale>
