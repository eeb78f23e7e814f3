import Type from 'typebox'

// The fields that HTTP bodies and events share. Ids are URL-safe (RFC 3986 unreserved) and never need escaping.

export const ID_PATTERN = '^[A-Za-z0-9._~-]{1,64}$'

export const OrderId = Type.String({ pattern: ID_PATTERN, description: 'The order id, and the key of the request' })
export const ProductId = Type.String({ pattern: ID_PATTERN, description: 'The product id' })
export const BuyerId = Type.String({ pattern: ID_PATTERN, description: 'Who buys; `open` where nobody is logged in' })
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
const Name = Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000-\\u001f\\u007f]+$' })

export const ProductName = Type.Object(
  { ko: Name, en: Name },
  { additionalProperties: false, description: 'The name in Korean and in English' },
)
