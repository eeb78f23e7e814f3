import type { Source } from '@timesale/contracts/event'
import type { Notice } from '@timesale/contracts/notification-api'
import type { OrderView } from '@timesale/contracts/order-api'
import type { ServiceTrace, TraceHop } from '@timesale/contracts/trace-api'

/** A record of the order's key, as far as it could be read. */
export interface TracedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** By the producer's clock. */
  readonly at: Date
  /** Absent where it is no event of the shop; then `what` says why. */
  readonly event?: { readonly source: Source; readonly version: number; readonly traceId?: string | undefined }
  /** The event's type, or why it is none. */
  readonly what: string
}

/** What was found of an order. A part is left out where it was not found. */
export interface TraceParts {
  readonly order: OrderView
  readonly notices?: readonly Notice[] | undefined
  readonly services: Readonly<Partial<Record<string, ServiceTrace>>>
  readonly records: readonly TracedRecord[]
}

const MOVED_BY = '/stock/reservations' satisfies Source

type Found = Omit<TraceHop, 'afterMs' | 'stepMs'>

/** One after the other by their times, which are of several clocks; last those whose time is not kept. */
export function hopsOf({ order, notices = [], services, records }: TraceParts): TraceHop[] {
  const found: Found[] = [
    ...order.history.map(({ at, status, version, cause }) => ({ ...row('order', at, status), version, cause })),
    ...Object.entries(services).flatMap(([where, known]) => (known === undefined ? [] : fromService(where, known))),
    ...notices.map(({ at, kind }) => row('notification', at, `notice ${kind}`)),
    ...fromRecords(records),
  ]
  const timed = found.filter(({ at }) => at !== null)
  // Stable: what has the same time stays as above, where rows come before the records that tell of them.
  timed.sort((one, other) => Date.parse(one.at ?? '') - Date.parse(other.at ?? ''))
  const first = Date.parse(timed[0]?.at ?? '')
  let last = first
  const placed = timed.map((hop) => {
    const at = Date.parse(hop.at ?? '')
    const stepMs = at - last
    last = at
    return { ...hop, afterMs: at - first, stepMs }
  })
  const others = found.filter(({ at }) => at === null).map((hop) => ({ ...hop, afterMs: null, stepMs: null }))
  return [...placed, ...others]
}

/** Whether every fact is among the records that somebody has applied, or that order or stock itself has told. */
export function areAllThere(
  { order, services }: Omit<TraceParts, 'records'>,
  records: readonly TracedRecord[],
): boolean {
  const wanted = new Map<Source, number>([['/order/orders', order.history.at(-1)?.version ?? 0]])
  for (const known of Object.values(services)) {
    for (const { source, version } of known?.applied ?? [])
      wanted.set(source, Math.max(wanted.get(source) ?? 0, version))
    // Of what stock has moved last nobody may have heard yet. Each movement is told by a fact of its version.
    for (const { version } of known?.movements ?? []) wanted.set(MOVED_BY, Math.max(wanted.get(MOVED_BY) ?? 0, version))
  }
  const there = new Set(records.map(({ event }) => (event === undefined ? '' : `${event.source} ${event.version}`)))
  return [...wanted].every(([source, last]) =>
    Array.from({ length: last }, (_, index) => `${source} ${index + 1}`).every((fact) => there.has(fact)),
  )
}

function row(where: string, at: string, what: string): Found {
  return { at, where, kind: 'row', what }
}

function fromService(where: string, { applied, waiting, movements }: ServiceTrace): Found[] {
  return [
    ...movements.map(({ at, kind, quantity, version }) => ({ ...row(where, at, `${kind} ${quantity}`), version })),
    ...waiting.map(({ since, source, version, reason, attempts, topic, partition, offset }) => ({
      ...{ at: since, where, kind: 'waiting' as const, version },
      what: `${source}: ${reason === 'gap' ? 'waits for one before it' : `its handler failed ${attempts} times`}`,
      record: { topic, partition, offset },
    })),
    ...applied.map(({ source, version }) => ({
      ...{ at: null, where, kind: 'applied' as const, what: source, version },
    })),
  ]
}

function fromRecords(records: readonly TracedRecord[]): Found[] {
  const seen = new Set<string>()
  return records.map(({ topic, partition, offset, at, event, what }) => {
    const fact = event === undefined ? undefined : `${event.source} ${event.version}`
    const isRepeated = fact !== undefined && seen.has(fact)
    if (fact !== undefined) seen.add(fact)
    return {
      ...{ at: at.toISOString(), where: topic, kind: 'record' as const, what },
      ...(event === undefined ? {} : { version: event.version }),
      record: {
        ...{ topic, partition, offset: String(offset) },
        ...(event?.traceId === undefined ? {} : { traceId: event.traceId }),
      },
      ...(isRepeated ? { isRepeated } : {}),
    }
  })
}
