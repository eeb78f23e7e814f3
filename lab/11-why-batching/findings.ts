import { median, shown } from '../framework/chart.ts'
import { sameText, unlessUnseen, type Claim, type Figure, type Text } from '../framework/experiment.ts'
import { READ_BYTES, type LargeRead, type Reads } from './reading.ts'
import { SIZES, type Sends, type Size } from './sending.ts'
import type { SendSample } from './sends.ts'

// What two cores with other work on them leave of a difference.
const HUNDRED_IS_FASTER = 10
const HUNDRED_TAKES = 4
const FIRST_HUNDRED = 2
const LATE_TAKES = 5
const LATE_LEAVES = 0.6
const FROM_MEMORY = 0.05
const FROM_DISK = 0.9

export function claimsOfSends(sends: Sends): Claim[] {
  const rate = (size: Size): number => median(sends[size].map(({ perSecond }) => perSecond))
  const ms = (size: Size): number => median(sends[size].map(({ msPerSend }) => msPerSend))
  const faster = rate(100) / rate(1)
  const slower = ms(100) / ms(1)
  const [toHundred, fromHundred] = [rate(100) / rate(1), rate(5_000) / rate(100)]
  return [
    {
      text: {
        en: `A hundred records a send are confirmed at least ${HUNDRED_IS_FASTER} times as fast as one a send`,
        ko: `한 번에 100개씩 보내면 하나씩 보낼 때보다 ${HUNDRED_IS_FASTER}배 이상 빠르다`,
      },
      holds: faster >= HUNDRED_IS_FASTER,
      because: {
        en: `${shown(rate(100))} against ${shown(rate(1))} records/s, ${shown(faster)} times`,
        ko: `초당 레코드 ${shown(rate(100))} 대 ${shown(rate(1))}, ${shown(faster)}배`,
      },
    },
    {
      text: {
        en: `For a hundred times the records a send takes less than ${HUNDRED_TAKES} times as long: it is the send that costs`,
        ko: `레코드가 100배여도 전송 한 번은 ${HUNDRED_TAKES}배도 걸리지 않는다: 비싼 것은 전송 그 자체다`,
      },
      holds: slower < HUNDRED_TAKES,
      because: { en: `${shown(ms(100))} against ${shown(ms(1))} ms`, ko: `${shown(ms(100))} 대 ${shown(ms(1))} ms` },
    },
    {
      text: {
        en: `The first hundred bring more than ${FIRST_HUNDRED} times what fifty times as many bring after them`,
        ko: `처음 100개까지의 이득이 거기서 50배를 더 담는 이득의 ${FIRST_HUNDRED}배를 넘는다`,
      },
      holds: toHundred > FIRST_HUNDRED * fromHundred,
      because: {
        en: `1 to 100: ${shown(toHundred)} times as fast; 100 to 5,000: ${shown(fromHundred)} times`,
        ko: `1개에서 100개로: ${shown(toHundred)}배 빠름; 100개에서 5,000개로: ${shown(fromHundred)}배`,
      },
    },
  ]
}

export function figuresOfSends(sends: Sends): Figure[] {
  const bars = (value: (sample: SendSample) => number): Figure['bars'] =>
    SIZES.map((size) => ({
      side: { en: `${shown(size)} a send`, ko: `한 번에 ${shown(size)}개` },
      values: sends[size].map(value),
    }))
  return [
    {
      title: { en: 'Records confirmed by three brokers, by records a send', ko: '한 번에 보내는 레코드 수와 처리량' },
      unit: { en: 'records/s', ko: '레코드/초' },
      bars: bars(({ perSecond }) => perSecond),
    },
    {
      title: { en: 'Until a send is confirmed', ko: '전송 한 번이 확인되기까지' },
      unit: sameText('ms'),
      bars: bars(({ msPerSend }) => msPerSend),
    },
  ]
}

export function claimsOfReads(reads: Reads): Claim[] {
  const { newest, oldest, beside, besideOldest } = reads
  const rate = (of: readonly LargeRead[]): number => median(of.map(({ megabytesPerSecond }) => megabytesPerSecond))
  const share = (of: readonly LargeRead[]): number => median(of.map(({ bytes, diskBytes = 0 }) => diskBytes / bytes))
  const factor = rate(newest) / rate(oldest)
  const besideRate = (who: keyof Reads['beside']): number => median(ratesOf(beside[who]))
  const untold = whyUntoldOfDisk(reads)
  const notFromDisk = untold ?? whyNotFromDisk(reads)
  return [
    unlessUnseen(notFromDisk, {
      text: {
        en: `A reader at the beginning of a large topic, who has it read from the disk, is not ${LATE_TAKES} times slower than one at its end`,
        ko: `큰 토픽을 처음부터 디스크에서 읽어도 끝에서 읽는 것보다 ${LATE_TAKES}배까지 느리지는 않다`,
      },
      holds: share(oldest) >= FROM_DISK && factor < LATE_TAKES,
      because: {
        en: `${shown(rate(oldest))} MB/s, ${shown(share(oldest) * 100)}% of it from the disk, against ${shown(rate(newest))} MB/s`,
        ko: `${shown(rate(oldest))} MB/s(디스크에서 ${shown(share(oldest) * 100)}%) 대 ${shown(rate(newest))} MB/s`,
      },
    }),
    unlessUnseen(notFromDisk, {
      text: {
        en: `It leaves a producer at least ${LATE_LEAVES} of what a reader at the end leaves it`,
        ko: `그동안 프로듀서는 끝에서 읽는 컨슈머가 있을 때의 ${LATE_LEAVES}배 이상을 보낸다`,
      },
      holds: share(besideOldest) >= FROM_DISK && besideRate('oldest') >= LATE_LEAVES * besideRate('newest'),
      because: {
        en: `${shown(besideRate('oldest'))} against ${shown(besideRate('newest'))} records/s, and ${shown(besideRate('alone'))} with nobody reading; ${shown(share(besideOldest) * 100)}% from the disk`,
        ko: `초당 레코드 ${shown(besideRate('oldest'))} 대 ${shown(besideRate('newest'))}, 아무도 읽지 않으면 ${shown(besideRate('alone'))}; 디스크에서 ${shown(share(besideOldest) * 100)}%`,
      },
    }),
    unlessUnseen(untold, {
      text: {
        en: 'What was written last is read without the disk',
        ko: '방금 쓴 것은 디스크 없이 읽힌다',
      },
      holds: share(newest) < FROM_MEMORY,
      because: {
        en: `${shown(share(newest) * 100)}% from the disk`,
        ko: `디스크에서 ${shown(share(newest) * 100)}%`,
      },
    }),
  ]
}

function whyUntoldOfDisk({ newest, oldest, besideOldest }: Reads): Text | undefined {
  return isToldOfDisk([...newest, ...oldest, ...besideOldest])
    ? undefined
    : {
        en: 'there is no /proc/PID/io that tells what the broker reads from the disk',
        ko: '브로커가 디스크에서 읽은 양을 알려 주는 /proc/PID/io가 없다',
      }
}

function whyNotFromDisk({ oldest, dropped }: Reads): Text | undefined {
  if (!dropped) {
    return {
      en: 'the oldest could not be dropped from memory, for which GNU dd is needed',
      ko: '가장 오래된 것을 캐시에서 내려놓지 못했다(GNU dd가 필요하다)',
    }
  }
  // On a file system in memory there is nothing to drop, and nobody says so.
  return oldest.some(({ diskBytes = 0 }) => diskBytes > 0)
    ? undefined
    : {
        en: 'the oldest were dropped from memory, and still nothing came from the disk, as on a file system in memory',
        ko: '가장 오래된 것을 캐시에서 내려놓았는데도 디스크에서 온 것이 없다(메모리 파일 시스템처럼)',
      }
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
      unit: sameText('MB/s'),
      bars: [
        { side: ofNewest, values: newest.map(({ megabytesPerSecond }) => megabytesPerSecond) },
        { side: ofOldest, values: oldest.map(({ megabytesPerSecond }) => megabytesPerSecond) },
      ],
    },
    {
      title: { en: 'Records confirmed to a producer meanwhile', ko: '그동안 프로듀서가 확인받은 레코드' },
      unit: { en: 'records/s', ko: '레코드/초' },
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
            unit: sameText('MB'),
            bars: [
              { side: ofNewest, values: diskMegabytes(newest) },
              { side: { en: 'the oldest', ko: '가장 오래된 레코드' }, values: diskMegabytes(oldest) },
            ],
          },
        ]
      : []),
  ]
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
