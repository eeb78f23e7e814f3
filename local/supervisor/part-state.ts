export type PartState = 'starting' | 'running' | 'restarting' | 'stopped' | 'paused' | 'external'

/** Where a part stands. `wanted` is what the person asked for last; a part that is wanted up is started again when it dies. */
export interface Situation {
  readonly state: PartState
  readonly wanted: 'up' | 'down'
  /** In a row, without a good while of running between them. */
  readonly deaths: number
}

export type PartEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'died'; readonly ranMs: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }

export type PartAction = 'start' | 'stop' | 'kill' | 'pause' | 'resume' | 'restart'

export const initialSituation: Situation = { state: 'stopped', wanted: 'down', deaths: 0 }

// After this long a death is a new story, and not one more of the same.
const GOOD_WHILE_MS = 30_000

/** What a part's situation is after something happened to it. An event that changes nothing gives the same object back. */
export function after(before: Situation, event: PartEvent): Situation {
  if (before.state === 'external') return before
  switch (event.kind) {
    case 'start':
      if (before.state === 'stopped') return { state: 'starting', wanted: 'up', deaths: 0 }
      return before.wanted === 'up' ? before : { ...before, wanted: 'up' }
    case 'ready':
      return before.state === 'starting' || before.state === 'restarting' ? { ...before, state: 'running' } : before
    case 'died':
      if (before.wanted === 'down') return { ...before, state: 'stopped' }
      return { ...before, state: 'restarting', deaths: event.ranMs >= GOOD_WHILE_MS ? 1 : before.deaths + 1 }
    case 'stop':
      // The state is `stopped` only once the process has died: a port may still be held until then.
      return { ...before, wanted: 'down' }
    case 'pause':
      return before.state === 'running' ? { ...before, state: 'paused' } : before
    case 'resume':
      return before.state === 'paused' ? { ...before, state: 'running' } : before
  }
}

/** Half a second, then doubled, up to ten. */
export function backoffMs(deaths: number): number {
  return Math.min(10_000, 500 * 2 ** Math.max(0, deaths - 1))
}

/** Why an action makes no sense now, or undefined. Asking for what is the case already is not refused. */
export function refusal(state: PartState, action: PartAction): string | undefined {
  if (state === 'external') return 'it is a server of your own, which is not started or stopped here'
  if (action === 'pause' && state !== 'running' && state !== 'paused')
    return `only a running part can be paused; it is ${state}`
  if (action === 'resume' && state !== 'paused' && state !== 'running')
    return `only a paused part can be resumed; it is ${state}`
  if (action === 'start' && state === 'paused') return 'it is paused; use `resume`, or `restart`'
  return undefined
}
