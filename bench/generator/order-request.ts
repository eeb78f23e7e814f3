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

/** One `POST /orders` as bytes; only its order id and its product change from one sending to the next. */
export class OrderRequest {
  readonly bytes: Buffer
  readonly #orderAt: number
  readonly #productAt: number

  constructor(port: number, prefix: string) {
    const body = JSON.stringify({
      orderId: orderId(prefix, 0),
      productId: productId(0),
      quantity: 1,
      buyerId: 'buyer-0001',
    })
    const head = [
      'POST /orders HTTP/1.1',
      `host: 127.0.0.1:${port}`,
      'content-type: application/json',
      `content-length: ${body.length}`,
    ]
    this.bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1')
    this.#orderAt = this.bytes.indexOf(prefix) + prefix.length
    this.#productAt = this.bytes.indexOf(productId(0)) + 1
  }

  /** In place: one request a connection is under way, and nobody looks at its bytes any more when the next one is written. */
  splice(order: number, product: number): void {
    writeDigits(this.bytes, this.#orderAt, COUNTER_DIGITS, order)
    writeDigits(this.bytes, this.#productAt, PRODUCT_DIGITS, product)
  }
}

const ZERO = 48

function writeDigits(bytes: Buffer, at: number, digits: number, number: number): void {
  let rest = number
  for (let place = at + digits - 1; place >= at; place -= 1) {
    bytes[place] = ZERO + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}
