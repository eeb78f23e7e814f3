import { EVENTS } from '@timesale/contracts/catalogue'
import { createDecoder, type RawRecord } from '@timesale/kafka/decode'
import { readRecordsOfKey } from '@timesale/kafka/records-of-key'
import { traceId } from '@timesale/telemetry/trace'
import type { TracedRecord } from './hops.ts'

/** Clocks of producers and databases differ, by less than this. */
const SKEW_MS = 60_000

/**
 * The records of an order on order-topic and stock-topic, in the order of each, from about when it was placed. Throws where
 * Kafka does not answer. `deadline` is of `performance.now()`.
 */
export async function readRecords(
  brokers: readonly string[],
  orderId: string,
  options: {
    readonly placedAt: Date
    readonly isEnough: (found: readonly TracedRecord[]) => boolean
    readonly deadline: number
  },
): Promise<TracedRecord[]> {
  const decode = createDecoder(EVENTS, EVENTS)
  const traced = (records: readonly RawRecord[]): TracedRecord[] =>
    records.map((record) => {
      const { topic, partition, offset, timestamp } = record
      const place = { topic, partition, offset, at: new Date(Number(timestamp)) }
      const decoded = decode(record)
      if ('dead' in decoded) return { ...place, what: `no event: ${decoded.dead.reason}` }
      const { type, source, version, traceparent } = decoded.event
      return {
        ...place,
        what: type,
        event: { source, version, traceId: traceparent === undefined ? undefined : traceId(traceparent) },
      }
    })
  const found = await readRecordsOfKey({
    clientId: 'timesale-gateway-trace',
    brokers,
    topics: ['order-topic', 'stock-topic'],
    key: orderId,
    since: new Date(options.placedAt.getTime() - SKEW_MS),
    isEnough: (records) => options.isEnough(traced(records)),
    deadline: options.deadline,
  })
  return traced(found)
}
