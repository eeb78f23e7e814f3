import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Database } from '@timesale/postgres/database'
import { within } from '@timesale/process/deadline'
import type { Servers } from '../framework/servers.ts'
import { RedisLock } from './redis-lock.ts'
import { readBooks, readLeft, restock, sellGuarded, writeLeft, writeLeftFenced } from './shelf.ts'

export const LOCK_KEY = 'lock:hot'
export const LEASE_MS = 1_000
export const WRITE_UNDER_WAY_MS = LEASE_MS / 2

/** How the last unit is sold: under the lock, under the lock with its token checked by the row, or without any lock. */
export type Seller = 'locked' | 'fenced' | 'guarded'

export interface Course {
  readonly seller: Seller
  /** Whether the first seller is stopped when its write is on its way, until the second one has the lock. */
  readonly paused: boolean
  /** Whether it goes on when the second one has read and not written yet, and not only after that. */
  readonly between?: boolean
}

const SAID_WITHIN_MS = 20_000
const OTHER = 'the other one'

/** Two want to sell the last unit. How many sales of it there are in the end. */
export async function sellLastUnit(servers: Servers, db: Database, course: Course): Promise<number> {
  await restock(db, 1)
  await using first = new Holder([servers.redisUrl, servers.postgresUrl, course.seller])
  await first.said('writing')
  if (course.paused) first.signal('SIGSTOP')
  const goOn = async (): Promise<void> => {
    if (course.paused) first.signal('SIGCONT')
    await first.said('done')
  }
  if (course.seller === 'guarded') await sellGuarded(db, OTHER)
  else await sellUnderLock(servers.redisUrl, db, course, goOn)
  await goOn()
  return (await readBooks(db)).sold
}

async function sellUnderLock(
  url: string,
  db: Database,
  { seller, between }: Course,
  goOn: () => Promise<void>,
): Promise<void> {
  await using lock = await RedisLock.open({ url, key: LOCK_KEY, leaseMs: LEASE_MS, waiting: 'asked-again' })
  // Of one that is paused only when its lease is over.
  const held = await lock.take()
  const left = await readLeft(db)
  if (between === true) await goOn()
  if (left > 0) {
    if (seller === 'fenced') await writeLeftFenced(db, left - 1, OTHER, held.fence)
    else await writeLeft(db, left - 1, OTHER)
  }
  await lock.release(held)
}

type Word = 'writing' | 'done'

/** program.ts in a process of its own. */
class Holder implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #words = { writing: Promise.withResolvers<void>(), done: Promise.withResolvers<void>() }

  constructor(args: readonly string[]) {
    this.#child = fork(join(import.meta.dirname, 'program.ts'), [...args], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child.on('message', (word: Word) => this.#words[word].resolve())
    this.#child.on('error', (error) => this.#fail(error))
    this.#child.on('exit', (code, signal) => this.#fail(new Error(`The seller ended: ${signal ?? code}`)))
  }

  async said(word: Word): Promise<void> {
    const late = (): Error => new Error(`The seller has not said '${word}' within ${SAID_WITHIN_MS} ms`)
    await within(SAID_WITHIN_MS, this.#words[word].promise, late)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    // Also ends one that is stopped.
    this.#child.kill('SIGKILL')
    await gone
  }

  // Changes nothing for what was said before.
  #fail(reason: Error): void {
    for (const { promise, reject } of Object.values(this.#words)) {
      promise.catch(() => undefined)
      reject(reason)
    }
  }
}
