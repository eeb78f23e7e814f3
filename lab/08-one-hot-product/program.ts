import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from '@timesale/postgres/database'
import { LEASE_MS, LOCK_KEY, WRITE_UNDER_WAY_MS, type Given, type Told } from './last-unit.ts'
import { RedisLock } from './redis-lock.ts'
import { readLeft, sellGuarded, writeLeft, writeLeftFenced } from './shelf.ts'

// Sells one unit, in a process that can be paused. Says 'writing' when its write is on its way, and 'done' after it.

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
  await using lock = await RedisLock.open({
    ...{ url: redisUrl, key: LOCK_KEY, leaseMs: LEASE_MS },
    waiting: 'asked-again',
  })
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

// Long enough to be paused in it, and half of the lease: undisturbed, the write is in time.
async function aboutToWrite(): Promise<void> {
  tell('writing')
  await sleep(WRITE_UNDER_WAY_MS)
}

function tell(told: Told): void {
  process.send?.(told)
}
