import { requestHead, writeDigits, type SplicedRequest } from './spliced-request.ts'

const COUNTER_DIGITS = 12
const PRODUCT_DIGITS = 4
/** As many products as a product id of this shop can tell apart. */
export const PRODUCTS_MAX = 10 ** PRODUCT_DIGITS

/**
 * The first 24 letters of the ids of one load: a UUIDv7 of this moment, whose last group counts. So ids rise with time, as
 * those do that the order service makes itself, and what came later has the greater id.
 */
export function orderIdPrefix(at = new Date()): string {
  const hex = at.getTime().toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-`
}

export function orderId(prefix: string, number: number): string {
  return prefix + String(number).padStart(COUNTER_DIGITS, '0')
}

export function productId(number: number): string {
  return `P${String(number).padStart(PRODUCT_DIGITS, '0')}`
}

interface OrderRequestOptions {
  readonly port: number
  /** The first 24 letters of its order id. */
  readonly idPrefix: string
  readonly path: string
  /** Whoever is logged in buys; else it is a buyer who is named in the body. */
  readonly authorization?: string | undefined
}

/** A `POST` of an order. */
export class OrderRequest implements SplicedRequest {
  readonly bytes: Buffer
  readonly #orderAt: number
  readonly #productAt: number

  constructor({ port, idPrefix, path, authorization }: OrderRequestOptions) {
    const body = JSON.stringify({
      ...{ orderId: orderId(idPrefix, 0), productId: productId(0), quantity: 1 },
      ...(authorization === undefined ? { buyerId: 'buyer-0001' } : {}),
    })
    const head = requestHead(`POST ${path}`, port, {
      ...{ authorization, 'content-type': 'application/json', 'content-length': String(body.length) },
    })
    this.bytes = Buffer.from(`${head}\r\n\r\n${body}`, 'latin1')
    const bodyAt = this.bytes.length - body.length
    this.#orderAt = bodyAt + body.indexOf(idPrefix) + idPrefix.length
    this.#productAt = bodyAt + body.indexOf(productId(0)) + 1
  }

  splice(order: number, product: number): void {
    writeDigits(this.bytes, this.#orderAt, COUNTER_DIGITS, order)
    writeDigits(this.bytes, this.#productAt, PRODUCT_DIGITS, product)
  }
}

/** A `GET` of the page of a product, at `path` and its id. */
export class PageRequest implements SplicedRequest {
  readonly bytes: Buffer
  readonly #productAt: number

  constructor({ port, path, authorization }: { port: number; path: string; authorization?: string | undefined }) {
    const line = `GET ${path}/${productId(0)}`
    this.bytes = Buffer.from(`${requestHead(line, port, { authorization })}\r\n\r\n`, 'latin1')
    this.#productAt = line.length - PRODUCT_DIGITS
  }

  splice(_order: number, product: number): void {
    writeDigits(this.bytes, this.#productAt, PRODUCT_DIGITS, product)
  }
}
