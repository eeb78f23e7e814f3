import type { Happened, LiveView } from '@timesale/contracts/console-api'
import { Refusal } from '@timesale/contracts/refusals'
import type { Happenings } from './happenings.ts'

export interface LiveStreamAbout {
  readonly accountId: string
  readonly sessionId: string
  /** When the token expires, in milliseconds since the epoch. */
  readonly expiresAt: number
}

/** Where the events of a stream go; `data` is JSON. What comes after its end goes nowhere. */
export interface LiveSink {
  send(event: { readonly event: string; readonly data: string; readonly id?: string }): void
  /** How long to wait before coming again after the stream has ended, in milliseconds. */
  hintRetry(ms: number): void
  /** Whether the reader has not taken what was sent before. */
  isFull(): boolean
  /** Hangs up. */
  drop(): void
}

interface LiveStream {
  readonly about: LiveStreamAbout
  readonly sink: LiveSink
  readonly end: () => void
  fullSince: number | undefined
}

export interface LiveStreamsOptions {
  readonly listen: (listener: (view: LiveView) => void) => () => void
  readonly happenings: Happenings
  readonly isRevoked: (sessionId: string) => boolean
}

const MAX = 200
const MAX_PER_ACCOUNT = 20
const RETRY_MS = 2_000
/** A reader who takes nothing for so long has gone, and not said so. */
const STUCK_MS = 30_000

/** Everybody who looks at the live page. */
export class LiveStreams {
  readonly #options: LiveStreamsOptions
  readonly #streams = new Set<LiveStream>()
  #unlisten: (() => void) | undefined
  #isClosed = false

  constructor(options: LiveStreamsOptions) {
    this.#options = options
  }

  /** Throws `rate-limited` where the account has 20, and `overloaded`. */
  requireRoom(accountId: string): void {
    const own = [...this.#streams].filter(({ about }) => about.accountId === accountId)
    if (own.length >= MAX_PER_ACCOUNT)
      throw new Refusal('rate-limited', { accepted: false }, `An account has ${MAX_PER_ACCOUNT} streams at most`)
    if (this.#streams.size >= MAX) throw new Refusal('overloaded', { accepted: false })
  }

  /** Tells what has happened since, and each second how things are. Resolves at its end, or when `gone` does. */
  async run(about: LiveStreamAbout, sink: LiveSink, after: number, gone: Promise<void>): Promise<void> {
    const ended = Promise.withResolvers<void>()
    const stream: LiveStream = { about, sink, end: ended.resolve, fullSince: undefined }
    sink.hintRetry(spread(RETRY_MS))
    // Who comes while we close is sent on.
    if (this.#isClosed) return
    for (const happened of this.#options.happenings.after(after)) sink.send(eventOf(happened))
    this.#streams.add(stream)
    this.#unlisten ??= this.#listen()
    try {
      await Promise.race([ended.promise, gone])
    } finally {
      this.#streams.delete(stream)
      if (this.#streams.size === 0) this.#stopListening()
    }
  }

  /** Ends all; they come again, to whoever answers then. */
  close(): void {
    this.#isClosed = true
    for (const { sink, end } of this.#streams) {
      sink.hintRetry(spread(RETRY_MS))
      end()
    }
  }

  #listen(): () => void {
    const unlisten = this.#options.listen((view) => this.#tell(view))
    const deafen = this.#options.happenings.listen((happened) => {
      const event = eventOf(happened)
      for (const { sink } of this.#streams) sink.send(event)
    })
    return () => {
      unlisten()
      deafen()
    }
  }

  #stopListening(): void {
    this.#unlisten?.()
    this.#unlisten = undefined
  }

  #tell(view: LiveView): void {
    const event = { event: 'live', data: JSON.stringify(view) }
    const now = Date.now()
    for (const stream of this.#streams) {
      const { about, sink, end } = stream
      if (about.expiresAt <= now || this.#options.isRevoked(about.sessionId)) end()
      else if (!sink.isFull()) {
        stream.fullSince = undefined
        sink.send(event)
      } else {
        stream.fullSince ??= now
        if (now - stream.fullSince >= STUCK_MS) sink.drop()
      }
    }
  }
}

function eventOf(happened: Happened): Parameters<LiveSink['send']>[0] {
  return { event: 'happened', data: JSON.stringify(happened), id: String(happened.id) }
}

// So that those who came together do not come again together.
function spread(ms: number): number {
  return Math.round(ms * (0.5 + Math.random()))
}
