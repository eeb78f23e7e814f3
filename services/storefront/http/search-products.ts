import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import { ProductSearchQuery, SearchView } from '@timesale/contracts/storefront-api'
import type { HttpServer } from '@timesale/http/server'
import type { RedisStore } from '@timesale/redis/redis-store'
import { pageMembers } from '../product-page.ts'
import { awaitToken } from '../redis/await-token.ts'
import { searchProducts } from '../redis/read-view.ts'
import { searchCursor, searchPlace, searchPrefixes } from '../search-terms.ts'

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
      const { q, cursor, limit = LIMIT_DEFAULT } = request.query
      const prefixes = searchPrefixes(q)
      const after = cursor === undefined ? '' : placeOf(cursor, prefixes)
      await awaitToken(store, request)
      const { asOf, content } = await searchProducts(store, prefixes, after, Number(limit))
      const next = content.next === undefined ? undefined : searchCursor(content.next)
      const body = `{${pageMembers({ products: content.products, next, asOf }, Date.now())}}`
      return reply.header('content-type', 'application/json; charset=utf-8').send(body as never)
    },
  )
}

function placeOf(cursor: string, prefixes: readonly string[]): string {
  const place = searchPlace(cursor, prefixes)
  if (place !== undefined) return place
  const message = 'is none that a page of this search has named'
  throw new Refusal('invalid-request', { errors: [{ field: 'cursor', message }] }, `cursor ${message}`)
}
