import { median, shown } from '../framework/chart.ts'
import {
  inBoth,
  sameText,
  unlessUnseen,
  type Claim,
  type Figure,
  type Language,
  type Text,
} from '../framework/experiment.ts'
import {
  AGAIN_AFTER_MS,
  HUNG_PAGES,
  LEAST_RATE,
  TTL_MS,
  WATCH_MS,
  WRITINGS,
  type Hits,
  type Hung,
  type Staleness,
  type Writing,
} from './drawbacks.ts'
import { RATES, ways, WAYS, type PageSample, type PageSamples, type Rate, type Way } from './rates.ts'

// What two cores with other work on them leave of a difference.
const UNNOTICED_MS = 10
const SAVED_CORES = 0.1
const CHEAPER = 1.3
const KNOWN_ONES = 0.8
const LAST_ONE_WITHIN_MS = 500

export function claimsOfRates(samples: PageSamples): Claim[] {
  const of = (way: Way, rate: Rate, what: keyof PageSample): number =>
    median(samples[way][rate].map((sample) => sample[what]))
  const count = (what: 'offered' | 'answered', rates: readonly Rate[]): number =>
    ways().reduce(
      (sum, way) => sum + rates.flatMap((rate) => samples[way][rate]).reduce((all, one) => all + one[what], 0),
      0,
    )
  const small = RATES.slice(0, 3)
  const gainMs = (rate: Rate): number => of('postgres', rate, 'p50Ms') - of('redis', rate, 'p50Ms')
  const savedUs = (rate: Rate): number => of('postgres', rate, 'cpuUs') - of('redis', rate, 'cpuUs')
  const savedCores = (rate: Rate): number => (savedUs(rate) * rate) / 1_000_000
  const cheaper = of('postgres', 10_000, 'cpuUs') / of('redis', 10_000, 'cpuUs')
  const unseen = isCpuTold(samples)
    ? undefined
    : { en: 'the system does not tell the CPU of a process', ko: '이 시스템은 프로세스의 CPU 시간을 알려 주지 않는다' }
  const [answered, offered] = [shown(count('answered', small)), shown(count('offered', small))]
  const [answeredAtMost, offeredAtMost] = [shown(count('answered', [10_000])), shown(count('offered', [10_000]))]
  return [
    {
      text: {
        en: 'Up to 1,000 requests/s both answer every page that is asked for',
        ko: '초당 1,000건까지는 양쪽 다 요청한 페이지를 빠짐없이 응답한다',
      },
      holds: count('offered', small) > 0 && count('answered', small) === count('offered', small),
      because: {
        en: `${answered} of ${offered} pages; at 10,000/s ${answeredAtMost} of ${offeredAtMost}`,
        ko: `${offered}건 가운데 ${answered}건; 초당 10,000건에서는 ${offeredAtMost}건 가운데 ${answeredAtMost}건`,
      },
    },
    {
      text: {
        en: `At 10 and at 100 requests/s the median wait for a page is not ${UNNOTICED_MS} ms shorter by Redis, though it has every page`,
        ko: `초당 10건과 100건에서는 모든 페이지가 Redis에 있어도 기다리는 시간의 중앙값이 ${UNNOTICED_MS}ms도 줄지 않는다`,
      },
      holds: gainMs(10) < UNNOTICED_MS && gainMs(100) < UNNOTICED_MS,
      because: {
        en: RATES.map((rate) => `${shown(rate)}/s: ${signed(gainMs(rate))} ms shorter`).join(', '),
        ko: `줄어든 시간 ${RATES.map((rate) => `${shown(rate)}건/초: ${signed(gainMs(rate))} ms`).join(', ')}`,
      },
    },
    unlessUnseen(unseen, {
      text: {
        en: `At 10 and at 100 requests/s all the CPU that it spares is less than a tenth of a core`,
        ko: `초당 10건과 100건에서 Redis가 아껴 주는 CPU는 통틀어 코어의 10분의 1이 안 된다`,
      },
      holds: savedCores(10) < SAVED_CORES && savedCores(100) < SAVED_CORES,
      because: {
        en: RATES.map((rate) => `${shown(rate)}/s: ${signed(savedCores(rate) * 100)} % of a core`).join(', '),
        ko: `코어 하나의 ${RATES.map((rate) => `${shown(rate)}건/초: ${signed(savedCores(rate) * 100)}%`).join(', ')}`,
      },
    }),
    unlessUnseen(unseen, {
      text: {
        en: `At 10,000 it counts: from PostgreSQL a page takes at least ${CHEAPER} times the CPU`,
        ko: `초당 10,000건에서는 의미가 있다: PostgreSQL에서 읽는 페이지는 CPU를 ${CHEAPER}배 이상 쓴다`,
      },
      holds: cheaper >= CHEAPER,
      because: {
        en: `${shown(of('postgres', 10_000, 'cpuUs'))} against ${shown(of('redis', 10_000, 'cpuUs'))} us a page, ${shown(cheaper)} times`,
        ko: `페이지당 ${shown(of('postgres', 10_000, 'cpuUs'))} 대 ${shown(of('redis', 10_000, 'cpuUs'))} us, ${shown(cheaper)}배`,
      },
    }),
  ]
}

function isCpuTold(samples: PageSamples): boolean {
  return ways().every((way) => RATES.every((rate) => samples[way][rate].every(({ cpuUs }) => cpuUs > 0)))
}

function signed(value: number): string {
  return `${value < 0 ? '-' : ''}${shown(Math.abs(value))}`
}

export function figuresOfRates(samples: PageSamples): Figure[] {
  const bars = (what: keyof PageSample, rates: readonly Rate[] = RATES): Figure['bars'] =>
    rates.flatMap((rate) =>
      ways().map((way) => ({
        side: { en: `${shown(rate)}/s, ${WAYS[way].en}`, ko: `초당 ${shown(rate)}건, ${WAYS[way].ko}` },
        values: samples[way][rate].map((sample) => sample[what]),
      })),
    )
  return [
    {
      title: { en: 'Until a page is there, p50', ko: '페이지가 오기까지, p50' },
      unit: sameText('ms'),
      bars: bars('p50Ms'),
    },
    {
      title: { en: 'Until a page is there, p99', ko: '페이지가 오기까지, p99' },
      unit: sameText('ms'),
      bars: bars('p99Ms'),
    },
    ...(isCpuTold(samples)
      ? [
          {
            title: { en: 'CPU of server and store for a page', ko: '페이지 하나에 드는 서버와 저장소의 CPU' },
            unit: sameText('µs'),
            bars: bars('cpuUs'),
          },
        ]
      : []),
    {
      title: { en: 'Answered while 10,000 a second were asked for', ko: '초당 10,000건을 요청하는 동안 응답한 페이지' },
      unit: { en: 'pages/s', ko: '페이지/초' },
      bars: bars('perSecond', [10_000]),
    },
  ]
}

const WRITING_TEXTS: Readonly<Record<Writing, Text>> = {
  'database-only': { en: 'PostgreSQL', ko: 'PostgreSQL' },
  ttl: { en: `Redis, kept for ${TTL_MS / 1000} s`, ko: `Redis, TTL ${TTL_MS / 1000}초` },
  dropped: { en: 'the same, dropped after the write', ko: '같은 방식, 쓴 뒤에 삭제' },
  'dropped-between': { en: 'the same, and a slow reader', ko: '같은 방식, 읽고 늦게 넣는 쪽' },
}

export interface Drawbacks {
  readonly hits: readonly Hits[]
  /** The same at the least rate, where pages are kept for good. */
  readonly kept: Hits
  /** One for each time that prices were raised. */
  readonly staleness: Readonly<Record<Writing, readonly Staleness[]>>
  /** One for each time that Redis hung. */
  readonly hung: Readonly<Record<'postgres' | 'redis', readonly Hung[]>>
}

export function claimsOfDrawbacks({ hits, kept, staleness, hung }: Drawbacks): Claim[] {
  const { ttl, dropped, 'database-only': database, 'dropped-between': between } = staleness
  const at = (perSecond: number): Hits =>
    hits.find((one) => one.perSecond === perSecond) ?? { perSecond, asked: 0, again: 0, found: 0 }
  const [least, most] = [at(LEAST_RATE), at(1_000)]
  // A pause of the machine makes pages late on both sides, so a single time decides nothing.
  const withoutRedis = hung.redis.map((one) => one.withoutRedis).join(', ')
  const late = { postgres: median(slowOf(hung.postgres)), redis: median(slowOf(hung.redis)) }
  return [
    {
      text: {
        en: `Kept for ${TTL_MS / 1000} s, at ${LEAST_RATE} requests/s no page is there when it is asked for again ${AGAIN_AFTER_MS / 1000} s later, and would be if it were kept; at 1,000 at least four in five are there`,
        ko: `${TTL_MS / 1000}초만 두면 초당 ${LEAST_RATE}건에서는 ${AGAIN_AFTER_MS / 1000}초 뒤에 다시 찾는 페이지가 하나도 없다(계속 두면 있다). 1,000건에서는 다섯 중 넷 이상이 있다`,
      },
      holds:
        least.again > 0 &&
        least.found === 0 &&
        kept.again > 0 &&
        kept.found >= KNOWN_ONES * kept.again &&
        most.asked > 0 &&
        most.found >= KNOWN_ONES * most.asked,
      because: inBoth((language) => {
        const each = hits.map((one) => foundOf(one)[language])
        return [...each, `${language === 'en' ? 'kept for good' : '계속 두면'} ${foundOf(kept)[language]}`].join('; ')
      }),
    },
    {
      text: {
        en: 'After a committed write PostgreSQL has no old page, and Redis has old ones until their time is over',
        ko: '쓰기가 커밋된 뒤 PostgreSQL에는 옛 페이지가 없고, Redis는 시간이 다할 때까지 옛 페이지를 준다',
      },
      holds:
        hasNoOld(database) &&
        ttl.every(({ stale }) => stale > 0) &&
        Math.abs(median(ttl.map(({ lastStaleMs }) => lastStaleMs)) - TTL_MS) <= LAST_ONE_WITHIN_MS,
      because: inBoth((language) => `PostgreSQL ${told(language, database)}; Redis ${told(language, ttl)}`),
    },
    {
      text: {
        en: 'Whoever drops the page after the write helps, unless somebody has read before it and puts the old page there after it',
        ko: '쓴 뒤에 페이지를 지우면 나아지지만, 쓰기 전에 읽은 누군가가 지운 뒤에 옛 페이지를 넣으면 소용없다',
      },
      holds: hasNoOld(dropped) && between.length > 0 && between.every(({ stale }) => stale > 0),
      because: {
        en: `dropped ${told('en', dropped)}; with a slow reader ${told('en', between)}`,
        ko: `지우면 ${told('ko', dropped)}; 늦게 넣는 쪽이 있으면 ${told('ko', between)}`,
      },
    },
    {
      text: {
        en: 'While Redis hangs every page comes from PostgreSQL, and more of them are late than where there is no Redis',
        ko: 'Redis가 멈춘 동안 모든 페이지는 PostgreSQL에서 오고, Redis가 없을 때보다 많은 페이지가 늦는다',
      },
      holds:
        hung.redis.every(
          ({ offered, answered, withoutRedis }) => offered > 0 && answered === offered && withoutRedis === offered,
        ) && late.redis > late.postgres,
      because: {
        en: `${withoutRedis} of ${HUNG_PAGES} without Redis, ${slowOf(hung.redis).join(', ')} late; where there is no Redis ${slowOf(hung.postgres).join(', ')}`,
        ko: `${HUNG_PAGES}건 가운데 Redis 없이 ${withoutRedis}건, 늦은 것 ${slowOf(hung.redis).join(', ')}건; Redis가 없을 때 늦은 것 ${slowOf(hung.postgres).join(', ')}건`,
      },
    },
  ]
}

export function figuresOfDrawbacks({ hits, kept, staleness, hung }: Drawbacks): Figure[] {
  return [
    {
      title: {
        en: `Pages that were in Redis, kept for ${TTL_MS / 1000} s`,
        ko: `TTL ${TTL_MS / 1000}초일 때 Redis에 있던 페이지`,
      },
      unit: { en: '% of those asked for', ko: '요청한 페이지 대비 %' },
      bars: [
        ...hits.map((one) => ({
          side: { en: `${shown(one.perSecond)}/s`, ko: `초당 ${shown(one.perSecond)}건` },
          values: [shareOf(one)],
        })),
        {
          side: { en: `${LEAST_RATE}/s, kept for good`, ko: `초당 ${LEAST_RATE}건, 계속 둘 때` },
          values: [shareOf(kept)],
        },
      ],
    },
    {
      title: {
        en: `Old pages in the ${WATCH_MS / 1000} s after a write`,
        ko: `쓰기 뒤 ${WATCH_MS / 1000}초 동안의 옛 페이지`,
      },
      unit: { en: '% of those answered', ko: '응답한 페이지 대비 %' },
      bars: WRITINGS.map((writing) => ({
        side: WRITING_TEXTS[writing],
        values: staleness[writing].map(({ stale, asked }) => (100 * stale) / asked),
      })),
    },
    {
      title: { en: 'Pages that were late while Redis hung', ko: 'Redis가 멈춘 동안 늦은 페이지' },
      unit: { en: `of ${HUNG_PAGES}`, ko: `${HUNG_PAGES}개 중` },
      bars: [
        { side: { en: 'PostgreSQL', ko: 'PostgreSQL' }, values: slowOf(hung.postgres) },
        { side: { en: 'Redis, asked for 50 ms', ko: 'Redis, 50ms까지 기다림' }, values: slowOf(hung.redis) },
      ],
    },
  ]
}

function foundOf({ perSecond, asked, again, found }: Hits): Text {
  return {
    en: `${shown(perSecond)}/s: ${found} of ${asked}, ${again} of them asked for again`,
    ko: `${shown(perSecond)}건/초: ${asked}건(다시 찾은 것 ${again}건) 가운데 ${found}건`,
  }
}

function shareOf({ asked, found }: Hits): number {
  return asked === 0 ? 0 : (100 * found) / asked
}

function hasNoOld(staleness: readonly Staleness[]): boolean {
  return staleness.length > 0 && staleness.every(({ asked, stale }) => asked > 0 && stale === 0)
}

function slowOf(hung: readonly Hung[]): number[] {
  return hung.map(({ slow }) => slow)
}

/** How many old pages there were each time. */
function told(language: Language, staleness: readonly Staleness[]): string {
  return staleness
    .map(({ stale, asked, lastStaleMs }) => {
      const last = shown(lastStaleMs)
      return language === 'en'
        ? `${stale} of ${asked}${stale === 0 ? '' : `, the last one after ${last} ms`}`
        : `${asked}건 중 ${stale}건${stale === 0 ? '' : `, 마지막은 ${last} ms 뒤`}`
    })
    .join('; ')
}
