import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '@timesale/postgres/database'
import { until } from '@timesale/testkit/until'
import { Buyers, type Answers } from './buyers.ts'
import type { Shops } from './shops.ts'
import { acceptedUntil, caughtUpAfter, databaseClock, effectsUntil, missing, unwritten, written } from './tables.ts'
import { everyWay, type Listener, type Way } from './ways.ts'

const CALM_MS = 1_000
/** Twice as long as the order program has patience, so that it runs out. */
const AWAY_MS = 4_000
/** Of what was left by some seconds. Generous: all three shops make up for it at once, on the cores that measure them. */
export const CAUGHT_UP_WITHIN_S = 60

/** What one way made of two outages, one after the other. */
export interface Outages {
  /** Of buyers who came while stock was away. */
  readonly stockAway: Answers
  /** Of buyers who came while notification was. */
  readonly noticeAway: Answers
  /** Of all buyers of the run. */
  readonly all: Answers
  /** Orders in the database, and those that were answered yes and are not there. */
  readonly written: number
  readonly unwritten: number
  /** Of all orders in the database. */
  readonly withoutReservation: number
  readonly withoutNotice: number
  /** Orders that were accepted while stock was away, and notices of them that were written in that time. */
  readonly acceptedMeanwhile: number
  readonly noticesMeanwhile: number
  /** Seconds from the start of the program that was away until it had done what was left for it. */
  readonly stockCaughtUp: number
  readonly noticesCaughtUp: number
  /** Whoever was waited for had done all that was left for it in time. */
  readonly inTime: boolean
}

/**
 * All shops at once, with buyers coming all the time: stock is killed and started again; then notification, and before that is
 * started again the order program too, when all buyers were answered.
 */
export async function runOutages(shops: Shops, db: Database, run: number): Promise<ReadonlyMap<Way, Outages>> {
  const ids = { calm: `${run}-calm-`, stock: `${run}-stock-`, between: `${run}-between-`, notice: `${run}-notice-` }
  await using stack = new AsyncDisposableStack()
  const buyers = new Map(everyWay().map((way) => [way, stack.use(new Buyers(shops.orderPort(way), ids.calm))]))
  const nowWith = (begin: string): void => buyers.forEach((those) => those.nowWith(begin))
  await sleep(CALM_MS)

  await shops.kill('stock')
  nowWith(ids.stock)
  await sleep(AWAY_MS)
  const stockStartedAt = await databaseClock(db)
  await shops.start('stock')
  nowWith(ids.between)
  const late = await lateOnes(db, ['afterwards', 'events'], 'stock', ids.stock)

  await shops.kill('notification')
  nowWith(ids.notice)
  await sleep(AWAY_MS)
  await Promise.all([...buyers.values()].map((those) => those.stop()))
  late.push(...(await lateOnes(db, ['afterwards', 'events'], 'stock', `${run}-`)))
  await shops.kill('order')
  await shops.start('order')
  const noticesStartedAt = await databaseClock(db)
  await shops.start('notification')
  // Over HTTP nobody has anything left to tell: all buyers were answered, and who would tell afterwards was killed.
  late.push(...(await lateOnes(db, ['events'], 'notification', `${run}-`)))

  const outages = new Map<Way, Outages>()
  for (const [way, those] of buyers) {
    outages.set(way, {
      stockAway: those.answers(ids.stock),
      noticeAway: those.answers(ids.notice),
      all: sumOf(Object.values(ids).map((begin) => those.answers(begin))),
      written: await written(db, way, `${run}-`),
      unwritten: await unwritten(db, way, those.accepted),
      withoutReservation: await missing(db, way, 'stock', `${run}-`),
      withoutNotice: await missing(db, way, 'notification', `${run}-`),
      acceptedMeanwhile: await acceptedUntil(db, { way, ids: ids.stock, moment: stockStartedAt }),
      noticesMeanwhile: await effectsUntil(db, {
        ...{ way, listener: 'notification', ids: ids.stock, moment: stockStartedAt },
      }),
      stockCaughtUp: await caughtUpAfter(db, { way, listener: 'stock', ids: `${run}-`, moment: stockStartedAt }),
      noticesCaughtUp: await caughtUpAfter(db, {
        ...{ way, listener: 'notification', ids: `${run}-`, moment: noticesStartedAt },
      }),
      inTime: !late.includes(way),
    })
  }
  return outages
}

function sumOf(all: readonly Answers[]): Answers {
  const sum = (of: keyof Answers): number => all.reduce((so, answers) => so + answers[of], 0)
  return { asked: sum('asked'), accepted: sum('accepted'), refused: sum('refused'), slow: sum('slow') }
}

/** Of these ways those whose listener has not done in time what was left for it. What is missing is counted after that. */
async function lateOnes(db: Database, ways: readonly Way[], listener: Listener, ids: string): Promise<Way[]> {
  const late: Way[] = []
  const wait = async (way: Way): Promise<void> => {
    const isDone = async (): Promise<boolean> => (await missing(db, way, listener, ids)) === 0
    await until(`${listener} has caught up`, isDone, CAUGHT_UP_WITHIN_S * 1000).catch(() => late.push(way))
  }
  await Promise.all(ways.map(wait))
  return late
}
