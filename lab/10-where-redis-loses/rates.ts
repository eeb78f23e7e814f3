import { median, shown } from '../framework/chart.ts'
import type { Bench, Claim, Figure, Text } from '../framework/experiment.ts'
import { quantile, type PageLoad } from './load.ts'

/** Requests a second. */
const RATES = [10, 100, 1_000, 10_000] as const
const SAMPLE_MS: Readonly<Record<Rate, number>> = { 10: 3_000, 100: 2_000, 1_000: 2_000, 10_000: 2_000 }
const WARM_UP_MS = 300
/** Once for each side, at the highest rate: code that is compiled, connections that are open. */
const FIRST_WARM_UP_MS = 1_500

// What two cores with other work on them leave of a difference.
const UNNOTICED_MS = 10
const SAVED_CORES = 0.1
const CHEAPER = 1.3

type Rate = (typeof RATES)[number]
export type Way = 'postgres' | 'redis'

const WAYS: Readonly<Record<Way, Text>> = {
  postgres: { en: 'PostgreSQL', ko: 'PostgreSQL' },
  redis: { en: 'Redis', ko: 'Redis' },
}

/** Who asks on one side, and who works for each of its pages. */
export interface Side {
  readonly load: PageLoad
  readonly pids: readonly number[]
}

interface PageSample {
  readonly offered: number
  readonly answered: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the server and what is behind it, for each page. */
  readonly cpuUs: number
}

export type PageSamples = Readonly<Record<Way, Readonly<Record<Rate, PageSample[]>>>>

export async function measureRates(sides: Readonly<Record<Way, Side>>, { say, repeats }: Bench): Promise<PageSamples> {
  const samples: PageSamples = {
    postgres: { 10: [], 100: [], 1_000: [], 10_000: [] },
    redis: { 10: [], 100: [], 1_000: [], 10_000: [] },
  }
  for (const way of ways()) await sides[way].load.offer(10_000, FIRST_WARM_UP_MS)
  for (let repeat = 1; repeat <= repeats; repeat += 1) {
    for (const rate of RATES) {
      const told: string[] = []
      for (const way of ways()) {
        await sides[way].load.offer(rate, WARM_UP_MS)
        const { coresForAsking, ...sample } = await samplePages(sides[way], rate)
        samples[way][rate].push(sample)
        told.push(
          `${WAYS[way].en} ${shown(sample.perSecond)} answered, p50 ${shown(sample.p50Ms)} ms, p99 ${shown(sample.p99Ms)} ms, ${shown(sample.cpuUs)} us a page, ${shown(coresForAsking)} cores for asking`,
        )
      }
      say(`run ${repeat} of ${repeats}, ${shown(rate)} requests/s: ${told.join('; ')}`)
    }
  }
  return samples
}

function ways(): Way[] {
  return Object.keys(WAYS) as Way[]
}

async function samplePages({ load, pids }: Side, rate: Rate): Promise<PageSample & { coresForAsking: number }> {
  const { latenciesMs, ...sample } = await load.offer(rate, SAMPLE_MS[rate], pids)
  return { ...sample, p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99) }
}

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
  return [
    {
      text: {
        en: 'Up to 1,000 requests/s both answer every page that is asked for',
        ko: '초당 1,000건까지는 양쪽 다 요청한 페이지를 빠짐없이 응답한다',
      },
      holds: count('answered', small) === count('offered', small),
      because: `${shown(count('answered', small))} of ${shown(count('offered', small))} pages; at 10,000/s ${shown(count('answered', [10_000]))} of ${shown(count('offered', [10_000]))}`,
    },
    {
      text: {
        en: `At 10 and at 100 requests/s nobody who waits for a page gains ${UNNOTICED_MS} ms by Redis, though it has every page`,
        ko: `초당 10건과 100건에서는 모든 페이지가 Redis에 있어도 기다리는 사람이 얻는 것이 ${UNNOTICED_MS}ms가 안 된다`,
      },
      holds: gainMs(10) < UNNOTICED_MS && gainMs(100) < UNNOTICED_MS,
      because: RATES.map((rate) => `${shown(rate)}/s: ${signed(gainMs(rate))} ms`).join(', '),
    },
    // Where the system does not tell the CPU of a process there is nothing to judge.
    ...(of('postgres', 10_000, 'cpuUs') > 0
      ? [
          {
            text: {
              en: `At 10 and at 100 requests/s all the CPU that it spares is less than a tenth of a core`,
              ko: `초당 10건과 100건에서 Redis가 아껴 주는 CPU는 통틀어 코어의 10분의 1이 안 된다`,
            },
            holds: savedCores(10) < SAVED_CORES && savedCores(100) < SAVED_CORES,
            because: RATES.map((rate) => `${shown(rate)}/s: ${signed(savedCores(rate) * 100)} % of a core`).join(', '),
          },
          {
            text: {
              en: `At 10,000 it counts: from PostgreSQL a page takes at least ${CHEAPER} times the CPU`,
              ko: `초당 10,000건에서는 의미가 있다: PostgreSQL에서 읽는 페이지는 CPU를 ${CHEAPER}배 이상 쓴다`,
            },
            holds: cheaper >= CHEAPER,
            because: `${shown(of('postgres', 10_000, 'cpuUs'))} against ${shown(of('redis', 10_000, 'cpuUs'))} us a page, ${shown(cheaper)} times`,
          },
        ]
      : []),
  ]
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
    { title: { en: 'Until a page is there, p50', ko: '페이지가 오기까지, p50' }, unit: 'ms', bars: bars('p50Ms') },
    { title: { en: 'Until a page is there, p99', ko: '페이지가 오기까지, p99' }, unit: 'ms', bars: bars('p99Ms') },
    {
      title: { en: 'CPU of server and store for a page', ko: '페이지 하나에 드는 서버와 저장소의 CPU' },
      unit: 'us',
      bars: bars('cpuUs'),
    },
    {
      title: { en: 'Answered while 10,000 a second were asked for', ko: '초당 10,000건을 요청하는 동안 응답한 페이지' },
      unit: 'pages/s',
      bars: bars('perSecond', [10_000]),
    },
  ]
}
