import Type from 'typebox'
import { Compile } from 'typebox/compile'
import {
  MyOrderParams,
  MyOrderView,
  OrderedFrom,
  OrderedProduct,
  type OrderPagePart,
} from '@timesale/contracts/my-order-api'
import { Notice } from '@timesale/contracts/notification-api'
import { OrderView } from '@timesale/contracts/order-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal, REFUSALS } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import type { Admission } from '../admission/admit.ts'
import type { UpstreamName } from '../routes.ts'
import type { InternalTokens } from '../tokens/internal-tokens.ts'
import { readPart, type Reader, type Wanted } from '../upstreams/read-part.ts'
import type { Upstream } from '../upstreams/upstream.ts'

export interface MyOrderOptions {
  readonly admission: Admission
  readonly internalTokens: InternalTokens
  readonly upstreams: Readonly<Record<UpstreamName, Upstream>>
}

type Missing = MyOrderView['missing'][number]

const WHOLE_WITHIN_MS = 3_000
const ORDER_WITHIN_MS = 2_000
const PART_WITHIN_MS = 800

const order = Compile(OrderView)
const product = Compile(OrderedProduct)
const shop = Compile(OrderedFrom)
const notices = Compile(Type.Array(Notice))

// GET /api/me/orders/:orderId is the page of an order, put together from four services. The order alone must be there.
export function myOrderRoute(app: HttpServer, options: MyOrderOptions): void {
  app.get(
    '/api/me/orders/:orderId',
    {
      schema: {
        summary: 'An order of the caller, with product, shop and notices',
        tags: ['order'],
        params: MyOrderParams,
        response: { 200: MyOrderView, '4xx': Problem, '5xx': Problem },
      },
      onRequest: options.admission.hookOf({ class: 'browse', token: 'required' }),
    },
    async (request, reply) => {
      const view = await new OrderPage(options, request).read(request.params.orderId)
      // For one caller alone, and of this moment.
      return reply.header('cache-control', 'no-store').send(view)
    },
  )
}

class OrderPage {
  readonly #options: MyOrderOptions
  readonly #reader: Reader
  readonly #deadline = performance.now() + WHOLE_WITHIN_MS
  readonly #missing: Missing[] = []

  constructor(options: MyOrderOptions, { principal, traceparent, deadline }: Reader) {
    this.#options = options
    this.#reader = { principal, traceparent, deadline }
  }

  async read(orderId: string): Promise<MyOrderView> {
    // What needs no more than the id of the order is asked for at once.
    const told = this.#part('notices', 'notification', { path: `/notices?orderId=${orderId}`, validator: notices })
    const found = await this.#ask('order', { path: `/orders/${orderId}`, validator: order }, ORDER_WITHIN_MS)
    const sold = await this.#product(found.productId)
    return { order: found, ...sold, notices: await told, missing: this.#missing }
  }

  async #product(productId: string): Promise<Pick<MyOrderView, 'product' | 'shop'>> {
    const path = `/products/${productId}`
    const found = await this.#part('product', 'storefront', { path, validator: product })
    const reason = this.#missing.find(({ part }) => part === 'product')
    // Only the product says whose it is.
    if (reason !== undefined) this.#missing.push({ ...reason, part: 'shop' })
    return { product: found, shop: found?.shopId === undefined ? null : await this.#shop(found.shopId) }
  }

  // Its page shows products as well: one is the least that can be asked for, and is no part of our answer's schema.
  #shop(shopId: string): Promise<MyOrderView['shop']> {
    return this.#part('shop', 'storefront', { path: `/shops/${shopId}?limit=1`, validator: shop })
  }

  /** Null where there is none, and where it is missing. What was ordered is there: a page that is not is one that is behind. */
  async #part<Part>(
    part: OrderPagePart,
    upstream: UpstreamName,
    wanted: Omit<Wanted<Part>, 'deadline'>,
  ): Promise<Part | null> {
    try {
      return await this.#ask(upstream, wanted, PART_WITHIN_MS)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const isAbsent = REFUSALS[error.code].status === 404
      if (isAbsent && part !== 'product') return null
      const reason = isAbsent ? 'view-behind' : error.code
      const { status } = REFUSALS[reason]
      this.#missing.push({ part, reason, retry: status >= 500 || status === 429 })
      return null
    }
  }

  #ask<Part>(upstream: UpstreamName, wanted: Omit<Wanted<Part>, 'deadline'>, withinMs: number): Promise<Part> {
    const { upstreams, internalTokens } = this.#options
    const deadline = Math.min(this.#deadline, performance.now() + withinMs)
    return readPart(upstreams[upstream], internalTokens, this.#reader, { ...wanted, deadline })
  }
}
