import { ProductParams } from '@timesale/contracts/order-api'
import { ListProductsQuery, ProductPage, ProductView } from '@timesale/contracts/product-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { ownerOf } from '@timesale/identity/principal'
import type { ServiceParts } from '@timesale/service/service'
import { findProduct, listProducts } from '../db/products.ts'

const DEFAULT_LIMIT = 50

// GET /products by id, a page at a time; GET /products/:productId. An account sees those of its shops: what the public
// reads is the storefront's to show.
export function readProductRoutes(app: HttpServer, { db }: ServiceParts): void {
  app.get(
    '/products',
    {
      schema: {
        summary: 'The catalogue; for an account the products of its shops',
        tags: ['products'],
        querystring: ListProductsQuery,
        response: { 200: ProductPage, default: Problem },
      },
    },
    async (request) => {
      const limit = Number(request.query.limit ?? DEFAULT_LIMIT)
      const found = await listProducts(db.sql, ownerOf(request.principal), {
        after: request.query.after ?? '',
        limit: limit + 1,
      })
      const products = found.slice(0, limit)
      const last = products.at(-1)
      return found.length > limit && last !== undefined ? { products, next: last.productId } : { products }
    },
  )
  app.get(
    '/products/:productId',
    {
      schema: {
        summary: 'One product; for an account one of its shops',
        tags: ['products'],
        params: ProductParams,
        response: { 200: ProductView, default: Problem },
      },
    },
    async (request) => {
      const product = await findProduct(db.sql, request.params.productId, ownerOf(request.principal))
      if (product === undefined) throw new Refusal('product-not-found', { productId: request.params.productId })
      return product
    },
  )
}
