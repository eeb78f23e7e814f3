import { respond } from './call.ts'
import { ApiProblem } from './problem.ts'
import { shown, untilHidden } from './seen.ts'
import type { Seat } from './session.ts'

export type StreamState =
  | { readonly is: 'connecting' }
  | { readonly is: 'open' }
  /** Tries again by itself. */
  | { readonly is: 'broken'; readonly problem: ApiProblem }

export interface EventStreamOptions {
  readonly seat: Seat
  readonly path: string
  readonly onEvent: (event: { readonly name: string; readonly data: unknown; readonly id: string }) => void
  readonly onState: (state: StreamState) => void
  readonly signal: AbortSignal
  /** A server that says nothing for so long, not even a heartbeat, is gone. */
  readonly silentMs?: number
}

/** Heartbeats come each 15 s. */
const SILENT_MS = 40_000
/** A stream begins with an answer like any other. */
const ANSWER_MS = 10_000
const BACKOFF_MIN_MS = 500
const BACKOFF_MAX_MS = 5_000
/** Nobody may come in with what we have; somebody has to log in first. */
const HOPELESS: ReadonlySet<string> = new Set(['unauthenticated', 'forbidden', 'not-found', 'order-not-found'])

/**
 * Follows server-sent events until `signal` says enough, or they end for good (204), or nobody may read them. Not while the
 * page is hidden: a browser has six connections to a host for all of its tabs. Fetch and not EventSource, which cannot send
 * a token (HTML standard, 9.2).
 */
export async function followEvents(options: EventStreamOptions): Promise<void> {
  const { signal, onState } = options
  const position: Position = { lastEventId: '' }
  for (let failures = 0; !signal.aborted;) {
    await shown(signal)
    if (signal.aborted) return
    onState({ is: 'connecting' })
    const hidden = untilHidden()
    try {
      if ((await followOnce({ ...options, signal: AbortSignal.any([signal, hidden.signal]) }, position)) === 'over')
        return
      // Ended by the server: it is being replaced, or the token is too old.
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      if (hidden.signal.aborted) continue
      const problem = error instanceof ApiProblem ? error : new ApiProblem('no-connection', { cause: error })
      onState({ is: 'broken', problem })
      if (HOPELESS.has(problem.code)) return
      failures += 1
    } finally {
      hidden.forget()
    }
    await pause(Math.min(BACKOFF_MIN_MS * 2 ** failures, BACKOFF_MAX_MS) * (0.75 + Math.random() / 2), signal)
  }
}

interface Position {
  lastEventId: string
}

async function followOnce(
  { seat, path, onEvent, onState, signal, silentMs = SILENT_MS }: EventStreamOptions,
  position: Position,
): Promise<'over' | 'ended'> {
  const gone = new AbortController()
  const late = setTimeout(() => gone.abort(new ApiProblem('no-answer-in-time')), ANSWER_MS)
  const answer = await respond(seat, path, {
    headers: {
      accept: 'text/event-stream',
      ...(position.lastEventId === '' ? {} : { 'last-event-id': position.lastEventId }),
    },
    signal: AbortSignal.any([signal, gone.signal]),
    timeoutMs: 2 ** 31 - 1,
  }).finally(() => clearTimeout(late))
  if (answer.status === 204 || answer.body === null) return 'over'
  onState({ is: 'open' })
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  const parser = new EventParser((event) => {
    if (event.id !== '') position.lastEventId = event.id
    onEvent({ ...event, data: JSON.parse(event.data) as unknown })
  })
  for (;;) {
    const silence = setTimeout(() => gone.abort(new ApiProblem('no-connection')), silentMs)
    try {
      const { done, value } = await reader.read()
      if (done) return 'ended'
      parser.take(value)
    } finally {
      clearTimeout(silence)
    }
  }
}

/** The fields of an event stream, in whatever pieces it comes (HTML standard, 9.2.6). */
class EventParser {
  readonly #onEvent: (event: { name: string; data: string; id: string }) => void
  #rest = ''
  #name = ''
  #data: string[] = []
  #id = ''

  constructor(onEvent: (event: { name: string; data: string; id: string }) => void) {
    this.#onEvent = onEvent
  }

  take(piece: string): void {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#line(line)
  }

  #line(line: string): void {
    if (line === '') return this.#end()
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.#name = value
    else if (field === 'data') this.#data.push(value)
    else if (field === 'id') this.#id = value
  }

  #end(): void {
    if (this.#data.length > 0) {
      this.#onEvent({ name: this.#name === '' ? 'message' : this.#name, data: this.#data.join('\n'), id: this.#id })
    }
    this.#name = ''
    this.#data = []
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
