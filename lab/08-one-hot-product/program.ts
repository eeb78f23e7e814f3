import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from '@timesale/postgres/database'
import { LEASE_MS, openHotLock } from './hot-lock.ts'
import { readLeft, sellGuarded, writeLeft, writeLeftFenced } from './shelf.ts'

// Sells one unit, in a process that can be paused. Says 'writing' when its write is about to go out, and 'done' after it.

/** What it is started with. */
export interface Given {
  readonly redisUrl: string
  readonly postgresUrl: string
  readonly seller: Seller
}

export type Told = 'writing' | 'done'

/** How the last unit is sold: under the lock, under the lock with its token checked by the row, or without any lock. */
export type Seller = 'locked' | 'fenced' | 'guarded'

/** Waited before the write goes out: long enough to be paused in it, and half of the lease: undisturbed, the write is in time. */
const ABOUT_TO_WRITE_MS = LEASE_MS / 2
const BUYER = 'who was paused'

const { redisUrl, postgresUrl, seller } = JSON.parse(process.argv[2] ?? '{}') as Given
// Whoever started it is gone.
process.on('disconnect', () => process.exit(1))
await using db = new Database({ url: postgresUrl, poolSize: 1, applicationName: 'lab-holder' })
await (seller === 'guarded' ? sellWithoutLock() : sellWithLock())
tell('done')

async function sellWithoutLock(): Promise<void> {
  // Connected, as the other sellers are.
  await readLeft(db)
  await aboutToWrite()
  await sellGuarded(db, BUYER)
}

async function sellWithLock(): Promise<void> {
  await using lock = await openHotLock(redisUrl)
  const held = await lock.take()
  const left = await readLeft(db)
  // As careful as one can be: asks once more before it writes. Whatever comes after the answer, it does not know.
  if (left > 0 && (await lock.isHeld(held))) {
    await aboutToWrite()
    if (seller === 'fenced') await writeLeftFenced(db, left - 1, BUYER, held.fence)
    else await writeLeft(db, left - 1, BUYER)
  }
  await lock.release(held)
}

async function aboutToWrite(): Promise<void> {
  tell('writing')
  await sleep(ABOUT_TO_WRITE_MS)
}

function tell(told: Told): void {
  process.send?.(told)
}
