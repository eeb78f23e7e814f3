import type { Static, TSchema } from 'typebox'
import type { TopicName } from './topics.ts'

/**
 * Where an aggregate's facts come from (CloudEvents 1.0 `source`). Together with the aggregate id it names one
 * stream of versions 1, 2, 3 …; `ordering` says how a reader follows it:
 * `facts` are applied one after the other without a gap, `state` carries the whole state, so any newer version will do.
 */
export const SOURCES = {
  '/order/orders': { ordering: 'facts', topic: 'order-topic' },
  '/stock/reservations': { ordering: 'facts', topic: 'stock-topic' },
  '/stock/products': { ordering: 'facts', topic: 'stock-topic' },
  '/product/products': { ordering: 'state', topic: 'product-topic' },
  '/seller/shops': { ordering: 'state', topic: 'seller-topic' },
  '/account/settings': { ordering: 'state', topic: 'settings-topic' },
} as const satisfies Record<string, { ordering: Ordering; topic: TopicName }>

export type Ordering = 'facts' | 'state'
export type Source = keyof typeof SOURCES

/** One kind of event: its wire name, where it is found, and the JSON Schema of its data. */
export interface EventDefinition<Schema extends TSchema = TSchema> {
  /** CloudEvents `type`, `<noun>.<past tense>.v<major>`. */
  readonly type: string
  readonly topic: TopicName
  readonly source: Source
  /** The field of the data that holds the aggregate id. */
  readonly idField: 'orderId' | 'productId' | 'shopId' | 'settingsId'
  readonly schema: Schema
}

/** Something that has happened to one aggregate, ready for the outbox. `data` is plain JSON. */
export interface Fact<Schema extends TSchema = TSchema> {
  readonly definition: EventDefinition<Schema>
  readonly aggregateId: string
  /** Counts from 1; every fact of an aggregate takes the next one. */
  readonly version: number
  readonly data: Static<Schema>
  /** The W3C trace context of what caused it, when that differs from one fact of a batch to the next. */
  readonly traceparent?: string | undefined
}

export function defineEvent<const Schema extends TSchema>(
  definition: EventDefinition<Schema>,
): EventDefinition<Schema> {
  return definition
}

export function fact<Schema extends TSchema>(
  definition: EventDefinition<Schema>,
  about: { aggregateId: string; version: number; data: Static<Schema>; traceparent?: string | undefined },
): Fact<Schema> {
  return { definition, ...about }
}

/** CloudEvents `id`. Derivable from the aggregate, so that no table stores it and any checker can compute it. */
export function eventId(aggregateId: string, version: number): string {
  return `${aggregateId}.${version}`
}
