import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import { ChangeShop, MemberParams, PutMember, ShopParams, ShopView } from '@timesale/contracts/seller-api'
import { VIEW_TOKEN_HEADER } from '@timesale/contracts/view-token'
import type { HttpServer } from '@timesale/http/server'
import { ownerOf, requireRole, type Principal } from '@timesale/identity/principal'
import { appendToOutbox } from '@timesale/kafka/outbox'
import type { ServiceParts } from '@timesale/service/service'
import { lockShop, saveShop } from '../db/shops.ts'
import { putMember, removeMember, renameShop, requireOwner, viewTokenOf, type Decision, type Shop } from '../shop.ts'

// PUT /shops/:shopId renames it; PUT and DELETE /shops/:shopId/members/:accountId say who may act for it. All of them
// are the same when they are asked for twice.
export function changeShopRoutes(app: HttpServer, parts: ServiceParts): void {
  const route = { tags: ['shops'], response: { 200: ShopView, default: Problem } }

  app.put(
    '/shops/:shopId',
    { schema: { ...route, summary: 'Rename a shop (its members)', params: ShopParams, body: ChangeShop } },
    async (request, reply) => {
      const shop = await change(parts, request, (before) => renameShop(before, request.body.name))
      return reply.header(VIEW_TOKEN_HEADER, viewTokenOf(shop)).send(shop)
    },
  )
  app.put(
    '/shops/:shopId/members/:accountId',
    {
      schema: {
        ...route,
        summary: 'Make an account a member of a shop, or give a member another role (its owners)',
        params: MemberParams,
        body: PutMember,
      },
    },
    async (request, reply) => {
      const { accountId } = request.params
      const shop = await change(parts, request, (before, caller) => {
        requireOwner(before, caller)
        return putMember(before, { accountId, role: request.body.role })
      })
      return reply.header(VIEW_TOKEN_HEADER, viewTokenOf(shop)).send(shop)
    },
  )
  app.delete(
    '/shops/:shopId/members/:accountId',
    { schema: { ...route, summary: 'Remove a member from a shop (its owners)', params: MemberParams } },
    async (request, reply) => {
      const shop = await change(parts, request, (before, caller) => {
        requireOwner(before, caller)
        return removeMember(before, request.params.accountId)
      })
      return reply.header(VIEW_TOKEN_HEADER, viewTokenOf(shop)).send(shop)
    },
  )
}

async function change(
  { db, wakeRelay }: ServiceParts,
  request: {
    readonly params: { readonly shopId: string }
    readonly principal: Principal
    readonly traceparent: string
  },
  decide: (before: Shop, caller: string | undefined) => Decision,
): Promise<Shop> {
  const { principal, traceparent } = request
  const { shopId } = request.params
  requireRole(principal, 'seller')
  const caller = ownerOf(principal)
  const shop = await db.tx(async (tx) => {
    const before = await lockShop(tx, shopId, caller)
    if (before === undefined) throw new Refusal('shop-not-found', { shopId })
    const decision = decide(before, caller)
    if (decision.facts.length > 0) await saveShop(tx, decision.shop)
    await appendToOutbox(tx, decision.facts, { at: new Date(), traceparent })
    return decision.shop
  })
  wakeRelay()
  return shop
}
