import { Refusal } from '@timesale/contracts/refusals'
import type { Door } from '../redis/door.ts'
import type { Answer, Wish } from './place-orders.ts'

/** Somebody who waits for an answer. */
export interface Waiting {
  readonly wish: Wish
  /** Id and body. */
  readonly key: string
  /** Of performance.now(). */
  readonly since: number
  /** Several, when the same order was sent again while the first one is under way. */
  readonly replies: { resolve: (answer: Answer) => void; reject: (error: unknown) => void }[]
  /** What Redis says of the product. */
  soldOut: boolean
}

/** Tells buyers what became of their orders. */
export type Tell = () => void

export interface WaitingLineOptions {
  readonly door: Pick<Door, 'look'>
  /** Ids are distinct. Never rejects; whoever is not told by what it resolves to has been told before. */
  readonly flush: (batch: readonly Waiting[]) => Promise<Tell>
}

const FLUSH_MAX = 128
const WAITING_MAX = 10_000
/**
 * Whoever comes while more wait than a flush takes, and would wait this long, or one of them has, is told to come again:
 * an answer within a second, in any rush. Whoever is let in must be counted by how long those before him will take: by
 * the age of the oldest alone, thousands got in while the line was young, and the last of them waited for a second.
 */
const WAIT_MAX_MS = 150
/** How much a flush that was quicker than expected says of the next one. Of a slower one that is all. */
const QUICK_FLUSH_WEIGHT = 0.3
// One for all: it says nothing of any order, and is needed when there is no time for anything.
export const OVERLOADED = new Refusal('overloaded', { accepted: false })

/**
 * Those who wait, in the order of arrival, in three rows: arrived, being looked up in Redis, and ready. What is ready is
 * flushed, one flush at a time. Meanwhile those who have arrived are looked up, so that the next flush need not wait for
 * Redis (a quarter more orders a second at 64 and at 256 connections), and a Redis that hangs does not hold up this one.
 */
export class WaitingLine {
  readonly #door: Pick<Door, 'look'>
  readonly #flush: WaitingLineOptions['flush']
  #arrived: Waiting[] = []
  #looking: readonly Waiting[] = []
  #ready: Waiting[] = []
  /** All of them by id and body. */
  readonly #known = new Map<string, Waiting>()
  /** How many are with the database. */
  #underWay = 0
  /** Of performance.now(): when that began. */
  #sentAt = 0
  /** What a full flush takes at least, by those before. */
  #flushMs = 0
  #isGathering = false

  constructor({ door, flush }: WaitingLineOptions) {
    this.#door = door
    this.#flush = flush
  }

  join(wish: Wish): Promise<Answer> {
    if (this.isTooLong) return Promise.reject(OVERLOADED)
    const since = performance.now()
    return new Promise((resolve, reject) => {
      const key = `${wish.orderId} ${wish.body}`
      const same = this.#known.get(key)
      if (same !== undefined) {
        same.replies.push({ resolve, reject })
        return
      }
      const one = { wish, key, since, soldOut: false, replies: [{ resolve, reject }] }
      this.#known.set(key, one)
      this.#arrived.push(one)
      this.#gather()
    })
  }

  /** Those who wait are told that they wait in vain. */
  failAll(why: (wish: Wish) => unknown): void {
    const all = [...this.#ready, ...this.#looking, ...this.#arrived]
    this.#ready = []
    this.#looking = []
    this.#arrived = []
    this.#known.clear()
    for (const one of all) fail(one, why(one.wish))
  }

  /** Whether whoever comes now is told to come again. */
  get isTooLong(): boolean {
    const length = this.#ready.length + this.#looking.length + this.#arrived.length
    if (length < FLUSH_MAX) return false
    const now = performance.now()
    // One that hangs is known by how long it has hung, before it ends.
    const flushMs = Math.max(this.#flushMs, this.#underWay > 0 ? now - this.#sentAt : 0)
    if ((length / FLUSH_MAX) * flushMs > WAIT_MAX_MS) return true
    const oldest = this.#ready[0] ?? this.#looking[0] ?? this.#arrived[0]
    return length >= WAITING_MAX || (oldest !== undefined && now - oldest.since > WAIT_MAX_MS)
  }

  // Requests that come in together, in one turn of the event loop, are looked up together, and flushed.
  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    setImmediate(() => {
      this.#isGathering = false
      this.#goOn()
    })
  }

  #goOn(): void {
    if (this.#underWay === 0 && this.#ready.length > 0) this.#send()
    // Half of the flush under way: with fewer, looks are small and dear (7 % at 256 connections); more are too late.
    const worthALook = this.#arrived.length > 0 && this.#arrived.length >= this.#underWay / 2
    if (worthALook && this.#looking.length === 0 && this.#ready.length < FLUSH_MAX) void this.#look()
  }

  async #look(): Promise<void> {
    const some = this.#arrived.splice(0, FLUSH_MAX)
    this.#looking = some
    const { repeated, soldOut } = await this.#door.look(some.map(({ wish }) => wish))
    // All who waited were told meanwhile that the database does not answer.
    if (this.#looking !== some) return
    this.#looking = []
    for (const one of some) {
      if (repeated.has(one.wish.orderId)) {
        this.#known.delete(one.key)
        answer(one, 'accepted')
      } else {
        one.soldOut = soldOut.has(one.wish.productId)
        this.#ready.push(one)
      }
    }
    this.#goOn()
  }

  // Alone: two flushes at once, each on a connection or one behind the other on the same one, are smaller ones and gain
  // nothing, since what limits it is this process.
  #send(): void {
    const batch = this.#takeDistinct()
    this.#underWay = batch.length
    this.#sentAt = performance.now()
    void this.#flush(batch).then((tell) => {
      this.#underWay = 0
      this.#learn(batch.length, performance.now() - this.#sentAt)
      this.#goOn()
      tell()
    })
  }

  // Before a sale flushes are small and quick: by them thousands would be let in when it begins.
  #learn(orders: number, ms: number): void {
    if (ms > this.#flushMs) this.#flushMs = ms
    else if (orders > FLUSH_MAX / 2) this.#flushMs += (ms - this.#flushMs) * QUICK_FLUSH_WEIGHT
  }

  // Another body under an id that is in this flush waits for the next one: it must be judged by what became of the first.
  #takeDistinct(): Waiting[] {
    const ids = new Set<string>()
    const taken: Waiting[] = []
    const left: Waiting[] = []
    let at = 0
    for (; at < this.#ready.length && taken.length < FLUSH_MAX; at += 1) {
      const one = this.#ready[at] as Waiting
      if (ids.has(one.wish.orderId)) {
        left.push(one)
        continue
      }
      ids.add(one.wish.orderId)
      this.#known.delete(one.key)
      taken.push(one)
    }
    this.#ready = [...left, ...this.#ready.slice(at)]
    return taken
  }
}

export function answer(one: Waiting, what: Answer): void {
  for (const { resolve } of one.replies) resolve(what)
}

export function fail(one: Waiting, error: unknown): void {
  for (const { reject } of one.replies) reject(error)
}
