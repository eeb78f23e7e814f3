import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import { ProductListQuery, ShopPageView, ShopParams } from '@timesale/contracts/storefront-api'
import type { HttpServer } from '@timesale/http/server'
import type { RedisStore } from '@timesale/redis/redis-store'
import { pageMembers } from '../product-page.ts'
import { awaitToken } from '../redis/await-token.ts'
import { readShop } from '../redis/read-view.ts'

const LIMIT_DEFAULT = 20

export function readShopRoute(app: HttpServer, { store }: { store: RedisStore }): void {
  app.get(
    '/shops/:shopId',
    {
      schema: {
        summary: 'The page of a shop, with its products by id',
        params: ShopParams,
        querystring: ProductListQuery,
        response: { 200: ShopPageView, '4xx': Problem, 503: Problem },
      },
    },
    async (request, reply) => {
      const { shopId } = request.params
      const { cursor = '', limit = LIMIT_DEFAULT } = request.query
      await awaitToken(store, request)
      const { asOf, content } = await readShop(store, shopId, cursor, Number(limit))
      if (content === undefined) throw new Refusal('shop-not-found', { shopId })
      const about = JSON.stringify({ shopId, name: content.name }).slice(1, -1)
      const body = `{${about},${pageMembers({ ...content.list, asOf }, Date.now())}}`
      return reply.header('content-type', 'application/json; charset=utf-8').send(body as never)
    },
  )
}
