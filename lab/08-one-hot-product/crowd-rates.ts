import type { Database } from '@timesale/postgres/database'
import { shown } from '../framework/chart.ts'
import type { Bench, Text } from '../framework/experiment.ts'
import { RedisLock, type RedisLockOptions } from './redis-lock.ts'
import { crowd, sellByBatch, sellByGuard, sellLocked, sellUnlocked, type Sell } from './sellers.ts'
import { readBooks, restock } from './shelf.ts'

export const BUYERS = 64
/** Sold out at the beginning of each sample: nobody may be told of more, and all is warm afterwards. */
export const FEW = 200
/** More than anybody sells in a sample. */
const PLENTY = 1_000_000
const SAMPLE_MS = 2_000
const WARM_UP_MS = 500
// No sale takes nearly as long, so this lock is never lost. What happens when it is, last-unit.ts shows.
const LONG_LEASE_MS = 5_000

export type Name = 'askedAgain' | 'woken' | 'guarded' | 'batch'

export const NAMES: Readonly<Record<Name, Text>> = {
  askedAgain: { en: 'lock, asked for every 1 to 5 ms', ko: '락, 1~5ms마다 다시 시도' },
  woken: { en: 'lock, woken by its release', ko: '락, 해제될 때 깨움' },
  guarded: { en: 'guarded UPDATE', ko: '조건부 UPDATE' },
  batch: { en: 'one transaction for many', ko: '여러 건을 한 트랜잭션에' },
}

interface Sample {
  /** Of FEW units, until everybody was told that nothing is left. */
  readonly soldOut: number
  /** Sales told of and sales counted differ, or sales and what is left are not what there was. */
  readonly wrong: number
  readonly sold: number
  readonly perSecond: number
}

export type Samples = Readonly<Record<Name, Sample[]>>

export function names(): Name[] {
  return Object.keys(NAMES) as Name[]
}

/** What becomes of it with nothing around reading and writing: the check must be able to see overselling. */
export async function sellOutUnlocked(db: Database, { say }: Bench): Promise<number> {
  await restock(db, FEW)
  // Writes go back as well as forth: without an end it may take for ever.
  await crowd(sellUnlocked(db), BUYERS, (sold) => sold >= 3 * FEW)
  const { sold, left } = await readBooks(db)
  say(`read, then write, with no lock: ${sold} sold of ${FEW}, and ${left} left`)
  return sold
}

/** What each way sells in a second, in turns: so many samples of each as there are repeats. */
export async function measure(redisUrl: string, db: Database, { say, repeats }: Bench): Promise<Samples> {
  const lock = { url: redisUrl, leaseMs: LONG_LEASE_MS }
  const sides: Readonly<Record<Name, (forMs: number) => Promise<Sample>>> = {
    askedAgain: (forMs) => sampleLock(db, { ...lock, key: 'lock:asked', waiting: 'asked-again' }, forMs),
    woken: (forMs) => sampleLock(db, { ...lock, key: 'lock:woken', waiting: 'woken' }, forMs),
    guarded: (forMs) => sample(db, sellByGuard(db), forMs),
    batch: (forMs) => sample(db, sellByBatch(db), forMs),
  }
  for (const name of names()) await sides[name](WARM_UP_MS)
  const samples: Samples = { askedAgain: [], woken: [], guarded: [], batch: [] }
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (const name of names()) samples[name].push(await sides[name](SAMPLE_MS))
    const rates = names().map((name) => `${NAMES[name].en} ${shown(samples[name][repeat]?.perSecond ?? 0)}`)
    say(`sales/s: ${rates.join('; ')}`)
  }
  return samples
}

async function sampleLock(db: Database, options: RedisLockOptions, forMs: number): Promise<Sample> {
  await using lock = await RedisLock.open(options)
  return await sample(db, sellLocked(db, lock), forMs)
}

async function sample(db: Database, sell: Sell, forMs: number): Promise<Sample> {
  await restock(db, FEW)
  await crowd(sell, BUYERS, (sold) => sold > 3 * FEW)
  const { sold: soldOut, left: rest } = await readBooks(db)

  await restock(db, PLENTY)
  const began = performance.now()
  const told = await crowd(sell, BUYERS, () => performance.now() - began > forMs)
  const seconds = (performance.now() - began) / 1000
  const { sold, left } = await readBooks(db)
  const wrong = Math.abs(rest) + Math.abs(sold - told) + Math.abs(PLENTY - left - sold)
  return { soldOut, wrong, sold, perSecond: sold / seconds }
}
