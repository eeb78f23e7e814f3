import { randomUUIDv7 } from 'node:crypto'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import { CreateShop, ShopView } from '@timesale/contracts/seller-api'
import type { HttpServer } from '@timesale/http/server'
import { answerOnce, IdempotencyHeaders } from '@timesale/idempotency/answer-once'
import { callerOf, isOperator, requireRole, type Principal } from '@timesale/identity/principal'
import { appendToOutbox } from '@timesale/kafka/outbox'
import type { Tx } from '@timesale/postgres/sql'
import type { ServiceParts } from '@timesale/service/service'
import { findShop, insertShop } from '../db/shops.ts'
import { createShop, isSameAsCreated, viewTokenOf, type Shop } from '../shop.ts'

// POST /shops. The shop id is the key of the request: the same body again answers the same shop.
export function createShopRoute(app: HttpServer, { db, wakeRelay }: ServiceParts): void {
  app.post(
    '/shops',
    {
      schema: {
        summary: 'Open a shop; who does it is its owner',
        tags: ['shops'],
        headers: IdempotencyHeaders,
        body: CreateShop,
        response: { 201: ShopView, 200: ShopView, default: Problem },
      },
    },
    async (request, reply) => {
      const { body: wish, principal, traceparent } = request
      requireRole(principal, 'seller')
      const owner = ownerFor(principal, wish)
      await answerOnce(
        reply,
        { db, asked: wish, keyNeeded: wish.shopId === undefined, onDone: wakeRelay },
        async (tx) => {
          const { isNew, shop } = await create(tx, wish, owner, traceparent)
          return { status: isNew ? 201 : 200, body: shop, viewToken: viewTokenOf(shop) }
        },
      )
      return reply
    },
  )
}

function ownerFor(principal: Principal, wish: CreateShop): string {
  const caller = callerOf(principal)
  const owner = wish.owner ?? caller
  if (owner !== caller && !isOperator(principal)) {
    const errors = [{ field: 'owner', message: 'must be the account that calls' }]
    throw new Refusal('invalid-request', { errors }, 'owner must be the account that calls')
  }
  return owner
}

async function create(
  tx: Tx,
  wish: CreateShop,
  owner: string,
  traceparent: string,
): Promise<{ isNew: boolean; shop: Shop }> {
  const { shop, facts } = createShop(wish.shopId ?? randomUUIDv7(), wish.name, owner)
  if (await insertShop(tx, shop)) {
    await appendToOutbox(tx, facts, { at: new Date(), traceparent })
    return { isNew: true, shop }
  }
  // Whoever's it is: only one that is the same in all, its owner too, is answered.
  const known = await findShop(tx, shop.shopId, undefined)
  if (known === undefined || !isSameAsCreated(known, wish.name, owner)) {
    throw new Refusal('shop-exists', { shopId: shop.shopId })
  }
  return { isNew: false, shop: known }
}
