import { setTimeout as sleep } from 'node:timers/promises'
import { productId } from '@timesale/bench/generator/order-request'
import type { Database } from '@timesale/postgres/database'
import type { RedisHints } from '@timesale/redis/redis'
import type { CachedPages } from './cached-pages.ts'
import { PageLoad } from './load.ts'
import type { PageServer } from './page-server.ts'
import { PRODUCTS, priceOn, raisePrice, readPage } from './shop.ts'

// What Redis in front of a small shop costs: pages that are not in it, pages that are old, and one more server that can be away.

/** How long a page is kept after somebody has asked for it. */
export const TTL_MS = 2_000

/** Of the pages that were asked for at some rate, those that Redis had. It has none of them at first. */
export interface Hits {
  readonly perSecond: number
  readonly asked: number
  /** For a page that had been asked for before: it could have been there. */
  readonly again: number
  readonly found: number
}

/** Few enough to be asked for again at the least rate, and so many that they are no longer there by then. */
const HIT_PRODUCTS = 30
export const LEAST_RATE = 10
/** Until the same page is asked for again. */
export const AGAIN_AFTER_MS = (HIT_PRODUCTS * 1000) / LEAST_RATE
const HITS_FOR_MS: Readonly<Record<number, number>> = { [LEAST_RATE]: 2 * AGAIN_AFTER_MS, 100: 2_000, 1_000: 2_000 }

export async function countAllHits(server: PageServer, pages: CachedPages): Promise<Hits[]> {
  const hits: Hits[] = []
  for (const perSecond of Object.keys(HITS_FOR_MS).map(Number)) hits.push(await countHits(server, pages, perSecond))
  return hits
}

export async function countHits(server: PageServer, pages: CachedPages, perSecond: number): Promise<Hits> {
  await using load = await PageLoad.open(server.port)
  await pages.drop(allProducts())
  const before = await server.counts()
  await load.offer(perSecond, HITS_FOR_MS[perSecond] ?? 0, { products: HIT_PRODUCTS })
  const after = await server.counts()
  const found = after.found - before.found
  const asked = found + after.missed - before.missed
  // They are asked for in turns.
  return { perSecond, asked, again: Math.max(0, asked - HIT_PRODUCTS), found }
}

export function allProducts(): string[] {
  return Array.from({ length: PRODUCTS }, (_, number) => productId(number))
}

/** How the cache hears of a write to the database. */
export type Writing = 'database-only' | 'ttl' | 'dropped' | 'dropped-between'

export interface Staleness {
  readonly asked: number
  /** Pages with the old price that were answered after the new one was committed. */
  readonly stale: number
  /** When the last one of those came. */
  readonly lastStaleMs: number
}

/** Pages are looked at until the last old one must be gone, and then for a while. */
export const WATCH_MS = TTL_MS + 1_000
const PRODUCTS_PER_WRITING = 5
const ASK_EVERY_MS = 20

interface WritingTo {
  readonly db: Database
  readonly server: PageServer
  readonly pages: CachedPages
}

/** Raises the prices of some products and asks for their pages again and again. Each way of writing has products of its own. */
export async function countStale(to: WritingTo, writing: Writing, turn: number): Promise<Staleness> {
  const ids = allProducts().slice(turn * PRODUCTS_PER_WRITING, (turn + 1) * PRODUCTS_PER_WRITING)
  const all = await Promise.all(ids.map((id) => watchWrite(to, writing, id)))
  return {
    asked: all.reduce((sum, { asked }) => sum + asked, 0),
    stale: all.reduce((sum, { stale }) => sum + stale, 0),
    lastStaleMs: Math.max(...all.map(({ lastStaleMs }) => lastStaleMs)),
  }
}

async function watchWrite({ db, server, pages }: WritingTo, writing: Writing, id: string): Promise<Staleness> {
  // The first one has it put into the cache, and the second one finds it there.
  await pages.drop([id])
  await server.page(id)
  const before = await server.page(id)
  // Somebody else does not, and reads it from the database.
  const read = (await readPage(db.sql, id)) ?? before
  const price = await raisePrice(db, id)
  const committedAt = performance.now()
  if (writing === 'dropped' || writing === 'dropped-between') await pages.drop([id])
  // And puts there what it has read, as late as that may be.
  if (writing === 'dropped-between') await pages.keep(id, read)
  let [asked, stale, lastStaleMs] = [0, 0, 0]
  while (performance.now() - committedAt < WATCH_MS) {
    const askedAt = performance.now()
    const isOld = priceOn(await server.page(id)) !== price
    asked += 1
    if (isOld) [stale, lastStaleMs] = [stale + 1, askedAt - committedAt]
    await sleep(ASK_EVERY_MS)
  }
  return { asked, stale, lastStaleMs }
}

/** What visitors see while Redis is there and does not answer. */
export interface Hung {
  readonly offered: number
  readonly answered: number
  /** Pages that the server gave up to find in Redis, or did not even try to. */
  readonly withoutRedis: number
  /** Pages that took as long as Redis is waited for. */
  readonly slow: number
}

const HUNG_PER_SECOND = 100
const HUNG_FOR_MS = 2_000
/** A little less than RedisHints waits for an answer. */
const WAITED_MS = 45

export async function askWhileHung(server: PageServer, load: PageLoad): Promise<Hung> {
  const before = await server.counts()
  const { offered, answered, latenciesMs } = await load.offer(HUNG_PER_SECOND, HUNG_FOR_MS)
  const withoutRedis = (await server.counts()).withoutRedis - before.withoutRedis
  return { offered, answered, withoutRedis, slow: latenciesMs.filter((ms) => ms >= WAITED_MS).length }
}

/** Bytes that the process of Redis has of the machine. */
export async function residentBytes(redis: RedisHints): Promise<number> {
  const info = await redis.call((client) => client.info('memory'))
  return Number(/^used_memory_rss:(\d+)/m.exec(info)?.[1])
}
