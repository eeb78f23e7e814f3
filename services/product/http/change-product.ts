import { ProductParams } from '@timesale/contracts/order-api'
import { Sale } from '@timesale/contracts/fields'
import { AddUnits, ChangeProduct, ProductView } from '@timesale/contracts/product-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import { VIEW_TOKEN_HEADER } from '@timesale/contracts/view-token'
import type { HttpServer } from '@timesale/http/server'
import { answerOnce, IdempotencyHeaders } from '@timesale/idempotency/answer-once'
import { ownerOf, requireRole, type Principal } from '@timesale/identity/principal'
import { appendToOutbox } from '@timesale/kafka/outbox'
import type { Tx } from '@timesale/postgres/sql'
import type { ServiceParts } from '@timesale/service/service'
import { lockProduct, saveProduct, takeSaleId } from '../db/products.ts'
import { addUnits, changeProduct, putSale, takeSaleOff, viewTokenOf, type Decision, type Product } from '../product.ts'

// PUT /products/:productId changes name and price; POST /products/:productId/units puts more units on sale;
// PUT and DELETE /products/:productId/sale put a time sale on it and take it off.
export function changeProductRoutes(app: HttpServer, { db, wakeRelay }: ServiceParts): void {
  const route = { tags: ['products'], params: ProductParams, response: { 200: ProductView, default: Problem } }

  // One change in a transaction of its own. All but more units are the same when they are asked for twice.
  const changed = async (asking: Asking, decide: Decide): Promise<{ product: Product; viewToken: string }> => {
    const product = await db.tx((tx) => change(tx, asking, decide))
    wakeRelay()
    return { product, viewToken: viewTokenOf(product) }
  }

  app.put(
    '/products/:productId',
    {
      schema: {
        ...route,
        summary: 'Change name or price; orders that were accepted keep the price they were accepted at',
        body: ChangeProduct,
      },
    },
    async (request, reply) => {
      const { product, viewToken } = await changed(askingOf(request), ({ product: before }) =>
        changeProduct(before, request.body),
      )
      return reply.header(VIEW_TOKEN_HEADER, viewToken).send(product)
    },
  )
  app.post(
    '/products/:productId/units',
    { schema: { ...route, summary: 'Put more units on sale', headers: IdempotencyHeaders, body: AddUnits } },
    async (request, reply) => {
      const asking = askingOf(request)
      const { add } = request.body
      const once = { db, asked: { productId: asking.productId, add }, keyNeeded: true, onDone: wakeRelay }
      await answerOnce(reply, once, async (tx) => {
        const product = await change(tx, asking, ({ product: before }) => addUnits(before, add))
        return { status: 200, body: product, viewToken: viewTokenOf(product) }
      })
      return reply
    },
  )
  app.put(
    '/products/:productId/sale',
    {
      schema: {
        ...route,
        summary:
          'Put a time sale on a product, in place of the one it has, or change that one (the same saleId). ' +
          'The product can then be ordered from startsAt until just before endsAt, at the price of the sale, and after that ' +
          'not at all until the sale is taken off or another one is put on.',
        body: Sale,
      },
    },
    async (request, reply) => {
      const asking = askingOf(request)
      const { product, viewToken } = await changed(asking, async ({ product: before, now }, tx) => {
        const decision = putSale(before, request.body, now)
        const { saleId } = request.body
        if (!(await takeSaleId(tx, saleId, asking.productId))) throw new Refusal('sale-id-taken', { saleId })
        return decision
      })
      return reply.header(VIEW_TOKEN_HEADER, viewToken).send(product)
    },
  )
  app.delete(
    '/products/:productId/sale',
    {
      schema: {
        ...route,
        summary: 'Take the time sale off a product: it can be ordered at its own price again, at any time',
      },
    },
    async (request, reply) => {
      const { product, viewToken } = await changed(askingOf(request), ({ product: before }) => takeSaleOff(before))
      return reply.header(VIEW_TOKEN_HEADER, viewToken).send(product)
    },
  )
}

/** Who asks for a change of which product. */
interface Asking {
  readonly productId: string
  /** The account whose shops' products it may change; undefined means any product. */
  readonly member: string | undefined
  readonly traceparent: string
}

function askingOf(request: {
  readonly params: { readonly productId: string }
  readonly principal: Principal
  readonly traceparent: string
}): Asking {
  const { principal, traceparent } = request
  requireRole(principal, 'seller')
  return { productId: request.params.productId, member: ownerOf(principal), traceparent }
}

type Decide = (before: { product: Product; now: Date }, tx: Tx) => Decision | Promise<Decision>

async function change(tx: Tx, { productId, member, traceparent }: Asking, decide: Decide): Promise<Product> {
  const before = await lockProduct(tx, productId, member)
  if (before === undefined) throw new Refusal('product-not-found', { productId })
  const { product, facts } = await decide(before, tx)
  if (facts.length > 0) await saveProduct(tx, product)
  await appendToOutbox(tx, facts, { at: new Date(), traceparent })
  return product
}
