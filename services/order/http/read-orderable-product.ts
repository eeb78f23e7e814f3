import { OrderableProduct, ProductParams } from '@timesale/contracts/order-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import type { ServiceParts } from '@timesale/service/service'
import { findOffers } from '../db/product-copies.ts'
import { toInstant } from '../sale.ts'

// GET /orderable-products/:productId, for anybody: whether it can be ordered, at what price, and in which time sale.
export function readOrderableProductRoute(app: HttpServer, { db }: ServiceParts): void {
  app.get(
    '/orderable-products/:productId',
    {
      schema: {
        summary: 'The price a product is ordered at, and its time sale, once price and stock are known here',
        tags: ['orders'],
        params: ProductParams,
        response: { 200: OrderableProduct, default: Problem },
      },
    },
    async (request) => {
      const { productId } = request.params
      const offer = (await findOffers(db.sql, [productId])).byProduct.get(productId)
      if (offer === undefined) throw new Refusal('product-not-found', { productId })
      const { sale, ...price } = offer
      if (sale === undefined) return price
      const { terms, startsAtMs, endsAtMs } = sale
      return { ...price, sale: { ...terms, startsAt: toInstant(startsAtMs), endsAt: toInstant(endsAtMs) } }
    },
  )
}
