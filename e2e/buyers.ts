import { setTimeout as sleep } from 'node:timers/promises'

export interface Attempt {
  readonly orderId: string
  readonly productId: string
  readonly quantity: number
  readonly at: number
  /** HTTP status; 0 where no answer came. */
  readonly status: number
  readonly code?: string
  readonly ms: number
}

/** Buyers who order all the time, and send an order again until they know what became of it. */
export class Buyers {
  readonly attempts: Attempt[] = []
  readonly #url: string
  readonly #products: readonly string[]
  readonly #buyers: Promise<void>[] = []
  #stopped = false
  #count = 0

  /** `ordersPerSecond` over all buyers, whatever the shop does: a slow shop meets more of them at once. */
  constructor(options: { url: string; products: readonly string[]; ordersPerSecond: number }) {
    this.#url = options.url
    this.#products = options.products
    this.#buyers.push(this.#arrive(1000 / options.ordersPerSecond))
  }

  /** No new buyers; resolves when the last one knows. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (let index = 0; index < this.#buyers.length; index += 1) await this.#buyers[index]
  }

  /** Orders by what their buyers know of them. */
  outcome(): { accepted: string[]; turnedAway: string[] } {
    const accepted = new Set(this.attempts.filter(({ status }) => status === 202).map(({ orderId }) => orderId))
    const turnedAway = this.attempts.filter(({ status, orderId }) => status === 409 && !accepted.has(orderId))
    return { accepted: [...accepted], turnedAway: turnedAway.map(({ orderId }) => orderId) }
  }

  async #arrive(everyMs: number): Promise<void> {
    const began = performance.now()
    while (!this.#stopped) {
      this.#count += 1
      this.#buyers.push(this.#buy(this.#count))
      await sleep(Math.max(0, began + this.#count * everyMs - performance.now()))
    }
  }

  async #buy(number: number): Promise<void> {
    const orderId = `e2e-${number}`
    const productId = this.#products[number % this.#products.length] as string
    const quantity = 1 + (number % 3)
    for (;;) {
      const { status, code } = await this.#post({ orderId, productId, quantity, buyerId: `buyer-${number % 50}` })
      if (status === 202 || status === 409) {
        // One in five is not sure and asks again: a repeated order must change nothing.
        if (number % 5 === 0) await this.#post({ orderId, productId, quantity, buyerId: `buyer-${number % 50}` })
        return
      }
      if (status !== 0 && status !== 503) throw new Error(`Order ${orderId} was answered ${status} ${code}`)
      await sleep(200)
    }
  }

  async #post(body: {
    orderId: string
    productId: string
    quantity: number
    buyerId: string
  }): Promise<{ status: number; code?: string }> {
    const at = Date.now()
    const answer = await fetch(`${this.#url}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    })
      .then(async (response) => ({
        status: response.status,
        code: ((await response.json()) as { code?: string }).code ?? '',
      }))
      .catch(() => ({ status: 0, code: '' }))
    const { orderId, productId, quantity } = body
    this.attempts.push({ orderId, productId, quantity, at, ms: Date.now() - at, ...answer })
    return answer
  }
}
