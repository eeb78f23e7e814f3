import { setTimeout as sleep } from 'node:timers/promises'
import { ProduceAcks, Producer } from '@platformatic/kafka'
import { within } from '@timesale/process/deadline'
import { median } from '../framework/chart.ts'

/** Whose word a send waits for: nobody's, the leader's, or that of all replicas that are in sync. */
export type Acks = '0' | '1' | 'all'

const WAITS_FOR: Readonly<Record<Acks, number>> = {
  '0': ProduceAcks.NO_RESPONSE,
  '1': ProduceAcks.LEADER,
  all: ProduceAcks.ALL,
}

const EVERY_MS = 20
const RECORDS_A_SEND = 40
const RECORD_BYTES = 150
const RETRY_MS = 300
/** A leader that is missed after seconds, on a busy machine. */
const SETTLED_WITHIN_MS = 60_000

/** Sends records to partition 0 at a pace that nothing slows down, tries again for as long as it takes, and remembers what was acknowledged. */
export class Sender implements AsyncDisposable {
  readonly acks: Acks
  /** Ids of records whose send has resolved. */
  readonly acknowledged = new Set<string>()
  readonly #producer: Producer
  readonly #topic: string
  readonly #idPrefix: string
  readonly #over = new AbortController()
  readonly #sends: Promise<void>[] = []
  readonly #waitsMs: number[] = []
  #measuredFrom = Number.POSITIVE_INFINITY
  #pacing: Promise<void> | undefined

  constructor(acks: Acks, { brokers, topic, round }: { brokers: string; topic: string; round: number }) {
    this.acks = acks
    this.#topic = topic
    this.#idPrefix = `${round}-${acks}`
    this.#producer = new Producer({
      ...{ clientId: `acks-${acks}`, bootstrapBrokers: brokers.split(',') },
      // The same for all three. What is sent again may be there twice, which is not what is asked here.
      ...{ retries: true, retryDelay: RETRY_MS },
    })
    // An error of a connection rejects the call it belongs to as well; without a listener it would end the process.
    this.#producer.on('error', () => undefined)
  }

  start(): void {
    this.#pacing = this.#sendAtPace()
  }

  /** From now on it counts how long an acknowledgement takes: those before waited for a connection too. */
  measure(): void {
    this.#measuredFrom = performance.now()
  }

  get measuredSends(): number {
    return this.#waitsMs.length
  }

  /** How long an acknowledgement took so far. */
  get medianWaitMs(): number {
    return median(this.#waitsMs)
  }

  /** Begins no send any more. Resolves when all that were begun have come to an end, good or bad. */
  async stop(): Promise<void> {
    this.#over.abort()
    await this.#pacing
    const late = (): Error => new Error(`Sends with acks=${this.acks} have come to no end in ${SETTLED_WITHIN_MS} ms`)
    await within(SETTLED_WITHIN_MS, Promise.all(this.#sends), late)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort()
    await this.#pacing
    await this.#producer.close(true)
  }

  async #sendAtPace(): Promise<void> {
    const began = performance.now()
    for (let send = 0; !this.#over.signal.aborted; send += 1) {
      const early = began + send * EVERY_MS - performance.now()
      if (early > 0) await sleep(early)
      this.#sends.push(this.#send(send))
    }
  }

  async #send(send: number): Promise<void> {
    const ids = Array.from({ length: RECORDS_A_SEND }, (_, index) => `${this.#idPrefix}-${send}-${index}`)
    const began = performance.now()
    try {
      // NOTE: here and not in the constructor, which takes it as well and does nothing with it.
      await this.#producer.send({ acks: WAITS_FOR[this.acks], messages: ids.map((id) => this.#record(id)) })
    } catch {
      // Whoever sends hears of it, and knows what to send again: not what is looked for here.
      return
    }
    if (began >= this.#measuredFrom) this.#waitsMs.push(performance.now() - began)
    for (const id of ids) this.acknowledged.add(id)
  }

  #record(id: string): { topic: string; partition: number; key: Buffer; value: Buffer } {
    return { topic: this.#topic, partition: 0, key: Buffer.from(id), value: Buffer.alloc(RECORD_BYTES, 'x') }
  }
}
