import { join } from 'node:path'
import { OrderedProducer } from '@timesale/kafka/producer'
import { Offsets } from '@timesale/testkit/offsets'
import { median, shown } from '../framework/chart.ts'
import { startChild } from '../framework/child-program.ts'
import type { Bench, Claim, Figure } from '../framework/experiment.ts'
import { startServers } from '../framework/servers.ts'
import { diskBytesOf, dropFromCache, segmentsBelow } from './page-cache.ts'
import type { Given, Told } from './program.ts'
import { RangeReader, type ReadSample } from './range-reader.ts'
import { recordsOf, sampleSends, type SendSample } from './sends.ts'

const LARGE = 'large'
const RECORD_BYTES = 1_024
// With what stands around each record this is just below what a broker takes in one batch (1 MiB).
const LARGE_SEND = 900
const TOPIC_BYTES = 1.25 * 2 ** 30
const READ_BYTES = 1.5 * 2 ** 28
const SEGMENT_BYTES = 2 ** 27

/** What is written while one reads. */
const BESIDE = 'beside'
const BESIDE_SEND = 100
const ALONE_MS = 1_500
const WARM_UP_MS = 1_000

// What two cores with other work on them leave of a difference.
const LATE_TAKES = 5
const LATE_LEAVES = 0.6
const FROM_MEMORY = 0.05

interface LargeRead extends ReadSample {
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
  const old = await segmentsBelow(await reader.folder(), wanted)
  const { pid } = servers.part('kafka-1')
  const run = async (from: bigint, to: bigint): Promise<LargeRead> => {
    const before = await diskBytesOf(pid)
    const sample = await reader.read(from, to)
    const after = await diskBytesOf(pid)
    return { ...sample, diskBytes: before === undefined || after === undefined ? undefined : after - before }
  }
  const ranges: Readonly<Record<'newest' | 'oldest', readonly [from: bigint, to: bigint]>> = {
    newest: [end - wanted, end],
    oldest: [0n, wanted],
  }
  await using producer = new OrderedProducer({ clientId: 'lab', brokers: [servers.brokers] })
  await servers.createTopic(BESIDE, 1)
  const send = (over: (ms: number) => boolean): Promise<SendSample> =>
    sampleSends(producer, offsets, recordsOf(BESIDE, BESIDE_SEND, RECORD_BYTES), over)
  const sendBeside = async (which: 'newest' | 'oldest'): Promise<SendSample> => {
    const [from, to] = ranges[which]
    const given: Given = { brokers: servers.brokers, topic: LARGE, from: String(from), to: String(to) }
    await using other = startChild<Told>(join(import.meta.dirname, 'program.ts'), given)
    const read = other.heard('what it has read', (told) => told !== 'reading')
    let isOver = false
    const over = (): void => void (isOver = true)
    read.then(over, over)
    await other.heard('it reads', (told) => told === 'reading')
    const sample = await send(() => isOver)
    await read
    return sample
  }
  // The first dropping writes out what is not on the disk yet, which is nobody's time.
  let dropped = await dropFromCache(old)
  await run(...ranges.newest)
  await send((ms) => ms > WARM_UP_MS)
  const [newest, oldest]: [LargeRead[], LargeRead[]] = [[], []]
  const beside: Record<Beside, SendSample[]> = { alone: [], newest: [], oldest: [] }
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    newest.push(await run(...ranges.newest))
    dropped = (await dropFromCache(old)) && dropped
    oldest.push(await run(...ranges.oldest))
    beside.alone.push(await send((ms) => ms > ALONE_MS))
    beside.newest.push(await sendBeside('newest'))
    dropped = (await dropFromCache(old)) && dropped
    beside.oldest.push(await sendBeside('oldest'))
    const [ofNewest, ofOldest] = [newest, oldest].map((reads) => shown(reads[repeat]?.megabytesPerSecond ?? 0))
    say(`MB/s: newest ${ofNewest}, oldest ${ofOldest}${dropped ? '' : ', which could not be dropped from memory'}`)
    const rates = Object.entries(beside).map(([who, samples]) => `${who} ${shown(samples[repeat]?.perSecond ?? 0)}`)
    say(`records/s written beside a reader: ${rates.join(', ')}`)
  }
  return { newest, oldest, beside, dropped, written }
}

export function claimsOfReads({ newest, oldest, beside }: Reads): Claim[] {
  const rate = (reads: readonly LargeRead[]): number =>
    median(reads.map(({ megabytesPerSecond }) => megabytesPerSecond))
  const share = (reads: readonly LargeRead[]): number =>
    median(reads.map(({ bytes, diskBytes = 0 }) => diskBytes / bytes))
  const factor = rate(newest) / rate(oldest)
  const [alone, besideNewest, besideOldest] = [beside.alone, beside.newest, beside.oldest].map((samples) =>
    median(ratesOf(samples)),
  ) as [number, number, number]
  const told = isToldOfDisk(newest)
  const fromDisk = told ? `, ${shown(share(oldest) * 100)}% of it from the disk` : ', from where is not told here'
  return [
    {
      text: {
        en: `A reader at the beginning of a large topic is not ${LATE_TAKES} times slower than one at its end`,
        ko: `큰 토픽을 처음부터 읽어도 끝에서 읽는 것보다 ${LATE_TAKES}배까지 느리지는 않다`,
      },
      holds: factor < LATE_TAKES,
      because: `${shown(rate(oldest))} MB/s${fromDisk}, against ${shown(rate(newest))} MB/s`,
    },
    {
      text: {
        en: `It leaves a producer at least ${LATE_LEAVES} of what a reader at the end leaves it: what costs is reading, not being late`,
        ko: `그동안 프로듀서는 끝에서 읽는 컨슈머가 있을 때의 ${LATE_LEAVES}배 이상을 보낸다: 비싼 것은 읽기이지 늦음이 아니다`,
      },
      holds: besideOldest >= LATE_LEAVES * besideNewest,
      because: `${shown(besideOldest)} against ${shown(besideNewest)} records/s, and ${shown(alone)} with nobody reading`,
    },
    ...(told
      ? [
          {
            text: {
              en: 'What was written last is read without the disk',
              ko: '방금 쓴 것은 디스크 없이 읽힌다',
            },
            holds: share(newest) < FROM_MEMORY,
            because: `${shown(share(newest) * 100)}% from the disk`,
          },
        ]
      : []),
  ]
}

export function figuresOfReads({ newest, oldest, beside, dropped }: Reads): Figure[] {
  const megabytes = shown(READ_BYTES / 1e6)
  const ofNewest = { en: 'the newest', ko: '가장 새 레코드' }
  const ofOldest = dropped
    ? { en: 'the oldest, dropped from memory', ko: '가장 오래된 레코드, 캐시에서 제거' }
    : { en: 'the oldest, in memory or not', ko: '가장 오래된 레코드, 캐시 여부 모름' }
  return [
    {
      title: { en: `Reading ${megabytes} MB of a topic`, ko: `토픽에서 ${megabytes}MB 읽기` },
      unit: 'MB/s',
      bars: [
        { side: ofNewest, values: newest.map(({ megabytesPerSecond }) => megabytesPerSecond) },
        { side: ofOldest, values: oldest.map(({ megabytesPerSecond }) => megabytesPerSecond) },
      ],
    },
    {
      title: { en: 'Records confirmed to a producer meanwhile', ko: '그동안 프로듀서가 확인받은 레코드' },
      unit: 'records/s',
      bars: [
        { side: { en: 'nobody reads', ko: '읽는 쪽 없음' }, values: ratesOf(beside.alone) },
        { side: { en: 'one reads the newest', ko: '가장 새 레코드를 읽는 중' }, values: ratesOf(beside.newest) },
        {
          side: { en: 'one reads the oldest', ko: '가장 오래된 레코드를 읽는 중' },
          values: ratesOf(beside.oldest),
        },
      ],
    },
    ...(isToldOfDisk(newest)
      ? [
          {
            title: { en: 'Of that, what the broker had read from the disk', ko: '그중 브로커가 디스크에서 읽은 양' },
            unit: 'MB',
            bars: [
              { side: ofNewest, values: diskMegabytes(newest) },
              { side: { en: 'the oldest', ko: '가장 오래된 레코드' }, values: diskMegabytes(oldest) },
            ],
          },
        ]
      : []),
  ]
}

async function fill(brokers: string): Promise<void> {
  await using producer = new OrderedProducer({ clientId: 'lab', brokers: brokers.split(',') })
  const records = recordsOf(LARGE, LARGE_SEND, RECORD_BYTES)
  for (let bytes = 0; bytes < TOPIC_BYTES; bytes += LARGE_SEND * RECORD_BYTES) await producer.send(records)
}

function ratesOf(samples: readonly SendSample[]): number[] {
  return samples.map(({ perSecond }) => perSecond)
}

function diskMegabytes(reads: readonly LargeRead[]): number[] {
  return reads.map(({ diskBytes = 0 }) => diskBytes / 1e6)
}

function isToldOfDisk(reads: readonly LargeRead[]): boolean {
  return reads.every(({ diskBytes }) => diskBytes !== undefined)
}
