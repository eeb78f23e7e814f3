import { setTimeout as sleep } from 'node:timers/promises'
import { shown } from '../framework/chart.ts'
import type { Bench, Text } from '../framework/experiment.ts'
import { quantile, type PageLoad } from './load.ts'

/** Requests a second. */
export const RATES = [10, 100, 1_000, 10_000] as const
const SAMPLE_MS: Readonly<Record<Rate, number>> = { 10: 2_000, 100: 1_500, 1_000: 1_500, 10_000: 1_500 }
const WARM_UP_MS = 300
/** Once for each side, at the highest rate: code that is compiled, connections that are open. */
const FIRST_WARM_UP_MS = 1_500
/** After that: at 10 requests/s whatever is left to do of another load is much beside twenty pages. */
const REST_MS = 6_000

export type Rate = (typeof RATES)[number]
export type Way = 'postgres' | 'redis'

export const WAYS: Readonly<Record<Way, Text>> = {
  postgres: { en: 'PostgreSQL', ko: 'PostgreSQL' },
  redis: { en: 'Redis', ko: 'Redis' },
}

/** Who asks on one side, and who works for each of its pages. */
export interface Side {
  readonly load: PageLoad
  readonly pids: readonly number[]
}

export interface PageSample {
  readonly offered: number
  readonly answered: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the server and what is behind it, for each page; 0 where the system does not tell. */
  readonly cpuUs: number
}

export type PageSamples = Readonly<Record<Way, Readonly<Record<Rate, PageSample[]>>>>

export async function measureRates(sides: Readonly<Record<Way, Side>>, { say, repeats }: Bench): Promise<PageSamples> {
  const samples: PageSamples = {
    postgres: { 10: [], 100: [], 1_000: [], 10_000: [] },
    redis: { 10: [], 100: [], 1_000: [], 10_000: [] },
  }
  for (const way of ways()) await sides[way].load.offer(10_000, FIRST_WARM_UP_MS)
  await sleep(REST_MS)
  // From the least rate to the greatest, so that none is measured behind a greater one.
  for (const rate of RATES) {
    for (let repeat = 1; repeat <= repeats; repeat += 1) {
      const told: string[] = []
      // The other one first each time.
      for (const way of repeat % 2 === 1 ? ways() : ways().toReversed()) {
        await sides[way].load.offer(rate, WARM_UP_MS)
        const { coresForAsking, ...sample } = await samplePages(sides[way], rate)
        samples[way][rate].push(sample)
        told.push(
          `${WAYS[way].en} ${shown(sample.perSecond)} answered, p50 ${shown(sample.p50Ms)} ms, p99 ${shown(sample.p99Ms)} ms, ${shown(sample.cpuUs)} us a page, ${shown(coresForAsking)} cores for asking`,
        )
      }
      say(`${shown(rate)} requests/s, ${repeat} of ${repeats}: ${told.join('; ')}`)
    }
  }
  return samples
}

export function ways(): Way[] {
  return Object.keys(WAYS) as Way[]
}

async function samplePages({ load, pids }: Side, rate: Rate): Promise<PageSample & { coresForAsking: number }> {
  const { latenciesMs, ...sample } = await load.offer(rate, SAMPLE_MS[rate], { pids })
  return { ...sample, p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99) }
}
