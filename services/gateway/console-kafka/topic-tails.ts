import { setTimeout as sleep } from 'node:timers/promises'
import type { TailEvent } from '@timesale/contracts/console-api'
import { Refusal } from '@timesale/contracts/refusals'
import type { LiveSink, LiveStreamAbout } from '../console/live-streams.ts'
import type { AskKafka } from './ask-kafka.ts'
import { TopicFollower } from './follow-topic.ts'

export interface TopicTailsOptions {
  readonly ask: AskKafka
  readonly isRevoked: (sessionId: string) => boolean
}

const MAX = 50
const MAX_PER_ACCOUNT = 10
const LOOK_EVERY_MS = 500
const SIGN_OF_LIFE_MS = 5_000
const RETRY_MS = 2_000
/** A reader who takes nothing for so long has gone, and not said so. */
const STUCK_MS = 30_000

/** Everybody who watches what comes to a topic. */
export class TopicTails {
  readonly #options: TopicTailsOptions
  readonly #tails = new Map<AbortController, LiveStreamAbout & { readonly sink: LiveSink }>()
  #isClosed = false

  constructor(options: TopicTailsOptions) {
    this.#options = options
  }

  /** Throws `rate-limited` where the account has 10, and `overloaded`. */
  requireRoom(accountId: string): void {
    const own = [...this.#tails.values()].filter((tail) => tail.accountId === accountId)
    if (own.length >= MAX_PER_ACCOUNT)
      throw new Refusal('rate-limited', { accepted: false }, `An account watches ${MAX_PER_ACCOUNT} topics at most`)
    if (this.#tails.size >= MAX) throw new Refusal('overloaded', { accepted: false })
  }

  /** Tells what comes from now on. Resolves at its end, or when `gone` does. */
  async run(about: LiveStreamAbout, sink: LiveSink, topic: string, gone: Promise<void>): Promise<void> {
    sink.hintRetry(spread(RETRY_MS))
    // Who comes while we close is sent on.
    if (this.#isClosed) return
    const over = new AbortController()
    const ended = new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()))
    this.#tails.set(over, { ...about, sink })
    try {
      // A look that waits for a broker holds up nobody's end.
      await Promise.race([this.#follow(about, sink, topic, over.signal), ended, gone])
    } finally {
      over.abort()
      this.#tails.delete(over)
    }
  }

  /** Ends all; they come again, to whoever answers then. */
  close(): void {
    this.#isClosed = true
    for (const [over, { sink }] of this.#tails) {
      sink.hintRetry(spread(RETRY_MS))
      over.abort()
    }
  }

  async #follow(about: LiveStreamAbout, sink: LiveSink, topic: string, over: AbortSignal): Promise<void> {
    const follower = new TopicFollower(this.#options.ask, topic)
    let told = { at: Number.NEGATIVE_INFINITY, reachable: true }
    let fullSince: number | undefined
    for (;;) {
      const began = performance.now()
      if (about.expiresAt <= Date.now() || this.#options.isRevoked(about.sessionId)) return
      // Nothing is read for whoever has not taken what was sent before: it is skipped when he has.
      if (sink.isFull()) {
        fullSince ??= began
        if (began - fullSince >= STUCK_MS) return sink.drop()
      } else {
        fullSince = undefined
        const event = await this.#look(follower)
        if (event === 'gone' || over.aborted) return
        const { reachable, records, skipped } = event
        const isNews = records.length > 0 || skipped > 0 || reachable !== told.reachable
        if (isNews || began - told.at >= SIGN_OF_LIFE_MS) {
          sink.send({ event: 'records', data: JSON.stringify(event) })
          told = { at: began, reachable }
        }
      }
      await sleep(Math.max(0, began + LOOK_EVERY_MS - performance.now()), undefined, { signal: over }).catch(
        () => undefined,
      )
      if (over.aborted) return
    }
  }

  // `gone`: there is no such topic any more.
  async #look(follower: TopicFollower): Promise<TailEvent | 'gone'> {
    const at = new Date().toISOString()
    try {
      const { records, skipped } = await follower.look()
      return { at, reachable: true, records: [...records], skipped }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return error.code === 'topic-not-found' ? 'gone' : { at, reachable: false, records: [], skipped: 0 }
    }
  }
}

// So that those who came together do not come again together.
function spread(ms: number): number {
  return Math.round(ms * (0.5 + Math.random()))
}
