import { useSyncExternalStore } from 'react'
import type { Happened, LiveView } from '@timesale/contracts/console-api'
import { setFineClock } from './call.ts'
import { followEvents, type StreamState } from './event-stream.ts'

/** What is known of the running shop, a second old at most while `stream` is open. */
export interface Live {
  readonly view: LiveView | undefined
  /** Newest first. */
  readonly happened: readonly Happened[]
  readonly stream: StreamState
}

const KEPT_MAX = 200
/** A view comes each second. */
const SILENT_MS = 5_000
/** Pages follow each other; the stream stays open between two. */
const CLOSED_AFTER_MS = 3_000

let live: Live = { view: undefined, happened: [], stream: { is: 'connecting' } }
const listeners = new Set<() => void>()
let following: AbortController | undefined
let closing: ReturnType<typeof setTimeout> | undefined

/** The shop as it runs, by one stream for all who look. */
export function useLive(): Live {
  return useSyncExternalStore(subscribe, () => live)
}

/** Comes again at once, for instance after somebody has logged in. */
export function reopenLive(): void {
  following?.abort()
  following = undefined
  if (listeners.size > 0) open()
}

function subscribe(changed: () => void): () => void {
  listeners.add(changed)
  clearTimeout(closing)
  if (following === undefined) open()
  return () => {
    listeners.delete(changed)
    if (listeners.size > 0) return
    closing = setTimeout(() => {
      following?.abort()
      following = undefined
    }, CLOSED_AFTER_MS)
  }
}

function open(): void {
  const own = new AbortController()
  following = own
  void followEvents({
    seat: 'operator',
    path: '/api/console/live',
    signal: own.signal,
    silentMs: SILENT_MS,
    onState: (stream) => {
      if (following === own) change({ stream })
    },
    onEvent: ({ name, data }) => {
      if (following !== own) return
      if (name === 'live') {
        const view = data as LiveView
        setFineClock(Date.parse(view.at))
        change({ view })
      } else if (name === 'happened') {
        change({ happened: withOne(live.happened, data as Happened) })
      }
    },
  })
}

// A gateway that was started again counts from the beginning, and may tell what is known already.
function withOne(happened: readonly Happened[], one: Happened): readonly Happened[] {
  if (happened.some(({ id, at }) => id === one.id && at === one.at)) return happened
  return [one, ...happened].slice(0, KEPT_MAX)
}

function change(part: Partial<Live>): void {
  live = { ...live, ...part }
  for (const changed of listeners) changed()
}
