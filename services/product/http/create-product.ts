import { randomUUIDv7 } from 'node:crypto'
import { CreateProduct, ProductView } from '@timesale/contracts/product-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { answerOnce, IdempotencyHeaders } from '@timesale/idempotency/answer-once'
import { isOperator, ownerOf, requireRole, type Principal } from '@timesale/identity/principal'
import { appendToOutbox } from '@timesale/kafka/outbox'
import type { Tx } from '@timesale/postgres/sql'
import type { ServiceParts } from '@timesale/service/service'
import { findProduct, insertProduct } from '../db/products.ts'
import { isShopOf } from '../db/shop-members.ts'
import { createProduct, isSameAsCreated, viewTokenOf, type Product } from '../product.ts'

// POST /products. The product id is the key of the request: the same body again answers the same product.
export function createProductRoute(app: HttpServer, { db, wakeRelay }: ServiceParts): void {
  app.post(
    '/products',
    {
      schema: {
        summary: 'Put a product into the catalogue, for a shop that one is a member of',
        tags: ['products'],
        headers: IdempotencyHeaders,
        body: CreateProduct,
        response: { 201: ProductView, 200: ProductView, default: Problem },
      },
    },
    async (request, reply) => {
      const { body: wish, principal, traceparent } = request
      checkRights(principal, wish)
      const member = ownerOf(principal)
      await answerOnce(
        reply,
        { db, asked: wish, keyNeeded: wish.productId === undefined, onDone: wakeRelay },
        async (tx) => {
          if (wish.shopId !== undefined && !(await isShopOf(tx, wish.shopId, member))) {
            void reply.header('retry-after', '1')
            throw new Refusal('shop-not-found', { shopId: wish.shopId }, SHOP_NOT_FOUND)
          }
          const { isNew, product } = await create(tx, wish, traceparent)
          return { status: isNew ? 201 : 200, body: product, viewToken: viewTokenOf(product) }
        },
      )
      return reply
    },
  )
}

const SHOP_NOT_FOUND =
  'There is no such shop, or this account is none of its members, or it was made a moment ago and is known in another one'

function checkRights(principal: Principal, wish: CreateProduct): void {
  requireRole(principal, 'seller')
  if (wish.shopId === undefined && !isOperator(principal)) {
    const errors = [{ field: 'shopId', message: 'is missing' }]
    throw new Refusal('invalid-request', { errors }, 'shopId is missing')
  }
}

async function create(tx: Tx, wish: CreateProduct, traceparent: string): Promise<{ isNew: boolean; product: Product }> {
  const { product, facts } = createProduct(wish.productId ?? randomUUIDv7(), wish)
  if (await insertProduct(tx, product)) {
    await appendToOutbox(tx, facts, { at: new Date(), traceparent })
    return { isNew: true, product }
  }
  // Whoever's it is: only one that is the same in all, its shop too, is answered.
  const known = await findProduct(tx, product.productId, undefined)
  if (known === undefined || !isSameAsCreated(known, wish)) {
    throw new Refusal('product-exists', { productId: product.productId })
  }
  return { isNew: false, product: known }
}
