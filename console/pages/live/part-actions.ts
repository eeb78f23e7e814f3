import type { PartActionName, PartView } from '@timesale/contracts/console-api'

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

/** What it costs beyond the part itself: the gateway serves this page, and without its last broker Kafka is away. */
export type Price = 'gateway' | 'last-broker'

/** What somebody should know before they do this; undefined where the page is for nothing else. */
export function priceOf(
  action: PartActionName,
  part: Pick<PartView, 'name' | 'kind'>,
  parts: readonly Pick<PartView, 'name' | 'kind' | 'state'>[],
): Price | undefined {
  if (action === 'start' || action === 'resume') return undefined
  if (part.name === 'gateway') return 'gateway'
  if (part.kind !== 'broker') return undefined
  const isAnotherThere = parts.some(
    ({ name, kind, state }) => kind === 'broker' && name !== part.name && (state === 'running' || state === 'external'),
  )
  return isAnotherThere ? undefined : 'last-broker'
}
