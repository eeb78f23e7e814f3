import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '@timesale/postgres/database'
import type { RedisLock } from './redis-lock.ts'
import { readLeft, sellBatch, sellGuarded, writeLeft } from './shelf.ts'

/** More than are served, so that a line forms at once. */
export const BUYERS_PER_SECOND = 200_000
/** So many buyers are served at a time. */
export const AT_ONCE = 64

/** Sells one unit to a buyer; false when nothing is left. */
export type Sell = (buyer: string) => Promise<boolean>

/** Reads, then writes one less. Wrong with more than one buyer: here to be looked at. */
export function sellUnlocked(db: Database): Sell {
  return async (buyer) => {
    const left = await readLeft(db)
    return left > 0 && (await writeLeft(db, left - 1, buyer))
  }
}

/** The same, by one at a time. */
export function sellLocked(db: Database, lock: RedisLock): Sell {
  const sell = sellUnlocked(db)
  return async (buyer) => {
    const held = await lock.take()
    try {
      return await sell(buyer)
    } finally {
      await lock.release(held)
    }
  }
}

export function sellByGuard(db: Database): Sell {
  return (buyer) => sellGuarded(db, buyer)
}

interface Request {
  readonly buyer: string
  readonly answer: (sold: boolean) => void
  readonly fail: (reason: unknown) => void
}

/** Whoever asks while a batch is being sold is in the next one. */
export function sellByBatch(db: Database): Sell {
  let waiting: Request[] = []
  let selling = false
  const work = async (): Promise<void> => {
    selling = true
    // Those who ask in this turn of the event loop come along.
    await Promise.resolve()
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        const served = await sellBatch(
          db,
          batch.map(({ buyer }) => buyer),
        )
        for (const [place, { answer }] of batch.entries()) answer(place < served)
      } catch (error) {
        for (const { fail } of batch) fail(error)
      }
      // Let those who are next in line ask before the next batch is closed.
      await new Promise((resolve) => setImmediate(resolve))
    }
    selling = false
  }
  return (buyer) =>
    new Promise((answer, fail) => {
      waiting.push({ buyer, answer, fail })
      if (!selling) void work()
    })
}

/**
 * Open loop: buyers come at their rate, whatever becomes of those before, and are served in the order in which they come, until
 * `over` says so or nothing is left. How many sales they were told of.
 */
export async function crowd(sell: Sell, over: (sold: number) => boolean): Promise<number> {
  const began = performance.now()
  let next = 0
  let sold = 0
  const serve = async (): Promise<void> => {
    while (!over(sold)) {
      const buyer = next
      next += 1
      const early = began + (buyer * 1000) / BUYERS_PER_SECOND - performance.now()
      if (early > 0) await sleep(early)
      if (!(await sell(`buyer-${buyer}`))) return
      sold += 1
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, serve))
  return sold
}
