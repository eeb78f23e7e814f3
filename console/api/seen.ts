// Whether anybody looks at this page. A tab in the background is hidden; one that is not in front of other windows is not.

/** Resolves when the page is shown, at once where it is, or when `signal` says enough. */
export function shown(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (document.hidden && !signal.aborted) return
      document.removeEventListener('visibilitychange', look)
      signal.removeEventListener('abort', look)
      resolve()
    }
    document.addEventListener('visibilitychange', look)
    signal.addEventListener('abort', look)
    look()
  })
}

/** A signal that says when the page is hidden. `forget`: nobody listens to it any more. */
export function untilHidden(): { readonly signal: AbortSignal; readonly forget: () => void } {
  const hidden = new AbortController()
  const look = (): void => {
    if (document.hidden) hidden.abort()
  }
  document.addEventListener('visibilitychange', look)
  look()
  return { signal: hidden.signal, forget: () => document.removeEventListener('visibilitychange', look) }
}
