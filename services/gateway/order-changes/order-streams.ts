import type { OrderView } from '@timesale/contracts/order-api'
import { Refusal } from '@timesale/contracts/refusals'
import { Line } from '../upstreams/line.ts'
import { OrderStream, type StreamAbout } from './order-stream.ts'

export interface OrderStreamsOptions {
  /** Streams of this gateway at once. */
  readonly max: number
  /** Throws the order service's refusal, or the upstream's. */
  readonly readOrder: (about: StreamAbout) => Promise<OrderView>
  readonly isRevoked: (sessionId: string) => boolean
  /** Called once, when the first stream is opened: until then nobody needs to hear of changes. */
  readonly onFirst: () => void
}

const MAX_PER_ACCOUNT = 20
const LOOK_EVERY_MS = 1_000
// However many orders change at once, and however long brokers were away: the order service's own callers go first.
const READS_MAX = 50
const READ_TURN_WITHIN_MS = 10_000

/** All streams of this gateway, by the order that they show. */
export class OrderStreams {
  readonly #options: OrderStreamsOptions
  readonly #byOrder = new Map<string, Set<OrderStream>>()
  readonly #byAccount = new Map<string, number>()
  readonly #reads: Line
  #size = 0
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: OrderStreamsOptions) {
    this.#options = options
    this.#reads = new Line({ insideMax: READS_MAX, waitingMax: options.max })
  }

  get size(): number {
    return this.#size
  }

  /**
   * A place for one more stream, which hears of its order from now on; must be given back by `leave`. Throws
   * `rate-limited` where the account has 20, and `overloaded`.
   */
  enter(about: StreamAbout): OrderStream {
    const ofAccount = this.#byAccount.get(about.accountId) ?? 0
    if (ofAccount >= MAX_PER_ACCOUNT)
      throw new Refusal('rate-limited', { accepted: false }, `An account has ${MAX_PER_ACCOUNT} streams at most`)
    if (this.#size >= this.#options.max) throw new Refusal('overloaded', { accepted: false })
    const stream = new OrderStream(about, () => this.#readInTurn(about))
    const { orderId, accountId } = about
    const ofOrder = this.#byOrder.get(orderId) ?? new Set()
    this.#byOrder.set(orderId, ofOrder.add(stream))
    this.#byAccount.set(accountId, ofAccount + 1)
    this.#size += 1
    // An EventSource gives up on an error for good. So who comes while we close is let in, and sent on.
    if (this.#isClosed) stream.end('elsewhere')
    else if (this.#timer === undefined) this.#begin()
    return stream
  }

  leave(stream: OrderStream): void {
    const { orderId, accountId } = stream.about
    stream.end()
    const ofOrder = this.#byOrder.get(orderId)
    if (ofOrder?.delete(stream) !== true) return
    if (ofOrder.size === 0) this.#byOrder.delete(orderId)
    const ofAccount = (this.#byAccount.get(accountId) ?? 0) - 1
    if (ofAccount > 0) this.#byAccount.set(accountId, ofAccount)
    else this.#byAccount.delete(accountId)
    this.#size -= 1
  }

  /** An order has come to this version. */
  wake(orderId: string, version: number): void {
    for (const stream of this.#byOrder.get(orderId) ?? []) stream.wake(version)
  }

  /** Ends all, and tells them to come again, to whoever answers then. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    for (const stream of this.#all()) stream.end('elsewhere')
  }

  #begin(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS)
    this.#options.onFirst()
  }

  #look(): void {
    const now = Date.now()
    for (const stream of this.#all()) {
      const { expiresAt, sessionId } = stream.about
      if (expiresAt <= now || this.#options.isRevoked(sessionId)) stream.end()
      else stream.lookAgain()
    }
  }

  *#all(): Iterable<OrderStream> {
    for (const streams of this.#byOrder.values()) yield* streams
  }

  async #readInTurn(about: StreamAbout): Promise<OrderView> {
    const turn = this.#reads.enter(READ_TURN_WITHIN_MS)
    if (turn !== undefined) await turn
    try {
      return await this.#options.readOrder(about)
    } finally {
      this.#reads.leave()
    }
  }
}
