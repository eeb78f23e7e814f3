import { readLags } from '@timesale/local/commands/consumer-lag'
import { lookAt } from '@timesale/verify/books'
import { Latency, type Percentiles } from './latency.ts'
import type { SaleShop } from './sale-shop.ts'

/** What is seen of the shop from outside; undefined is what did not answer. */
export interface Sight {
  /** Orders of this sale by what became of them. */
  readonly confirmed: number
  readonly rejected: number
  readonly cancelled: number
  readonly undecided: number
  /** From the moment a buyer was to come until their order was decided, in milliseconds. */
  readonly outcomeMs: Percentiles | undefined
  readonly unitsSold: number | undefined
  /** Records that each group has not worked off. */
  readonly lags: Readonly<Record<string, number>> | undefined
  readonly parts: readonly { readonly name: string; readonly state: string }[] | undefined
}

/** No poll asks for more outcomes than this: each is a look-up in an index. */
const ASKED_AT_ONCE = 5_000
const EVERY_MS = 500

/** Looks at a shop twice a second, with questions that cost it next to nothing. */
export class ShopWatch {
  readonly #shop: SaleShop
  readonly #productId: string
  readonly #dueAt: (number: number) => number
  readonly #open = new Map<string, number>()
  readonly #latency = new Latency()
  readonly #counts = new Map<string, number>()
  #unitsSold: number | undefined
  #lags: Record<string, number> | undefined
  #parts: Sight['parts']
  #watching = true
  #turn = 0
  readonly #done: Promise<void>

  /** `dueAt`: when a buyer was to come, in milliseconds since the epoch. */
  constructor(shop: SaleShop, about: { readonly productId: string; readonly dueAt: (number: number) => number }) {
    this.#shop = shop
    this.#productId = about.productId
    this.#dueAt = about.dueAt
    this.#done = this.#watch()
  }

  /** An order whose outcome is wanted. */
  follow(orderId: string, number: number): void {
    this.#open.set(orderId, number)
  }

  get sight(): Sight {
    const of = (status: string): number => this.#counts.get(status) ?? 0
    return {
      confirmed: of('CONFIRMED'),
      rejected: of('REJECTED'),
      cancelled: of('CANCELLED'),
      undecided: this.#open.size,
      outcomeMs: this.#latency.percentiles,
      unitsSold: this.#unitsSold,
      lags: this.#lags,
      parts: this.#parts,
    }
  }

  /** After a last look at everything that is still open. */
  async stop(): Promise<void> {
    this.#watching = false
    await this.#done
    for (let before = Infinity; this.#open.size > 0 && this.#open.size < before;) {
      before = this.#open.size
      await this.#readOutcomes().catch(() => undefined)
    }
    await this.#readUnits().catch(() => undefined)
  }

  async #watch(): Promise<void> {
    while (this.#watching) {
      const next = performance.now() + EVERY_MS
      this.#turn += 1
      await Promise.all([
        this.#readOutcomes().catch(() => undefined),
        this.#readUnits().catch(() => {
          this.#unitsSold = undefined
        }),
        this.#readParts(),
        // Kafka's answer takes six questions, so it is asked every other time.
        this.#turn % 2 === 1 ? this.#readLags() : undefined,
      ])
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())))
    }
  }

  async #readOutcomes(): Promise<void> {
    if (this.#open.size === 0) return
    const asked = [...this.#open.keys()].slice(0, ASKED_AT_ONCE)
    const ends = await lookAt(this.#shop.books, 'order', (look) =>
      look.rows<[string, string, Date]>(
        "select order_id, status, at from order_history where order_id = any($1) and status <> 'PLACED'",
        [asked],
      ),
    )
    for (const [orderId, status, at] of ends) this.#ended(orderId, status, at.getTime())
    // Whoever is not decided yet goes to the end, so that all are asked about in turn.
    for (const orderId of asked) {
      const number = this.#open.get(orderId)
      if (number === undefined || this.#open.size <= ASKED_AT_ONCE) continue
      this.#open.delete(orderId)
      this.#open.set(orderId, number)
    }
  }

  #ended(orderId: string, status: string, at: number): void {
    const number = this.#open.get(orderId)
    if (number === undefined) return
    this.#open.delete(orderId)
    this.#counts.set(status, (this.#counts.get(status) ?? 0) + 1)
    this.#latency.record(at - this.#dueAt(number))
  }

  async #readUnits(): Promise<void> {
    const [row] = await lookAt(this.#shop.books, 'stock', (look) =>
      look.rows<[number]>('select sold from stock_levels where product_id = $1', [this.#productId]),
    )
    this.#unitsSold = row?.[0]
  }

  async #readLags(): Promise<void> {
    try {
      const lags = await readLags(this.#shop.books.brokers)
      this.#lags = Object.fromEntries(lags.map(({ group, records }) => [group, Number(records)]))
    } catch {
      this.#lags = undefined
    }
  }

  async #readParts(): Promise<void> {
    try {
      this.#parts = (await this.#shop.parts()).map(({ name, state }) => ({ name, state }))
    } catch {
      this.#parts = undefined
    }
  }
}
