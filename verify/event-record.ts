import { headersOf, utf8, type PrintedRecord } from '@timesale/testkit/console-consumer'

/** A record that says of itself that it is an event of the shop. */
export interface EventRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly source: string
  readonly type: string
  readonly aggregateId: string
  readonly version: number
  readonly time: string
  readonly data: Readonly<Record<string, unknown>>
}

/** The event in a record, or what keeps it from being one. */
export function eventOf(topic: string, record: PrintedRecord): EventRecord | string {
  const { partition, offset } = record
  const headers = headersOf(record.headers)
  const version = Number(headers['ce_aggregateversion'])
  const aggregateId = record.key === undefined ? undefined : utf8(record.key)
  if (headers['ce_specversion'] !== '1.0') return 'it has no CloudEvents headers'
  if (aggregateId === undefined || headers['ce_subject'] !== aggregateId) return 'its key is not its subject'
  if (!Number.isSafeInteger(version) || version < 1) return 'it has no version'
  if (headers['ce_id'] !== `${aggregateId}.${version}`) return `its id is ${headers['ce_id']}`
  const data = parse(record.value)
  if (data === undefined) return 'its value is no JSON object'
  const { ce_source: source = '', ce_type: type = '', ce_time: time = '' } = headers
  if (Number.isNaN(Date.parse(time))) return 'it has no time'
  return { topic, partition, offset, source, type, aggregateId, version, time, data }
}

/** For people: where a record is. */
export function placeOf({ topic, partition, offset }: { topic: string; partition: number; offset: number }): string {
  return `${topic}-${partition}@${offset}`
}

function parse(value: string | undefined): Record<string, unknown> | undefined {
  if (value === undefined) return undefined
  try {
    const data: unknown = JSON.parse(utf8(value))
    return typeof data === 'object' && data !== null && !Array.isArray(data)
      ? (data as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
