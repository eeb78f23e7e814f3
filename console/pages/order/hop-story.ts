import type { OrderTrace, TraceHop } from '@timesale/contracts/trace-api'

/** Who follows what is told of an order, each with an inbox. */
const FOLLOWS = {
  order: ['/stock/reservations'],
  stock: ['/order/orders'],
  notification: ['/order/orders'],
  analytics: ['/order/orders', '/stock/reservations'],
} as const

/** What a hop is in the story of an order; each has a sentence in order-text.ts. */
export type Story =
  | 'accepted'
  | 'decided'
  | 'cancelled'
  | 'sent'
  | 'noEvent'
  | 'reserved'
  | 'committed'
  | 'released'
  | 'notified'
  | 'waitsForGap'
  | 'waitsForHandler'
  | 'applied'
  | 'row'

export function storyOf({ kind, where, what, version }: TraceHop): Story {
  switch (kind) {
    case 'record':
      return what.startsWith('no event') ? 'noEvent' : 'sent'
    case 'applied':
      return 'applied'
    case 'waiting':
      return what.includes('handler failed') ? 'waitsForHandler' : 'waitsForGap'
    case 'row':
      if (where === 'notification') return 'notified'
      if (where === 'stock') return ledgerStoryOf(what)
      if (where !== 'order') return 'row'
      if (version === 1) return 'accepted'
      return what === 'CANCELLED' ? 'cancelled' : 'decided'
  }
}

function ledgerStoryOf(what: string): Story {
  if (what.startsWith('RESERVE')) return 'reserved'
  if (what.startsWith('COMMIT')) return 'committed'
  return what.startsWith('RELEASE') ? 'released' : 'row'
}

/** The request or the type of the event that led to a hop, without the event's id. */
export function causeOf({ cause = '' }: TraceHop): string {
  return /^\S+\.v\d+(?= )/.exec(cause)?.[0] ?? cause
}

/** How often a handler has failed, of `its handler failed 3 times`; undefined where it is not told. */
export function attemptsOf(what: string): number | undefined {
  const told = /failed (\d+) times/.exec(what)?.[1]
  return told === undefined ? undefined : Number(told)
}

/** Hops of a time, one after the other; and how far each consumer has applied what is told, whose time is not kept. */
export function partsOf(hops: readonly TraceHop[]): {
  readonly timed: readonly TraceHop[]
  readonly inboxes: readonly TraceHop[]
} {
  return {
    timed: hops.filter(({ kind }) => kind !== 'applied'),
    inboxes: hops.filter(({ kind }) => kind === 'applied'),
  }
}

/** Whose records they are: an order's own, or those of what stock holds for it. */
const SOURCE_OF = { 'order-topic': '/order/orders', 'stock-topic': '/stock/reservations' } as const

/** The newest version that was told on the topic of a source; 0 where none was. */
export function newestTold(hops: readonly TraceHop[], source: string): number {
  const versions = hops.flatMap(({ kind, record, version }) =>
    kind === 'record' && record !== undefined && sourceOf(record.topic) === source ? [version ?? 0] : [],
  )
  return Math.max(0, ...versions)
}

function sourceOf(topic: string): string | undefined {
  return Object.hasOwn(SOURCE_OF, topic) ? SOURCE_OF[topic as keyof typeof SOURCE_OF] : undefined
}

/**
 * Whether more is still to come: the order is not decided, something could not be read or waits, or a consumer has not yet
 * applied what was told. Then it is worth asking again.
 */
export function isUnfinished({ status, hops, missing }: OrderTrace): boolean {
  if (status === 'PLACED' || missing.length > 0 || hops.some(({ kind }) => kind === 'waiting')) return true
  return Object.entries(FOLLOWS).some(([consumer, sources]) =>
    sources.some((source) => {
      // Nothing was told where stock has not heard of an order that was cancelled, and then there is nothing to apply.
      const newest = newestTold(hops, source)
      const upTo = hops.find(({ kind, where, what }) => kind === 'applied' && where === consumer && what === source)
      return newest > (upTo?.version ?? 0)
    }),
  )
}

/** Where on a line from the first to the last hop a hop stands, from 0 to 1. */
export function placeOf(hop: TraceHop, hops: readonly TraceHop[]): number | undefined {
  const last = Math.max(...hops.map(({ afterMs }) => afterMs ?? 0))
  if (hop.afterMs === null) return undefined
  return last === 0 ? 0 : hop.afterMs / last
}
