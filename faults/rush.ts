import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
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
  /** How long a buyer waits for one answer; ten seconds where it is left out. */
  readonly answerWithinMs?: number
}

/** The one product of a rush that may be sold out. */
const SCARCE = 'SCARCE'
/** A process that was held up for longer has many orders to send at once. */
const MANY_AFTER_MS = 500

/** Buyers who come whatever the shop does, before, during and after a fault, and what must be true in the end. */
export class Rush implements AsyncDisposable {
  readonly buyers: Buyers
  readonly #shop: Shop
  readonly #soldOut: readonly string[]
  readonly #ordersPerSecond: number
  readonly #stoodStill = monitorEventLoopDelay({ resolution: 10 })

  constructor(shop: Shop, options: RushOptions) {
    const { name, ordersPerSecond, products, at = ['order-1'], headersFor, answerWithinMs } = options
    this.#shop = shop
    this.#ordersPerSecond = ordersPerSecond
    this.#stoodStill.enable()
    this.#soldOut = products.filter((productId) => productId === SCARCE)
    const urls = at.map((one) => `${shop.process(one).url}${headersFor === undefined ? '' : '/api'}`)
    const who = headersFor === undefined ? {} : { headersFor }
    const patience = answerWithinMs === undefined ? {} : { answerWithinMs }
    // More than can be under way in any fault: nobody may wait for a connection instead of an answer.
    this.buyers = new Buyers({ name, ordersPerSecond, products, urls, connections: 4_000, ...who, ...patience })
  }

  /** What this process was held up for at most: so much the machine is to blame for. */
  get stoodStillMs(): number {
    return Math.round(this.#stoodStill.max / 1e6)
  }

  /**
   * Nobody so far was left without an answer, or told to come again. Where the machine stood still, more come at once
   * afterwards than are let in, and are rightly told that they are too many; where its disk alone did for a second, no more
   * than come in a second.
   */
  assertAllServed(): void {
    const { unavailable, overloaded, noAnswer } = this.buyers.figures
    assert.equal(noAnswer, 0)
    assert.equal(unavailable - overloaded, 0, 'some were told to come again, and not as they were too many')
    const isStandstill = overloaded <= this.#ordersPerSecond || this.stoodStillMs > MANY_AFTER_MS
    assert.ok(isStandstill, `${overloaded} were told that they were too many`)
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
    this.#stoodStill.disable()
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

/**
 * Sends an order until it is judged by what it asks for: where the machine stands still, many who come at once afterwards
 * are told that they are too many, without effect.
 */
export async function placePatiently(...order: Parameters<typeof placeOrder>): Promise<TimedAnswer> {
  for (const end = performance.now() + PATIENCE_MS; ; await sleep(50)) {
    const answer = await placeOrder(...order)
    if (answer.code !== 'overloaded' || performance.now() > end) return answer
    assertTurnedAway(answer)
  }
}

/** Sends an order, patiently, that must be accepted. */
export async function placeAccepted(...order: Parameters<typeof placeOrder>): Promise<TimedAnswer> {
  const answer = await placePatiently(...order)
  assert.equal(answer.status, 202, `${order[1].orderId}: ${answer.status} ${answer.text}`)
  return answer
}

/** Asserts that somebody was turned away, without effect, and told when to come again. */
export function assertTurnedAway(answer: TimedAnswer): void {
  assert.equal(answer.status, 503, `${answer.status} ${answer.text}`)
  assert.ok((answer.retryAfterMs ?? 0) >= 1_000, 'it says when to come again')
  assert.ok(answer.refused, `${answer.text} promises that it had no effect`)
}

const ANSWER_WITHIN_MS = 15_000
const PATIENCE_MS = 30_000
