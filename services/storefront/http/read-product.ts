import { ProductParams } from '@timesale/contracts/order-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import { ProductPageView } from '@timesale/contracts/storefront-api'
import type { HttpServer } from '@timesale/http/server'
import type { RedisStore } from '@timesale/redis/redis-store'
import { awaitToken } from '../redis/await-token.ts'
import type { ProductReads } from '../redis/product-reads.ts'

export function readProductRoute(app: HttpServer, { store, reads }: { store: RedisStore; reads: ProductReads }): void {
  app.get(
    '/products/:productId',
    {
      schema: {
        summary: 'The page of a product',
        params: ProductParams,
        response: { 200: ProductPageView, '4xx': Problem, 503: Problem },
      },
    },
    async (request, reply) => {
      const { productId } = request.params
      if (request.headers['view-token'] !== undefined) await awaitToken(store, request)
      const page = await reads.page(productId)
      if (page === undefined) throw new Refusal('product-not-found', { productId })
      // JSON already: it goes out as it is.
      return reply.header('content-type', 'application/json; charset=utf-8').send(page as never)
    },
  )
}
