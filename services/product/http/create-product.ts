import { randomUUIDv7 } from 'node:crypto'
import { CreateProduct, ProductView } from '@timesale/contracts/product-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { appendToOutbox } from '@timesale/kafka/outbox'
import type { ServiceParts } from '@timesale/service/service'
import { findProduct, insertProduct } from '../db/products.ts'
import { createProduct, isSameAsCreated } from '../product.ts'

// POST /products. The product id is the key of the request: the same body again answers the same product.
export function createProductRoute(app: HttpServer, { db, wakeRelay }: ServiceParts): void {
  app.post(
    '/products',
    {
      schema: {
        summary: 'Put a product into the catalogue',
        tags: ['products'],
        body: CreateProduct,
        response: { 201: ProductView, 200: ProductView, default: Problem },
      },
    },
    async (request, reply) => {
      const wish = request.body
      const { product, facts } = createProduct(wish.productId ?? randomUUIDv7(), wish)
      const created = await db.tx(async (tx) => {
        if (!(await insertProduct(tx, product))) return false
        await appendToOutbox(tx, facts, { at: new Date(), traceparent: request.traceparent })
        return true
      })
      if (created) {
        wakeRelay()
        return reply.code(201).send(product)
      }
      const known = await findProduct(db.sql, product.productId)
      if (known === undefined || !isSameAsCreated(known, wish)) {
        throw new Refusal('product-exists', { productId: product.productId })
      }
      return reply.code(200).send(known)
    },
  )
}
