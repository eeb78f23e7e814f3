import type { PartActionName, PartView } from '@timesale/contracts/console-api'
import { ApiProblem } from '../../api/problem.ts'

/** In the order of their buttons. */
export const ACTIONS = [
  'kill',
  'stop',
  'pause',
  'resume',
  'start',
  'restart',
] as const satisfies readonly PartActionName[]

const SENSIBLE: Readonly<Record<PartView['state'], readonly PartActionName[]>> = {
  running: ['kill', 'stop', 'pause', 'restart'],
  starting: ['kill', 'stop'],
  // It died and is started again by the supervisor, again and again.
  restarting: ['kill', 'stop', 'restart'],
  paused: ['kill', 'stop', 'resume', 'restart'],
  stopped: ['start'],
  external: [],
  unknown: [],
}

/** Whether an action changes anything about a part that is so. */
export function isSensible(action: PartActionName, state: PartView['state']): boolean {
  return SENSIBLE[state].includes(action)
}

/** What brings a part back that is away. */
export function wayBack(state: PartView['state']): 'start' | 'resume' | undefined {
  return state === 'stopped' ? 'start' : state === 'paused' ? 'resume' : undefined
}

/** Whoever ends the gateway need not be told that it does not answer; that it refused, they do. */
export function isSilent(part: string, error: unknown): boolean {
  return part === 'gateway' && error instanceof ApiProblem && error.status === 0
}

/**
 * What it costs beyond the part itself: the gateway serves this page, account renews what it was let in with, and without its
 * last broker Kafka is away.
 */
export type Price = 'gateway' | 'account' | 'last-broker'

const RENEWS: ReadonlySet<string> = new Set(['account', 'postgres-account'])

/** What somebody should know before they do this; undefined where the page is for nothing else. */
export function priceOf(
  action: PartActionName,
  part: Pick<PartView, 'name' | 'kind'>,
  parts: readonly Pick<PartView, 'name' | 'kind' | 'state'>[],
): Price | undefined {
  if (action === 'start' || action === 'resume') return undefined
  if (part.name === 'gateway') return 'gateway'
  // A restart is over long before what was given ends.
  if (RENEWS.has(part.name)) return action === 'restart' ? undefined : 'account'
  if (part.kind !== 'broker') return undefined
  const isAnotherThere = parts.some(
    ({ name, kind, state }) => kind === 'broker' && name !== part.name && (state === 'running' || state === 'external'),
  )
  return isAnotherThere ? undefined : 'last-broker'
}
