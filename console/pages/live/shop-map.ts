import { SOURCES } from '@timesale/contracts/event'
import { GROUPS, VIEW_GROUPS } from '@timesale/contracts/topics'

// What the shop consists of, as far as it is known before anybody has looked: names from contracts/, nothing measured.

export const SERVICES = [
  'gateway',
  'account',
  'seller',
  'product',
  'order',
  'storefront',
  'analytics',
  'notification',
  'stock',
] as const
export type ServiceName = (typeof SERVICES)[number]

export const WITH_DATABASE = [
  'account',
  'seller',
  'product',
  'order',
  'analytics',
  'notification',
  'stock',
] as const satisfies readonly ServiceName[]

export const SHOWN_TOPICS = ['order-topic', 'stock-topic', 'product-topic', 'seller-topic', 'settings-topic'] as const
export type ShownTopic = (typeof SHOWN_TOPICS)[number]

/** Which topics a group of the shop reads, in the order in which they are drawn. */
export function readBy(group: string): readonly ShownTopic[] {
  const reads: readonly string[] = { ...GROUPS, ...VIEW_GROUPS }[group as keyof typeof GROUPS] ?? []
  return SHOWN_TOPICS.filter((topic) => reads.includes(topic))
}

/** Which topics a service writes: a source is called after its service. */
export function writtenBy(service: string): readonly ShownTopic[] {
  const sources = Object.entries(SOURCES).filter(([source]) => source.startsWith(`/${service}/`))
  return SHOWN_TOPICS.filter((shown) => sources.some(([, { topic }]) => topic === shown))
}

export function readersOf(topic: string): readonly string[] {
  return SERVICES.filter((service) => readBy(service).some((read) => read === topic))
}

export function writersOf(topic: string): readonly string[] {
  return SERVICES.filter((service) => writtenBy(service).some((written) => written === topic))
}

export function isService(name: string): name is ServiceName {
  return SERVICES.some((service) => service === name)
}

export function databaseOf(service: string): string {
  return `postgres-${service}`
}
