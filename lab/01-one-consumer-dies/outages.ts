import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '@timesale/postgres/database'
import { until } from '@timesale/testkit/until'
import { Buyers, type Answers } from './buyers.ts'
import type { Shops } from './shops.ts'
import { caughtUpAfter, databaseClock, effectsUntil, missing } from './tables.ts'
import { everyWay, type Listener, type Way } from './ways.ts'

const CALM_MS = 1_000
/** Twice as long as the order program has patience, so that it runs out. */
const AWAY_MS = 4_000
const CAUGHT_UP_WITHIN_MS = 30_000

/** What one way made of two outages, one after the other. */
export interface Outages {
  /** Of buyers who came while stock was away. */
  readonly stockAway: Answers
  /** Of buyers who came while notification was. */
  readonly noticeAway: Answers
  /** Of all buyers of the run. */
  readonly all: Answers
  /** Of all orders that were accepted. */
  readonly withoutReservation: number
  readonly withoutNotice: number
  /** Notices written while stock was away, of orders that came in that time. */
  readonly noticesMeanwhile: number
  /** Seconds from the start of the program that was away until it had done what was left for it. */
  readonly stockCaughtUp: number
  readonly noticesCaughtUp: number
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
  await caughtUp(db, ['afterwards', 'events'], 'stock', ids.stock)

  await shops.kill('notification')
  nowWith(ids.notice)
  await sleep(AWAY_MS)
  await Promise.all([...buyers.values()].map((those) => those.stop()))
  await caughtUp(db, ['afterwards', 'events'], 'stock', `${run}-`)
  await shops.kill('order')
  await shops.start('order')
  const noticesStartedAt = await databaseClock(db)
  await shops.start('notification')
  // Over HTTP nobody has anything left to tell: all buyers were answered, and who would tell afterwards was killed.
  await caughtUp(db, ['events'], 'notification', `${run}-`)

  const outages = new Map<Way, Outages>()
  for (const [way, those] of buyers) {
    outages.set(way, {
      stockAway: those.answers(ids.stock),
      noticeAway: those.answers(ids.notice),
      all: sumOf(Object.values(ids).map((begin) => those.answers(begin))),
      withoutReservation: await missing(db, way, 'stock', `${run}-`),
      withoutNotice: await missing(db, way, 'notification', `${run}-`),
      noticesMeanwhile: await effectsUntil(db, {
        ...{ way, listener: 'notification', ids: ids.stock, moment: stockStartedAt },
      }),
      stockCaughtUp: await caughtUpAfter(db, { way, listener: 'stock', ids: `${run}-`, moment: stockStartedAt }),
      noticesCaughtUp: await caughtUpAfter(db, {
        ...{ way, listener: 'notification', ids: `${run}-`, moment: noticesStartedAt },
      }),
    })
  }
  return outages
}

function sumOf(all: readonly Answers[]): Answers {
  const sum = (of: keyof Answers): number => all.reduce((so, answers) => so + answers[of], 0)
  return { asked: sum('asked'), accepted: sum('accepted'), refused: sum('refused'), slow: sum('slow') }
}

/** What is missing after that is counted, and is a claim that fails. */
async function caughtUp(db: Database, ways: readonly Way[], listener: Listener, ids: string): Promise<void> {
  const isDone = async (): Promise<boolean> => {
    const counts = await Promise.all(ways.map((way) => missing(db, way, listener, ids)))
    return counts.every((count) => count === 0)
  }
  await until(`${listener} has caught up`, isDone, CAUGHT_UP_WITHIN_MS).catch(() => undefined)
}
