import { eventId, type Fact } from '@timesale/contracts/event'
import { nextTraceparent } from '@timesale/telemetry/trace'

/** A record's headers as the outbox keeps them: text where that is lossless, else base64. */
export type StoredHeader =
  | readonly [name: string, value: string]
  | readonly [name: string, value: string, encoding: 'base64']

/** CloudEvents 1.0, Kafka protocol binding, binary mode: metadata in headers, the value is the data alone. */
export function eventHeaders(fact: Fact, at: Date, traceparent: string | undefined): StoredHeader[] {
  return [
    ['ce_specversion', '1.0'],
    ['ce_type', fact.definition.type],
    ['ce_source', fact.definition.source],
    ['ce_id', eventId(fact.aggregateId, fact.version)],
    ['ce_subject', fact.aggregateId],
    ['ce_time', at.toISOString()],
    ['ce_aggregateversion', String(fact.version)],
    ['content-type', 'application/json'],
    ['traceparent', nextTraceparent(fact.traceparent ?? traceparent)],
  ]
}

export function storeHeader(name: Buffer, value: Buffer | null): StoredHeader {
  const bytes = value ?? Buffer.alloc(0)
  const text = bytes.toString('utf8')
  const lossless = Buffer.from(text, 'utf8').equals(bytes)
  return lossless ? [name.toString('utf8'), text] : [name.toString('utf8'), bytes.toString('base64'), 'base64']
}

export function headerBytes([name, value, encoding]: StoredHeader): [Buffer, Buffer] {
  return [Buffer.from(name, 'utf8'), Buffer.from(value, encoding === 'base64' ? 'base64' : 'utf8')]
}
