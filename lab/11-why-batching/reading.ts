import { join } from 'node:path'
import { OrderedProducer } from '@timesale/kafka/producer'
import { Offsets } from '@timesale/testkit/offsets'
import { shown } from '../framework/chart.ts'
import { startChild } from '../framework/child-program.ts'
import type { Bench } from '../framework/experiment.ts'
import { startServers } from '../framework/servers.ts'
import { diskBytesOf, dropFromCache } from '../framework/page-cache.ts'
import { segmentsOf } from '../framework/segments.ts'
import type { Given, Told } from './program.ts'
import { RangeReader, type ReadSample } from './range-reader.ts'
import { recordsOf, sampleSends, type SendSample } from './sends.ts'

const LARGE = 'large'
const RECORD_BYTES = 1_024
// With what stands around each record this is just below what a broker takes in one batch (1 MiB).
const LARGE_SEND = 900
const TOPIC_BYTES = 1.25 * 2 ** 30
export const READ_BYTES = 1.5 * 2 ** 28
const SEGMENT_BYTES = 2 ** 27

/** What is written while one reads. */
const BESIDE = 'beside'
const BESIDE_SEND = 100
const ALONE_MS = 1_500
const WARM_UP_MS = 1_000

export interface LargeRead extends ReadSample {
  /** Undefined where that is not told. */
  readonly diskBytes: number | undefined
}

/** What a producer has beside it: nobody, a reader of what was written last, one of what was written first. */
type Beside = 'alone' | 'newest' | 'oldest'

export interface Reads {
  readonly newest: readonly LargeRead[]
  readonly oldest: readonly LargeRead[]
  /** Records that a producer had confirmed meanwhile. */
  readonly beside: Readonly<Record<Beside, readonly SendSample[]>>
  /** What the reader of the oldest has read beside the producer. */
  readonly besideOldest: readonly LargeRead[]
  /** Whether the oldest were dropped from memory before each time. */
  readonly dropped: boolean
  readonly written: number
}

/** On one broker: what is asked is how it reads, and two more would write as much beside it. */
export async function measureReads({ say, repeats }: Bench): Promise<Reads> {
  say('starting one broker')
  await using servers = await startServers({ kafka: 1 })
  await using offsets = new Offsets(servers.brokers)
  await servers.createTopic(LARGE, 1, { 'segment.bytes': String(SEGMENT_BYTES) })
  say(`writing ${shown(TOPIC_BYTES / 1e6)} MB`)
  await fill(servers.brokers)
  const written = await offsets.count(LARGE)
  const wanted = BigInt(READ_BYTES / RECORD_BYTES)
  const end = BigInt(written)

  await using reader = new RangeReader(servers.brokers, LARGE)
  const old = await segmentsOf(servers.brokers, LARGE, wanted)
  const { pid } = servers.part('kafka-1')
  const fromDisk = async (read: () => Promise<ReadSample>): Promise<LargeRead> => {
    const before = await diskBytesOf(pid)
    const sample = await read()
    const after = await diskBytesOf(pid)
    return { ...sample, diskBytes: before === undefined || after === undefined ? undefined : after - before }
  }
  const run = (from: bigint, to: bigint): Promise<LargeRead> => fromDisk(() => reader.read(from, to))
  const ranges: Readonly<Record<'newest' | 'oldest', readonly [from: bigint, to: bigint]>> = {
    newest: [end - wanted, end],
    oldest: [0n, wanted],
  }
  await using producer = new OrderedProducer({ clientId: 'lab', brokers: [servers.brokers] })
  await servers.createTopic(BESIDE, 1)
  const send = (over: (ms: number) => boolean): Promise<SendSample> =>
    sampleSends(producer, offsets, recordsOf(BESIDE, BESIDE_SEND, RECORD_BYTES), over)
  const beside: Record<Beside, SendSample[]> = { alone: [], newest: [], oldest: [] }
  const sendBeside = async (which: 'newest' | 'oldest'): Promise<LargeRead> => {
    const [from, to] = ranges[which]
    const given: Given = { brokers: servers.brokers, topic: LARGE, from: String(from), to: String(to) }
    await using other = startChild<Told>(join(import.meta.dirname, 'program.ts'), given)
    const read = other.heard('what it has read', (told) => told !== 'reading' && told)
    const isReading = other.heard('it reads', (told) => told === 'reading')
    // Both are awaited below.
    isReading.catch(() => undefined)
    let isOver = false
    const over = (): void => void (isOver = true)
    read.then(over, over)
    return await fromDisk(async () => {
      await isReading
      beside[which].push(await send(() => isOver))
      return await read
    })
  }
  // The first dropping writes out what is not on the disk yet, which is nobody's time.
  let dropped = await dropFromCache(old)
  await run(...ranges.newest)
  await send((ms) => ms > WARM_UP_MS)
  const [newest, oldest, besideOldest]: [LargeRead[], LargeRead[], LargeRead[]] = [[], [], []]
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    newest.push(await run(...ranges.newest))
    dropped = (await dropFromCache(old)) && dropped
    oldest.push(await run(...ranges.oldest))
    beside.alone.push(await send((ms) => ms > ALONE_MS))
    await sendBeside('newest')
    dropped = (await dropFromCache(old)) && dropped
    besideOldest.push(await sendBeside('oldest'))
    const [ofNewest, ofOldest] = [newest, oldest].map((reads) => shown(reads[repeat]?.megabytesPerSecond ?? 0))
    say(`MB/s: newest ${ofNewest}, oldest ${ofOldest}${dropped ? '' : ', which could not be dropped from memory'}`)
    const rates = Object.entries(beside).map(([who, samples]) => `${who} ${shown(samples[repeat]?.perSecond ?? 0)}`)
    say(`records/s written beside a reader: ${rates.join(', ')}`)
  }
  return { newest, oldest, beside, besideOldest, dropped, written }
}

async function fill(brokers: string): Promise<void> {
  await using producer = new OrderedProducer({ clientId: 'lab', brokers: brokers.split(',') })
  const records = recordsOf(LARGE, LARGE_SEND, RECORD_BYTES)
  for (let bytes = 0; bytes < TOPIC_BYTES; bytes += LARGE_SEND * RECORD_BYTES) await producer.send(records)
}
