import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import { ListShopsQuery, MemberList, ShopPage, ShopParams, ShopView } from '@timesale/contracts/seller-api'
import type { HttpServer } from '@timesale/http/server'
import { ownerOf, type Principal } from '@timesale/identity/principal'
import type { ServiceParts } from '@timesale/service/service'
import { findShop, listShops } from '../db/shops.ts'
import type { Shop } from '../shop.ts'

const DEFAULT_LIMIT = 50

// GET /shops by id, a page at a time; GET /shops/:shopId; GET /shops/:shopId/members. An account sees the shops that it is
// a member of: what the public reads is the storefront's to show.
export function readShopRoutes(app: HttpServer, { db }: ServiceParts): void {
  const find = async (shopId: string, principal: Principal): Promise<Shop> => {
    const shop = await findShop(db.sql, shopId, ownerOf(principal))
    if (shop === undefined) throw new Refusal('shop-not-found', { shopId })
    return shop
  }

  app.get(
    '/shops',
    {
      schema: {
        summary: 'The shops that one is a member of; for an operator all',
        tags: ['shops'],
        querystring: ListShopsQuery,
        response: { 200: ShopPage, default: Problem },
      },
    },
    async (request) => {
      const limit = Number(request.query.limit ?? DEFAULT_LIMIT)
      const page = { after: request.query.after ?? '', limit: limit + 1 }
      const found = await listShops(db.sql, ownerOf(request.principal), page)
      const shops = found.slice(0, limit)
      const last = shops.at(-1)
      return found.length > limit && last !== undefined ? { shops, next: last.shopId } : { shops }
    },
  )
  app.get(
    '/shops/:shopId',
    {
      schema: {
        summary: 'One shop',
        tags: ['shops'],
        params: ShopParams,
        response: { 200: ShopView, default: Problem },
      },
    },
    (request) => find(request.params.shopId, request.principal),
  )
  app.get(
    '/shops/:shopId/members',
    {
      schema: {
        summary: 'Who may act for a shop',
        tags: ['shops'],
        params: ShopParams,
        response: { 200: MemberList, default: Problem },
      },
    },
    async (request) => {
      const { shopId, members } = await find(request.params.shopId, request.principal)
      return { shopId, members }
    },
  )
}
