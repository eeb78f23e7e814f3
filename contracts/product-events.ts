import Type from 'typebox'
import { defineEvent } from './event.ts'
import { Currency, PriceMinor, ProductId, ProductName, Sale, ShopId, Units } from './fields.ts'

/** The whole state of a product after a change; the newest version is all a reader needs. */
export const ProductChanged = defineEvent({
  type: 'product.changed.v1',
  topic: 'product-topic',
  source: '/product/products',
  idField: 'productId',
  schema: Type.Object({
    productId: ProductId,
    name: ProductName,
    priceMinor: PriceMinor,
    currency: Currency,
    /** All units ever put on sale, not what is left: that is stock's to know. */
    unitsOnSale: Units,
    /** Whose it is; absent where it belongs to no shop. */
    shopId: Type.Optional(ShopId),
    /** While a product has a time sale it can be ordered inside its window alone, at its price. */
    sale: Type.Optional(Sale),
  }),
})

export const PRODUCT_EVENTS = [ProductChanged] as const
