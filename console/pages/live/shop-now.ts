import type { GroupLagView, LiveView, OutboxView, PartView } from '@timesale/contracts/console-api'
import type { Arrow } from './picture.ts'
import { databaseOf, isService, WITH_DATABASE } from './shop-map.ts'

/** What was read longer ago than this was not read again in its turn. */
const OLD_AFTER_MS = 5_000
/** Totals come less often: they are counted in a twentieth of the time, which under load is not each second. */
const TOTALS_OLD_AFTER_MS = 15_000
/** A bar of lag is full from here on: two minutes of a thousand orders a second. */
const LAG_FULL = 120_000

type View = LiveView | undefined

/** A part as the supervisor told of it, or what can be said where it did not. */
export function partNamed(view: View, name: string): PartView {
  const told = view?.parts?.list.find((part) => part.name === name)
  if (told !== undefined) return told
  const replicas = replicasOf(view, name)
  const best = replicas.find(({ state }) => state === 'running') ?? replicas[0]
  return best === undefined ? { name, kind: kindOf(name), state: 'unknown', port: 0 } : { ...best, name }
}

/** The processes of a service of which there are several: order-1, order-2. */
export function replicasOf(view: View, name: string): readonly PartView[] {
  return (view?.parts?.list ?? []).filter((part) => part.kind === 'service' && serviceOf(part.name) === name)
}

function serviceOf(name: string): string | undefined {
  const service = /^(.+)-\d+$/.exec(name)?.[1]
  return service !== undefined && isService(service) ? service : undefined
}

/** Kafka's brokers; one that nobody has heard from where no part is told of. */
export function brokersOf(view: View): readonly PartView[] {
  const brokers = view?.parts?.list.filter(({ kind }) => kind === 'broker') ?? []
  return brokers.length === 0 ? [partNamed(view, 'kafka-1')] : brokers
}

/** Parts that have no place in the picture, such as a service that somebody has added. */
export function otherParts(view: View): readonly PartView[] {
  const placed = new Set<string>(['redis', ...WITH_DATABASE.map((service) => databaseOf(service))])
  return (view?.parts?.list ?? []).filter(
    ({ name, kind }) =>
      !isService(name) &&
      !(kind === 'service' && serviceOf(name) !== undefined) &&
      !placed.has(name) &&
      kind !== 'broker',
  )
}

/** Groups that no service of the shop is called after, and that have read something: a tool leaves empty ones behind. */
export function otherGroups(view: View): readonly GroupLagView[] {
  return (view?.groups?.list ?? []).filter(({ group, lagRecords }) => !isService(group) && lagRecords !== null)
}

export function lagOf(view: View, group: string): GroupLagView | undefined {
  return view?.groups?.list.find((one) => one.group === group)
}

export function topicNamed(view: View, name: string) {
  return view?.topics?.list.find(({ topic }) => topic === name)
}

export function outboxOf(view: View, service: string): OutboxView | undefined {
  return view?.outboxes.find(({ outbox }) => outbox.service === service)?.outbox
}

/** Records a second on an arrow; undefined where it is not known now. */
export function rateOn(view: View, { kind, topic, service }: Pick<Arrow, 'kind' | 'topic' | 'service'>) {
  if (view === undefined) return undefined
  if (kind !== 'read') {
    return isOld(view, view.topics?.asOf) ? undefined : topicNamed(view, topic)?.perSecond
  }
  if (isOld(view, view.groups?.asOf)) return undefined
  return lagOf(view, service ?? '')?.topics.find((read) => read.topic === topic)?.perSecond
}

export function acceptedPerSecond(view: View): number | undefined {
  return totalsOf(view)?.acceptedPerSecond
}

/** What the order service has counted; undefined where that is long ago. */
export function totalsOf(view: View): NonNullable<LiveView['orders']> | undefined {
  if (view === undefined || isOld(view, view.orders?.asOf, TOTALS_OLD_AFTER_MS)) return undefined
  return view.orders ?? undefined
}

/** Whether something was not read again when it should have been, by the gateway's clock alone. */
export function isOld(view: LiveView, asOf: string | undefined, afterMs = OLD_AFTER_MS): boolean {
  return asOf === undefined || Date.parse(view.at) - Date.parse(asOf) > afterMs
}

/** How much of a bar is filled: the first records are seen at once, and a hundred thousand still fit in. */
export function lagShare(lagRecords: number): number {
  return Math.min(1, Math.log10(1 + lagRecords) / Math.log10(1 + LAG_FULL))
}

export type Trend = 'level' | 'growing' | 'draining' | 'not-known'

export function trendOf(lag: GroupLagView | undefined): Trend {
  if (lag === undefined || lag.lagRecords === null) return 'not-known'
  if (lag.lagRecords === 0) return 'level'
  return lag.drainSeconds === null ? 'growing' : 'draining'
}

function kindOf(name: string): PartView['kind'] {
  if (name === 'redis') return 'cache'
  if (name.startsWith('postgres-')) return 'database'
  return name.startsWith('kafka-') ? 'broker' : 'service'
}

/** The groups that read a topic, whoever they are. */
export function groupsReading(view: View, topic: string): readonly GroupLagView[] {
  return (view?.groups?.list ?? []).filter(({ topics }) => topics.some((read) => read.topic === topic))
}
