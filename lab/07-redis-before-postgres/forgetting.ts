import type { Database } from '@timesale/postgres/database'
import type { RedisHints } from '@timesale/redis/redis'
import { until } from '@timesale/testkit/until'
import type { Bench, Text } from '../framework/experiment.ts'
import type { Servers } from '../framework/servers.ts'
import { openCounter } from './counter.ts'
import { openDoor } from './door.ts'
import { countSales, putOnSale, readBooks, recordSales } from './orders.ts'
import { emptied, type Redis } from './redis-connection.ts'
import { countWronglyTold, rush, type Rushed } from './rush.ts'
import { behindDoor, byCounter, inBatches } from './ways.ts'

export const UNITS = 1_000
/** Sold and written down when Redis forgets. */
export const WRITTEN = UNITS / 2
/** Decided, and not written down yet. */
export const UNDER_WAY = 100
/** While there is something to sell, in all a hundred milliseconds; and afterwards too, when the word "sold out" is there to be forgotten. */
const FLUSH_EVERY_SALES = 100
const FLUSH_EVERY_MS = 100

export const COURSES = {
  hintsFlushed: { en: 'Redis before, repeated FLUSHALL', ko: '먼저 Redis, FLUSHALL 반복' },
  hintsGone: { en: 'Redis before, killed', ko: '먼저 Redis, Redis 강제 종료' },
  counterFromSale: { en: 'counter, set to what was on sale', ko: '카운터, 처음 수량으로 복구' },
  counterFromRows: { en: 'counter, set to what rows say is left', ko: '카운터, 행을 세어 복구' },
} as const satisfies Record<string, Text>
export type Course = keyof typeof COURSES

export type Courses = Readonly<Record<Course, readonly Forgotten[]>>

export interface Forgotten {
  /** Rows that say so. */
  readonly sold: number
  /** How often Redis forgot, and how often of that PostgreSQL still had something to sell afterwards. */
  readonly times: number
  readonly whileSelling: number
  /** Told of and not written down, or the other way round. */
  readonly wrong: number
}

interface Setting {
  readonly servers: Servers
  readonly db: Database
  readonly redis: Redis
  readonly hints: RedisHints
}

/** Each course so often. */
export async function forget(setting: Setting, { say, repeats }: Bench): Promise<Record<Course, Forgotten[]>> {
  const all: Record<Course, Forgotten[]> = { hintsFlushed: [], hintsGone: [], counterFromSale: [], counterFromRows: [] }
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    all.counterFromSale.push(await sellByCounter(setting, 'sale'))
    all.counterFromRows.push(await sellByCounter(setting, 'rows'))
    all.hintsFlushed.push(await sellWithFlushes(setting))
    all.hintsGone.push(await sellWhileKilled(setting))
    const told = Object.entries(all).map(([course, runs]) => `${COURSES[course as Course].en}: ${runs[repeat]?.sold}`)
    say(`sold of ${UNITS}: ${told.join('; ')}`)
  }
  return all
}

/** FLUSHALL once; then the counter begins again with what it is told. */
async function sellByCounter(setting: Setting, from: 'sale' | 'rows'): Promise<Forgotten> {
  const { servers, db, redis } = setting
  await prepare(setting)
  const reload = async (): Promise<number> => {
    const { units, sold } = await countSales(db)
    return from === 'sale' ? units : units - sold
  }
  await using counter = await openCounter(servers.redisUrl, reload)
  let mayWrite = Promise.resolve()
  const buy = byCounter(counter, async (orderIds) => {
    await mayWrite
    return await recordSales(db, orderIds)
  })
  const lapses = countLapses(db)
  const written = await rush(buy, { name: 'written', buyers: WRITTEN })
  // The disk takes a moment: these are decided, and there is no row of them when Redis forgets.
  const write = Promise.withResolvers<void>()
  mayWrite = write.promise
  const forgetAndSellOn = async (): Promise<Rushed> => {
    try {
      await until('they are decided', async () => (await counter.left()) === UNITS - WRITTEN - UNDER_WAY)
      await lapses.during(redis.flushAll())
      const late = rush(buy, { name: 'late' })
      // Awaited below, unless there is no count before.
      late.catch(() => undefined)
      await until('there is a count again', async () => (await counter.left()) !== undefined)
      write.resolve()
      return await late
    } finally {
      // Whatever has failed, those under way come to an end.
      write.resolve()
    }
  }
  const underWay = { name: 'under-way', buyers: UNDER_WAY }
  const others = await Promise.all([rush(buy, underWay), forgetAndSellOn()])
  const told = [written, ...others].flatMap(({ sold }) => [...sold])
  return await forgotten(db, told, lapses)
}

async function sellWithFlushes(setting: Setting): Promise<Forgotten> {
  const { db, redis, hints } = setting
  await prepare(setting)
  const lapses = countLapses(db)
  const flushes: Promise<void>[] = []
  const flush = (): void => {
    const one = lapses.during(redis.flushAll())
    // All are awaited below.
    one.catch(() => undefined)
    flushes.push(one)
  }
  const onSold = (sales: number): void => {
    if (sales % FLUSH_EVERY_SALES === 0) flush()
  }
  const timer = setInterval(flush, FLUSH_EVERY_MS)
  try {
    const { sold } = await rush(inBatches(behindDoor(db, openDoor(hints))), { onSold })
    await Promise.all(flushes)
    return await forgotten(db, sold, lapses)
  } finally {
    clearInterval(timer)
  }
}

async function sellWhileKilled(setting: Setting): Promise<Forgotten> {
  const { servers, db, hints } = setting
  await prepare(setting)
  const lapses = countLapses(db)
  let killing: Promise<void> | undefined
  const onSold = (sales: number): void => {
    if (sales < WRITTEN || killing !== undefined) return
    killing = lapses.during(servers.part('redis').kill())
    // Awaited below.
    killing.catch(() => undefined)
  }
  const { sold } = await rush(inBatches(behindDoor(db, openDoor(hints))), { onSold })
  await killing
  await servers.part('redis').start()
  return await forgotten(db, sold, lapses)
}

interface Lapses {
  readonly times: number
  readonly whileSelling: number
  /** Counts one when this has made Redis forget. */
  during(forgetting: Promise<unknown>): Promise<void>
}

function countLapses(db: Database): Lapses {
  let [times, whileSelling] = [0, 0]
  return {
    get times() {
      return times
    },
    get whileSelling() {
      return whileSelling
    },
    async during(forgetting) {
      await forgetting
      times += 1
      // Rows are only added: what is not sold now was not sold when Redis forgot.
      if ((await countSales(db)).sold < UNITS) whileSelling += 1
    },
  }
}

async function prepare({ db, redis, hints }: Setting): Promise<void> {
  await putOnSale(db, UNITS)
  await emptied(redis)
  await until('the hints are reachable', () => hints.reachable)
}

async function forgotten(db: Database, told: Iterable<string>, { times, whileSelling }: Lapses): Promise<Forgotten> {
  const { sold } = await readBooks(db)
  return { sold: sold.size, times, whileSelling, wrong: countWronglyTold(new Set(told), sold) }
}
