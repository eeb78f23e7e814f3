import Type, { type Static } from 'typebox'
import { ProductId, Units } from './fields.ts'

export const StockView = Type.Object({
  productId: ProductId,
  /** initial = available + reserved + sold, always. */
  initial: Units,
  available: Units,
  reserved: Units,
  sold: Units,
  version: Type.Integer({ description: 'Rises with every change of the row' }),
})
export type StockView = Static<typeof StockView>
