import { useSyncExternalStore } from 'react'
import { gatewayNow } from '../api/clock.ts'

// One timer for all ages on a page, so that they move together.
const listeners = new Set<() => void>()
let now = gatewayNow()
let timer: ReturnType<typeof setInterval> | undefined

/** The gateway's clock, each half second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now)
}

function subscribe(changed: () => void): () => void {
  listeners.add(changed)
  timer ??= setInterval(() => {
    now = gatewayNow()
    for (const listener of listeners) listener()
  }, 500)
  return () => {
    listeners.delete(changed)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}
