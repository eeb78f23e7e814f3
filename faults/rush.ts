import assert from 'node:assert/strict'
import { Buyers } from '@timesale/sale/buyers'
import { OrderClient, type Answer } from '@timesale/sale/order-client'
import { until } from '@timesale/testkit/until'
import { settled, verdict } from '@timesale/verify/verdict'
import type { Shop } from './shop.ts'

export interface RushOptions {
  /** Told apart by this from all other rushes of a shop. */
  readonly name: string
  readonly ordersPerSecond: number
  readonly products: readonly string[]
  /** Processes of the order service, or gateways; a buyer who gets no answer from one asks another. */
  readonly at?: readonly string[]
  /** What each buyer sends with a request, where `at` are gateways. */
  readonly headersFor?: (buyerId: string) => Readonly<Record<string, string>>
}

/** The one product of a rush that may be sold out. */
const SCARCE = 'SCARCE'

/** Buyers who come whatever the shop does, before, during and after a fault, and what must be true in the end. */
export class Rush implements AsyncDisposable {
  readonly buyers: Buyers
  readonly #shop: Shop
  readonly #soldOut: readonly string[]

  constructor(shop: Shop, { name, ordersPerSecond, products, at = ['order-1'], headersFor }: RushOptions) {
    this.#shop = shop
    this.#soldOut = products.filter((productId) => productId === SCARCE)
    const urls = at.map((one) => `${shop.process(one).url}${headersFor === undefined ? '' : '/api'}`)
    const who = headersFor === undefined ? {} : { headersFor }
    // More than can be under way in any fault: nobody may wait for a connection instead of an answer.
    this.buyers = new Buyers({ name, ordersPerSecond, products, urls, connections: 4_000, ...who })
  }

  /** So many more orders than now are accepted. */
  async more(orders: number, withinMs = 60_000): Promise<void> {
    const enough = this.buyers.figures.accepted + orders
    await until(`${orders} more orders are accepted`, () => this.buyers.figures.accepted >= enough, withinMs)
  }

  /**
   * No new buyers, everybody knows what became of their order, the shop comes to rest, and its books balance. `others`:
   * orders of somebody else that were accepted.
   */
  async endsWell(atLeast: number, others: readonly string[] = []): Promise<void> {
    try {
      await this.buyers.stop()
      const { accepted, gaveUp } = this.buyers.figures
      assert.ok(accepted >= atLeast, `only ${accepted} orders were accepted: nothing is proved`)
      assert.deepEqual(this.buyers.unexpected, [])
      assert.equal(gaveUp, 0, 'some asked for two minutes, and nobody told them what became of their orders')
      await settled(this.#shop.books)
      const told = this.buyers.outcome()
      const doorRefusedAt = this.buyers.lastSoldOutAt
      const expected = { soldOut: this.#soldOut.map((productId) => ({ productId, doorRefusedAt })) }
      const all = { ...told, accepted: [...told.accepted, ...others] }
      assert.deepEqual(await verdict(this.#shop.books, all, expected), [])
    } catch (error) {
      console.error(JSON.stringify(this.buyers.figures))
      console.error(await this.#shop.logs())
      throw error
    }
  }

  /** Whoever still waits goes away. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.buyers.abandon()
  }
}

export interface TimedAnswer extends Answer {
  readonly ms: number
}

/** Sends an order once. */
export async function placeOrder(
  url: string,
  order: { orderId: string; productId: string; quantity: number; buyerId?: string },
): Promise<TimedAnswer> {
  const client = new OrderClient({ urls: [url], connections: 1, answerWithinMs: ANSWER_WITHIN_MS })
  const asked = performance.now()
  const answer = await client.post(0, '/orders', JSON.stringify(order))
  const ms = performance.now() - asked
  await client.close()
  return { ...answer, ms }
}

/** Asserts that somebody was turned away, without effect, and told when to come again. */
export function assertTurnedAway(answer: TimedAnswer): void {
  assert.equal(answer.status, 503, `${answer.status} ${answer.text}`)
  assert.ok((answer.retryAfterMs ?? 0) >= 1_000, 'it says when to come again')
  assert.ok(answer.refused, `${answer.text} promises that it had no effect`)
}

const ANSWER_WITHIN_MS = 15_000
