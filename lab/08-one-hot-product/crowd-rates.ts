import type { Database } from '@timesale/postgres/database'
import { shown } from '../framework/chart.ts'
import { readDatabaseWork } from '../framework/database-work.ts'
import type { Bench, Text } from '../framework/experiment.ts'
import { RedisLock, type RedisLockOptions } from './redis-lock.ts'
import { crowd, sellByBatch, sellByGuard, sellLocked, sellUnlocked, type Sell } from './sellers.ts'
import { readBooks, restock } from './shelf.ts'

/** Sold out at the beginning of each repeat: nobody may be told of more. */
export const FEW = 200
/** More than anybody sells in a sample. */
const PLENTY = 1_000_000
// Many short rounds and not a few long ones: what else the machine does in a second or two meets all ways alike.
const SAMPLE_MS = 700
const ROUNDS_IN_A_REPEAT = 3
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
  /** Of FEW units, until everybody was told that nothing is left; in the first round of each repeat. */
  readonly soldOut: number | undefined
  /** Sales told of and sales counted differ, or sales and what is left are not what there was. */
  readonly wrong: number
  readonly sold: number
  readonly perSecond: number
  /** Sales that share a transaction, by PostgreSQL's own count of those that wrote. */
  readonly perTransaction: number
}

export type Samples = Readonly<Record<Name, Sample[]>>

export function names(): Name[] {
  return Object.keys(NAMES) as Name[]
}

/** What becomes of it with nothing around reading and writing: the check must be able to see overselling. */
export async function sellOutUnlocked(db: Database, { say }: Bench): Promise<number> {
  await restock(db, FEW)
  // Writes go back as well as forth: without an end it may take for ever.
  await crowd(sellUnlocked(db), (sold) => sold >= 3 * FEW)
  const { sold, left } = await readBooks(db)
  say(`read, then write, with no lock: ${sold} sold of ${FEW}, and ${left} left`)
  return sold
}

/** What each way sells in a second, in turns: three samples of each for every repeat. */
export async function measure(redisUrl: string, db: Database, { say, repeats }: Bench): Promise<Samples> {
  const lock = { url: redisUrl, leaseMs: LONG_LEASE_MS }
  const sides: Readonly<Record<Name, (options: SampleOptions) => Promise<Sample>>> = {
    askedAgain: (how) => sampleLock(db, { ...lock, key: 'lock:asked', waiting: 'asked-again' }, how),
    woken: (how) => sampleLock(db, { ...lock, key: 'lock:woken', waiting: 'woken' }, how),
    guarded: (how) => sample(db, sellByGuard(db), how),
    batch: (how) => sample(db, sellByBatch(db), how),
  }
  for (const name of names()) await sides[name]({ forMs: WARM_UP_MS, sellsOut: false })
  const samples: Samples = { askedAgain: [], woken: [], guarded: [], batch: [] }
  for (let round = 0; round < ROUNDS_IN_A_REPEAT * repeats; round += 1) {
    const how = { forMs: SAMPLE_MS, sellsOut: round % ROUNDS_IN_A_REPEAT === 0 }
    for (const name of names()) samples[name].push(await sides[name](how))
    const rates = names().map((name) => `${NAMES[name].en} ${shown(samples[name][round]?.perSecond ?? 0)}`)
    say(`sales/s: ${rates.join('; ')}`)
  }
  return samples
}

interface SampleOptions {
  readonly forMs: number
  readonly sellsOut: boolean
}

async function sampleLock(db: Database, options: RedisLockOptions, how: SampleOptions): Promise<Sample> {
  await using lock = await RedisLock.open(options)
  return await sample(db, sellLocked(db, lock), how)
}

async function sample(db: Database, sell: Sell, { forMs, sellsOut }: SampleOptions): Promise<Sample> {
  const few = sellsOut ? await sellOut(db, sell) : undefined
  await restock(db, PLENTY)
  const before = await readDatabaseWork(db.sql)
  const began = performance.now()
  const told = await crowd(sell, () => performance.now() - began > forMs)
  const seconds = (performance.now() - began) / 1000
  const after = await readDatabaseWork(db.sql)
  const { sold, left } = await readBooks(db)
  const wrong = Math.abs(few?.left ?? 0) + Math.abs(sold - told) + Math.abs(PLENTY - left - sold)
  const perTransaction = sold / (after.transactions - before.transactions)
  return { soldOut: few?.sold, wrong, sold, perSecond: sold / seconds, perTransaction }
}

async function sellOut(db: Database, sell: Sell): ReturnType<typeof readBooks> {
  await restock(db, FEW)
  await crowd(sell, (sold) => sold > 3 * FEW)
  return await readBooks(db)
}
