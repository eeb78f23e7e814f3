import { Problem } from '@timesale/contracts/problem'
import { ProductSearchQuery, SearchView } from '@timesale/contracts/storefront-api'
import type { HttpServer } from '@timesale/http/server'
import type { RedisStore } from '@timesale/redis/redis-store'
import { pageMembers } from '../product-page.ts'
import { awaitToken } from '../redis/await-token.ts'
import { searchProducts } from '../redis/read-view.ts'
import { searchPrefixes } from '../search-terms.ts'

const LIMIT_DEFAULT = 20

export function searchProductsRoute(app: HttpServer, { store }: { store: RedisStore }): void {
  app.get(
    '/search',
    {
      schema: {
        summary: 'Products that have words which begin like these',
        querystring: ProductSearchQuery,
        response: { 200: SearchView, '4xx': Problem, 503: Problem },
      },
    },
    async (request, reply) => {
      const { q, limit = LIMIT_DEFAULT } = request.query
      await awaitToken(store, request)
      const { asOf, content } = await searchProducts(store, searchPrefixes(q), Number(limit))
      const body = `{${pageMembers({ products: content, next: undefined, asOf }, Date.now())}}`
      return reply.header('content-type', 'application/json; charset=utf-8').send(body as never)
    },
  )
}
