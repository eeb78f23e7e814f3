import { randomBytes } from 'node:crypto'
import type { OrderedProducer } from '@timesale/kafka/producer'
import type { OutgoingRecord } from '@timesale/kafka/record-batch'
import type { Offsets } from '@timesale/testkit/offsets'

export interface SendSample {
  readonly records: number
  readonly perSecond: number
  readonly msPerSend: number
}

/** Bytes that no file system makes smaller: what comes from the disk is counted as it lies there. */
const NOISE = randomBytes(2 ** 20)

/** What one send carries, all for partition 0. */
export function recordsOf(topic: string, count: number, bytes: number): OutgoingRecord[] {
  return Array.from({ length: count }, (_none, index) => {
    const at = (index * bytes) % (NOISE.length - bytes)
    return { topic, key: null, value: NOISE.subarray(at, at + bytes), headers: [] }
  })
}

/** Sends one after the other until it is `over`, at least once; the broker says how many records it has. */
export async function sampleSends(
  producer: OrderedProducer,
  offsets: Offsets,
  records: readonly OutgoingRecord[],
  over: (ms: number) => boolean,
): Promise<SendSample> {
  const topic = records[0]?.topic ?? ''
  const before = await offsets.count(topic)
  const began = performance.now()
  let sends = 0
  do {
    await producer.send(records)
    sends += 1
  } while (!over(performance.now() - began))
  const ms = performance.now() - began
  const count = (await offsets.count(topic)) - before
  if (count !== sends * records.length)
    throw new Error(`${sends * records.length} records were sent, and ${count} are there`)
  return { records: count, perSecond: (count * 1000) / ms, msPerSend: ms / sends }
}
