import { ProductParams } from '@timesale/contracts/order-api'
import { AddUnits, ChangeProduct, ProductView } from '@timesale/contracts/product-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { appendToOutbox } from '@timesale/kafka/outbox'
import type { ServiceParts } from '@timesale/service/service'
import { lockProduct, saveProduct } from '../db/products.ts'
import { addUnits, changeProduct, type Decision, type Product } from '../product.ts'

// PUT /products/:productId changes name and price; POST /products/:productId/units puts more units on sale.
export function changeProductRoutes(app: HttpServer, parts: ServiceParts): void {
  const responses = { 200: ProductView, default: Problem }
  app.put(
    '/products/:productId',
    {
      schema: {
        summary: 'Change name or price; orders that were accepted keep the price they were accepted at',
        tags: ['products'],
        params: ProductParams,
        body: ChangeProduct,
        response: responses,
      },
    },
    (request) =>
      change(parts, request.params.productId, request.traceparent, (product) => changeProduct(product, request.body)),
  )
  app.post(
    '/products/:productId/units',
    {
      schema: {
        summary: 'Put more units on sale',
        tags: ['products'],
        params: ProductParams,
        body: AddUnits,
        response: responses,
      },
    },
    (request) =>
      change(parts, request.params.productId, request.traceparent, (product) => addUnits(product, request.body.add)),
  )
}

async function change(
  { db, wakeRelay }: ServiceParts,
  productId: string,
  traceparent: string,
  decide: (product: Product) => Decision,
): Promise<Product> {
  const product = await db.tx(async (tx) => {
    const before = await lockProduct(tx, productId)
    if (before === undefined) throw new Refusal('product-not-found', { productId })
    const decision = decide(before)
    if (decision.facts.length > 0) await saveProduct(tx, decision.product)
    await appendToOutbox(tx, decision.facts, { at: new Date(), traceparent })
    return decision.product
  })
  wakeRelay()
  return product
}
