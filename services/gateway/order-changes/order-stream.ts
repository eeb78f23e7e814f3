import type { OrderView } from '@timesale/contracts/order-api'
import { Refusal } from '@timesale/contracts/refusals'
import type { Principal } from '@timesale/identity/principal'
import { changesAfter, isDecided, type ChangeEvent } from './order-change.ts'

export interface StreamAbout {
  readonly orderId: string
  readonly accountId: string
  readonly principal: Principal
  readonly sessionId: string
  /** When the token expires, in milliseconds since the epoch. */
  readonly expiresAt: number
  readonly traceparent: string
}

/** Where the events of a stream go. What comes after its end goes nowhere. */
export interface EventSink {
  send(event: ChangeEvent): void
  /** How long to wait before coming again after the stream has ended, in milliseconds. */
  hintRetry(ms: number): void
}

const LOOK_AGAIN_MS = 5_000
const RETRY_MS = 2_000

/** What happens to one order, told to one caller: what the order service says, whenever there is reason to ask it. */
export class OrderStream {
  readonly about: StreamAbout
  readonly #read: () => Promise<OrderView>
  readonly #ended = Promise.withResolvers<void>()
  #isEnded = false
  #sink: EventSink | undefined
  /** The last version that was told. */
  #told = 0
  /** The last version that is known to be there. */
  #heardOf = 0
  #isReading = false
  #lookAgainAt = lookAgainAt()

  constructor(about: StreamAbout, read: () => Promise<OrderView>) {
    this.about = about
    this.#read = read
  }

  /** Tells what happened after version `after`, first of all what the order already shows. Resolves at its end. */
  async run(sink: EventSink, order: OrderView, after: number): Promise<void> {
    this.#sink = sink
    this.#told = after
    // Also for when this process dies and cannot say so.
    sink.hintRetry(spread(RETRY_MS))
    if (!this.#isEnded) this.#tell(order)
    // What was heard of while the order was being read.
    if (this.#heardOf > this.#told) void this.#look()
    await this.#ended.promise
  }

  wake(version: number): void {
    this.#heardOf = Math.max(this.#heardOf, version)
    if (this.#heardOf > this.#told) void this.#look()
  }

  /** From time to time, whatever was heard: brokers may be away. */
  lookAgain(): void {
    if (performance.now() >= this.#lookAgainAt) void this.#look()
  }

  /** `elsewhere`: come again, to another gateway. */
  end(reason?: 'elsewhere'): void {
    if (this.#isEnded) return
    this.#isEnded = true
    if (reason === 'elsewhere') this.#sink?.hintRetry(spread(RETRY_MS))
    this.#ended.resolve()
  }

  async #look(): Promise<void> {
    if (this.#isReading || this.#sink === undefined || this.#isEnded) return
    this.#isReading = true
    try {
      let heardOf: number
      do {
        heardOf = this.#heardOf
        this.#tell(await this.#read())
        // Once more only where something was heard meanwhile: an order that lags behind its topic is no reason to spin.
      } while (!this.#isEnded && this.#heardOf > Math.max(heardOf, this.#told))
    } catch (error) {
      // Whatever else it is: asked again soon.
      if (error instanceof Refusal && error.code === 'order-not-found') this.end()
    } finally {
      this.#isReading = false
      this.#lookAgainAt = lookAgainAt()
    }
  }

  #tell(order: OrderView): void {
    if (this.#isEnded) return
    for (const change of changesAfter(order, this.#told)) {
      this.#sink?.send(change)
      this.#told = change.data.version
    }
    if (isDecided(order)) this.end()
  }
}

// So that those who came together do not come again together.
function spread(ms: number): number {
  return Math.round(ms * (0.5 + Math.random()))
}

function lookAgainAt(): number {
  return performance.now() + LOOK_AGAIN_MS * (0.8 + Math.random() * 0.4)
}
