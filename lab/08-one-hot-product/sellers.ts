import type { Database } from '@timesale/postgres/database'
import type { RedisLock } from './redis-lock.ts'
import { readLeft, sellBatch, sellGuarded, writeLeft } from './shelf.ts'

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
      // Let those who were answered ask again before the next batch is closed.
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

/** So many buyers, each asking again as soon as it is answered, until `over` says so or nothing is left. How many sales they were told of. */
export async function crowd(sell: Sell, buyers: number, over: (sold: number) => boolean): Promise<number> {
  let sold = 0
  const buy = async (buyer: string): Promise<void> => {
    while (!over(sold)) {
      if (!(await sell(buyer))) return
      sold += 1
    }
  }
  await Promise.all(Array.from({ length: buyers }, (_, number) => buy(`buyer-${number}`)))
  return sold
}
