import type { Bench, Text } from '../framework/experiment.ts'
import { shown } from '../framework/chart.ts'
import { costsOf, type Costs, type Servants } from './costs.ts'
import type { Counter } from './counter.ts'
import { openDoor, type Asked } from './door.ts'
import { putOnSale, readBooks, recordSales } from './orders.ts'
import { emptied } from './redis-connection.ts'
import { BUYERS, countWronglyTold, rush, type Rushed } from './rush.ts'
import { behindDoor, behindSelect, byCounter, inBatches, inDatabase, oneByOne, type Buy } from './ways.ts'

/** How many units there are: gone before the rush begins, or enough for everybody. */
export const RUSHES = { soldOut: 50, plenty: 1_000_000 } as const
export type Rush = keyof typeof RUSHES
/**
 * Fewer where everybody gets a unit: whoever is alone in a transaction waits there for all who came before, each with a flush
 * of the disk, which takes some disks milliseconds.
 */
export const BUYERS_OF: Readonly<Record<Rush, number>> = { soldOut: BUYERS, plenty: 1_500 }
/** Buyers who come before the rush, and are not measured. */
const EARLY = 100

export const WAYS = {
  single: { en: 'one by one', ko: '한 건씩' },
  singleSelect: { en: 'one by one, a SELECT before', ko: '한 건씩, 먼저 SELECT' },
  singleLook: { en: 'one by one, Redis before', ko: '한 건씩, 먼저 Redis' },
  batch: { en: 'batches', ko: '배치' },
  batchSelect: { en: 'batches, a SELECT before', ko: '배치, 먼저 SELECT' },
  batchLook: { en: 'batches, Redis before', ko: '배치, 먼저 Redis' },
  counter: { en: 'counted in Redis', ko: 'Redis에서 차감' },
} as const satisfies Record<string, Text>
export type Way = keyof typeof WAYS

export interface Sample extends Rushed {
  readonly costs: Costs
  readonly rows: number
  /** Sales too many or too few, told of and not written down or the other way round, units that are nowhere. */
  readonly wrong: number
}

export type Samples = Readonly<Record<Way, Readonly<Record<Rush, Sample[]>>>>

export function allOf(samples: Samples): Sample[] {
  return ways().flatMap((way) => Object.values(samples[way]).flat())
}

export function ways(): Way[] {
  return Object.keys(WAYS) as Way[]
}

/** The ways in turns, so that what changes on the machine meanwhile changes for all of them. */
export async function measure(servants: Servants, counter: Counter, { say, repeats }: Bench): Promise<Samples> {
  const { counted, redis } = servants
  // Without a limit of time: what is counted must not depend on how busy the machine is.
  const asked: Asked = { call: (command) => command(redis) }
  const open: Readonly<Record<Way, () => Buy>> = {
    single: () => oneByOne(inDatabase(counted)),
    singleSelect: () => oneByOne(behindSelect(counted)),
    singleLook: () => oneByOne(behindDoor(counted, openDoor(asked))),
    batch: () => inBatches(inDatabase(counted)),
    batchSelect: () => inBatches(behindSelect(counted)),
    batchLook: () => inBatches(behindDoor(counted, openDoor(asked))),
    counter: () => byCounter(counter, (orderIds) => recordSales(counted, orderIds)),
  }
  for (const way of ways()) {
    await prepare(servants, RUSHES.soldOut)
    await rush(open[way]())
  }
  const none = (): Record<Rush, Sample[]> => ({ soldOut: [], plenty: [] })
  const samples = {
    ...{ single: none(), singleSelect: none(), singleLook: none() },
    ...{ batch: none(), batchSelect: none(), batchLook: none() },
    counter: none(),
  }
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (const which of Object.keys(RUSHES) as Rush[]) {
      for (const way of ways()) samples[way][which].push(await sample(servants, open[way](), which, way !== 'counter'))
      const told = ways().map((way) => {
        const { requests, costs } = samples[way][which][repeat] as Sample
        return `${WAYS[way].en} ${shown((costs.transactions * 1000) / requests)}`
      })
      say(
        `${which === 'soldOut' ? 'sold out' : 'not sold out'}: transactions that wrote, for 1,000 requests: ${told.join('; ')}`,
      )
    }
  }
  return samples
}

async function prepare({ db, redis }: Servants, units: number): Promise<void> {
  await putOnSale(db, units)
  await emptied(redis)
}

/** `isInDatabase`: whether PostgreSQL knows what is left. */
async function sample(servants: Servants, buy: Buy, which: Rush, isInDatabase: boolean): Promise<Sample> {
  const units = RUSHES[which]
  await prepare(servants, units)
  const early = await rush(buy, { buyers: EARLY, name: 'early' })
  const buyers = BUYERS_OF[which]
  const [rushed, costs] = await costsOf(servants, () => rush(buy, { buyers }))
  const { sold, left, rows } = await readBooks(servants.db)
  const wrong =
    Math.abs(sold.size - Math.min(units, EARLY + buyers)) +
    countWronglyTold(new Set([...early.sold, ...rushed.sold]), sold) +
    (isInDatabase ? Math.abs(units - left - sold.size) : 0)
  return { ...rushed, costs, rows, wrong }
}
