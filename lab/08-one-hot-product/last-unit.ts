import { join } from 'node:path'
import type { Database } from '@timesale/postgres/database'
import { startChild } from '../framework/child-program.ts'
import type { Text } from '../framework/experiment.ts'
import type { Servers } from '../framework/servers.ts'
import { openHotLock } from './hot-lock.ts'
import type { Given, Seller, Told } from './program.ts'
import { readBooks, readLeft, restock, sellGuarded, writeLeft, writeLeftFenced } from './shelf.ts'

export interface Course {
  readonly seller: Seller
  /** Whether the first seller is stopped when its write is about to go out, until the second one has the lock. */
  readonly paused: boolean
  /** Whether it goes on when the second one has read and not written yet, and not only after that. */
  readonly between?: boolean
}

export const COURSES: Readonly<Record<string, Course & { readonly name: Text }>> = {
  inTime: { seller: 'locked', paused: false, name: { en: 'lock, nobody paused', ko: '락, 멈춤 없음' } },
  late: { seller: 'locked', paused: true, name: { en: 'lock, holder paused', ko: '락, 잡은 쪽이 멈춤' } },
  fenced: { seller: 'fenced', paused: true, name: { en: 'the same, fencing token', ko: '같은 상황, 펜싱 토큰' } },
  between: {
    ...{ seller: 'fenced', paused: true, between: true },
    name: { en: 'the same, back before the other wrote', ko: '같은 상황, 상대가 쓰기 전에 재개' },
  },
  guarded: { seller: 'guarded', paused: true, name: { en: 'guarded UPDATE, paused', ko: '조건부 UPDATE, 멈춤' } },
}

/** Of each course, by its name: how often the last unit was sold in each repeat. */
export type LastUnits = ReadonlyMap<string, number[]>

const OTHER = 'the other one'

/** Two want to sell the last unit. How many sales of it there are in the end. */
export async function sellLastUnit(servers: Servers, db: Database, course: Course): Promise<number> {
  await restock(db, 1)
  const { redisUrl, postgresUrl } = servers
  const given: Given = { redisUrl, postgresUrl, seller: course.seller }
  await using first = startChild<Told>(join(import.meta.dirname, 'program.ts'), given)
  const isDone = first.heard('its sale is done', (told) => told === 'done')
  // For whoever waits for it, if it comes to that.
  isDone.catch(() => undefined)
  await first.heard('its write is about to go out', (told) => told === 'writing')
  if (course.paused) first.signal('SIGSTOP')
  const goOn = async (): Promise<void> => {
    if (course.paused) first.signal('SIGCONT')
    await isDone
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
  await using lock = await openHotLock(url)
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
