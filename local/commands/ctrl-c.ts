const ONE_PRESS_MS = 1000
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
export type EndSignal = (typeof SIGNALS)[number]

/**
 * Aborted by Ctrl-C, SIGTERM, or when the terminal is closed, with what `reason` makes of it. Signals within a second count as one, since both the
 * terminal and npm pass a Ctrl-C on. A later one is the usual end.
 */
export function abortedByCtrlC(
  reason: (name: EndSignal) => unknown,
  onAbort: () => void,
  onePressMs = ONE_PRESS_MS,
): AbortSignal {
  const end = new AbortController()
  let firstAt: number | undefined
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (firstAt === undefined) {
        firstAt = performance.now()
        onAbort()
        end.abort(reason(name))
      } else if (performance.now() - firstAt > onePressMs) {
        process.removeAllListeners(name)
        process.kill(process.pid, name)
      }
    })
  }
  return end.signal
}

/** Rejects when the signal is aborted, or has been. */
export function rejectsOnAbort(signal: AbortSignal): Promise<never> {
  const aborted = new Promise<never>((_resolve, reject) => {
    const end = (): void => reject(signal.reason as Error)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
  // Also while nobody waits for it.
  aborted.catch(() => undefined)
  return aborted
}
