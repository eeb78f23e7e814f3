import { Problem } from '@timesale/contracts/problem'
import { ProductListQuery, ProductListView } from '@timesale/contracts/storefront-api'
import type { HttpServer } from '@timesale/http/server'
import type { RedisStore } from '@timesale/redis/redis-store'
import { pageMembers } from '../product-page.ts'
import { awaitToken } from '../redis/await-token.ts'
import { listProducts } from '../redis/read-view.ts'

const LIMIT_DEFAULT = 20

export function listProductsRoute(app: HttpServer, { store }: { store: RedisStore }): void {
  app.get(
    '/products',
    {
      schema: {
        summary: 'Products, by id',
        querystring: ProductListQuery,
        response: { 200: ProductListView, '4xx': Problem, 503: Problem },
      },
    },
    async (request, reply) => {
      const { cursor = '', limit = LIMIT_DEFAULT } = request.query
      await awaitToken(store, request)
      const { asOf, content } = await listProducts(store, cursor, Number(limit))
      const body = `{${pageMembers({ ...content, asOf }, Date.now())}}`
      return reply.header('content-type', 'application/json; charset=utf-8').send(body as never)
    },
  )
}
