import { setTimeout as sleep } from 'node:timers/promises'
import { productId } from '@timesale/bench/generator/order-request'
import type { Database } from '@timesale/postgres/database'
import type { Bench } from '../framework/experiment.ts'
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
const HITS_FOR_MS = { [LEAST_RATE]: 2 * AGAIN_AFTER_MS, 100: 1_000, 1_000: 1_000 } as const

export async function countHits(
  server: PageServer,
  pages: CachedPages,
  perSecond: keyof typeof HITS_FOR_MS,
): Promise<Hits> {
  await using load = await PageLoad.open(server.port)
  await pages.drop(allProducts())
  const before = await server.counts()
  await load.offer(perSecond, HITS_FOR_MS[perSecond], { products: HIT_PRODUCTS })
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
export const WRITINGS = ['database-only', 'ttl', 'dropped', 'dropped-between'] as const
export type Writing = (typeof WRITINGS)[number]

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
  /** Has no Redis. */
  readonly plain: PageServer
  /** Keeps pages for TTL_MS. */
  readonly short: PageServer
  readonly pages: CachedPages
}

/** Raises the prices of some products and asks for their pages again and again. Each way of writing has products of its own. */
export async function countStale(
  { plain, short, ...to }: WritingTo,
  { say, repeats }: Bench,
): Promise<Record<Writing, Staleness[]>> {
  const staleness: Record<Writing, Staleness[]> = { 'database-only': [], ttl: [], dropped: [], 'dropped-between': [] }
  for (let repeat = 1; repeat <= repeats; repeat += 1) {
    await Promise.all(
      WRITINGS.map(async (writing, turn) => {
        const ids = allProducts().slice(turn * PRODUCTS_PER_WRITING, (turn + 1) * PRODUCTS_PER_WRITING)
        const server = writing === 'database-only' ? plain : short
        staleness[writing].push(await countStaleOf({ ...to, server }, writing, ids))
      }),
    )
    const told = WRITINGS.map((writing) => staleness[writing].at(-1)?.stale)
    say(`pages with the old price, ${repeat} of ${repeats}: ${told.join(', ')}`)
  }
  return staleness
}

type Watching = Omit<WritingTo, 'plain' | 'short'> & { readonly server: PageServer }

async function countStaleOf(to: Watching, writing: Writing, ids: readonly string[]): Promise<Staleness> {
  const all = await Promise.all(ids.map((id) => watchWrite(to, writing, id)))
  return {
    asked: all.reduce((sum, { asked }) => sum + asked, 0),
    stale: all.reduce((sum, { stale }) => sum + stale, 0),
    lastStaleMs: Math.max(...all.map(({ lastStaleMs }) => lastStaleMs)),
  }
}

async function watchWrite({ db, server, pages }: Watching, writing: Writing, id: string): Promise<Staleness> {
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
const HUNG_FOR_MS = 1_500
/** A little less than RedisHints waits for an answer. */
const WAITED_MS = 45
/** Asked for while Redis hangs, each time. */
export const HUNG_PAGES = (HUNG_PER_SECOND * HUNG_FOR_MS) / 1000

export async function askWhileHung(server: PageServer, load: PageLoad): Promise<Hung> {
  const before = await server.counts()
  const { offered, answered, latenciesMs } = await load.offer(HUNG_PER_SECOND, HUNG_FOR_MS)
  const withoutRedis = (await server.counts()).withoutRedis - before.withoutRedis
  return { offered, answered, withoutRedis, slow: latenciesMs.filter((ms) => ms >= WAITED_MS).length }
}

/** Whether a page comes from Redis again: who has given it up leaves it alone for a second. */
export async function isFromRedis(server: PageServer): Promise<boolean> {
  const { found } = await server.counts()
  await server.page(productId(0))
  return (await server.counts()).found > found
}
