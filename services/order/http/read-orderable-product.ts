import { OrderableProduct, ProductParams } from '@timesale/contracts/order-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import type { ServiceParts } from '@timesale/service/service'
import { findOrderable } from '../db/product-copies.ts'

// GET /orderable-products/:productId: whether an order for it would be accepted now, and at what price.
export function readOrderableProductRoute(app: HttpServer, { db }: ServiceParts): void {
  app.get(
    '/orderable-products/:productId',
    {
      schema: {
        summary: 'The price a product is ordered at, once price and stock are known here',
        tags: ['orders'],
        params: ProductParams,
        response: { 200: OrderableProduct, default: Problem },
      },
    },
    async (request) => {
      const { productId } = request.params
      const price = (await findOrderable(db.sql, [productId])).get(productId)
      if (price === undefined) throw new Refusal('product-not-found', { productId })
      return price
    },
  )
}
