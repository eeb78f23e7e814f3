import type { TopicName } from '@timesale/contracts/topics'
import type { RawRecord } from './decode.ts'
import { LogReader } from './log-reader.ts'
import { keyToPartition } from './partition.ts'

export interface RecordsOfKeyOptions {
  readonly clientId: string
  readonly brokers: readonly string[]
  readonly topics: readonly TopicName[]
  readonly key: string
  /** Records that producers have stamped before this are not looked at. */
  readonly since: Date
  /** Asked after each answer of a broker: nothing more need be looked for, but what comes twice soon after. */
  readonly isEnough: (found: readonly RawRecord[]) => boolean
  /** When to stop, by `performance.now()`; the answer then has what was found until then. */
  readonly deadline: number
}

/** A relay that takes over from one that died sends again what that one had sent and not crossed off: by then it has. */
const REPEATED_WITHIN_MS = 60_000n

/** Throws what the reader throws where no broker answers. */
export async function readRecordsOfKey(options: RecordsOfKeyOptions): Promise<RawRecord[]> {
  const { clientId, brokers, topics, since, isEnough, deadline } = options
  const key = Buffer.from(options.key)
  await using reader = new LogReader({ clientId, brokers, topics })
  const bounds = await reader.bounds(since)
  // One key is in one partition of each topic, whoever wrote it there by the usual rule.
  const own = topics.flatMap((topic) => {
    const partitions = bounds.filter((one) => one.topic === topic)
    return partitions.filter(({ partition }) => partition === keyToPartition(key) % partitions.length)
  })
  const left = new Map(own.filter(({ first, end }) => first < end).map((one) => [one.topic, one.end]))
  const found: RawRecord[] = []
  if (left.size === 0) return found
  reader.startAt(own.map(({ topic, partition, first }) => ({ topic, partition, offset: first })))
  let last = 0n
  while (left.size > 0 && performance.now() < deadline) {
    const answer = await reader.next().catch((error: unknown) => {
      // What was looked for is there already, and more was only hoped for.
      if (isEnough(found)) return undefined
      throw error
    })
    if (answer === undefined) break
    const { records, next } = answer
    for (const record of records) {
      if (record.key?.equals(key) !== true) continue
      found.push(copyOf(record))
      if (record.timestamp > last) last = record.timestamp
    }
    for (const { topic, offset } of next) if (offset >= (left.get(topic) ?? offset)) left.delete(topic)
    if (!isEnough(found)) continue
    for (const { topic, timestamp } of records) if (timestamp > last + REPEATED_WITHIN_MS) left.delete(topic)
  }
  return found
}

// A record as it was fetched keeps the broker's whole answer.
function copyOf({ topic, partition, offset, timestamp, key, value, headers }: RawRecord): RawRecord {
  const copied = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes))
  return {
    ...{ topic, partition, offset, timestamp, key: copied(key), value: copied(value) },
    headers: headers.map(([name, text]) => [copied(name), copied(text)] as const),
  }
}
