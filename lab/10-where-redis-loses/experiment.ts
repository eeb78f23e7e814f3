import { Database } from '@timesale/postgres/database'
import { RedisHints } from '@timesale/redis/redis'
import { createLogger } from '@timesale/telemetry/logger'
import { until } from '@timesale/testkit/until'
import type { Bench, Experiment, Outcome } from '../framework/experiment.ts'
import { startServers, type Servers } from '../framework/servers.ts'
import { CachedPages } from './cached-pages.ts'
import {
  allProducts,
  askWhileHung,
  countAllHits,
  countHits,
  countStale,
  LEAST_RATE,
  residentBytes,
  TTL_MS,
  type Hits,
  type Staleness,
  type Writing,
} from './drawbacks.ts'
import { claimsOfDrawbacks, claimsOfRates, figuresOfDrawbacks, figuresOfRates, type Drawbacks } from './findings.ts'
import { PageLoad } from './load.ts'
import { startPageServer, type PageServer } from './page-server.ts'
import { measureRates } from './rates.ts'
import { makeShop, readPage } from './shop.ts'

/** Longer than the experiment takes. */
const FOR_GOOD_MS = 600_000
const FILLED = 'filled:'
const SHORT = 'short:'
const KEPT = 'kept:'

export const experiment: Experiment = {
  question: {
    en: 'Where Redis loses: does a small shop gain anything by pages from Redis, at 10, 100, 1,000 and 10,000 requests/s, and what does it pay for it?',
    ko: 'Redis가 지는 곳: 작은 쇼핑몰이 초당 10, 100, 1,000, 10,000건에서 페이지를 Redis에서 읽으면 무엇을 얻고 무엇을 치르는가?',
  },
  async run(bench): Promise<Outcome> {
    bench.say('starting PostgreSQL and Redis')
    await using servers = await startServers({ postgres: true, redis: true })
    const { postgresUrl, redisUrl } = servers
    await using db = new Database({ url: postgresUrl, poolSize: 4, applicationName: 'lab' })
    await using redis = new RedisHints({ url: redisUrl, logger: createLogger({ service: 'lab', level: 'error' }) })
    await until('Redis is there', () => redis.reachable)
    await makeShop(db)
    const pageBytes = await fill(db, new CachedPages(redis, { prefix: FILLED, ttlMs: FOR_GOOD_MS }))
    await using plain = await startPageServer({ postgresUrl })
    await using filled = await startPageServer({ postgresUrl, cache: { redisUrl, prefix: FILLED, ttlMs: FOR_GOOD_MS } })
    await using short = await startPageServer({ postgresUrl, cache: { redisUrl, prefix: SHORT, ttlMs: TTL_MS } })
    await using toPlain = await PageLoad.open(plain.port)
    await using toFilled = await PageLoad.open(filled.port)
    const samples = await measureRates(
      {
        postgres: { load: toPlain, pids: [plain.pid, servers.part('postgres').pid] },
        redis: { load: toFilled, pids: [filled.pid, servers.part('redis').pid] },
      },
      bench,
    )
    const fromRedis = (await filled.counts()).found
    const on = { servers, db, redis, plain, filled, short, toPlain, toFilled }
    const drawbacks = { ...(await measureDrawbacks(on, bench)), redisBytes: await residentBytes(redis), pageBytes }
    const answered = Object.values(samples).flatMap((byRate) => Object.values(byRate).flat())
    return {
      claims: [...claimsOfRates(samples), ...claimsOfDrawbacks(drawbacks)],
      figures: [...figuresOfRates(samples), ...figuresOfDrawbacks(drawbacks)],
      work: {
        'pages answered at the four rates': answered.reduce((sum, sample) => sum + sample.answered, 0),
        'pages found in Redis': fromRedis,
        'pages looked at after a write': Object.values(drawbacks.staleness).reduce((sum, { asked }) => sum + asked, 0),
      },
    }
  },
}

/** Every page into Redis: nothing could be better for it. How many bytes they are. */
async function fill(db: Database, pages: CachedPages): Promise<number> {
  let bytes = 0
  for (const id of allProducts()) {
    const page = (await readPage(db.sql, id)) ?? ''
    await pages.keep(id, page)
    bytes += Buffer.byteLength(page)
  }
  return bytes
}

/** The same pages at the least rate, in a cache that keeps what it is given: so they are asked for often enough to be there. */
async function countKept({ postgresUrl, redisUrl }: Servers, redis: RedisHints): Promise<Hits> {
  const own = { prefix: KEPT, ttlMs: FOR_GOOD_MS }
  await using server = await startPageServer({ postgresUrl, cache: { redisUrl, ...own } })
  return await countHits(server, new CachedPages(redis, own), LEAST_RATE)
}

interface On {
  readonly servers: Servers
  readonly db: Database
  readonly redis: RedisHints
  readonly plain: PageServer
  readonly filled: PageServer
  readonly short: PageServer
  readonly toPlain: PageLoad
  readonly toFilled: PageLoad
}

async function measureDrawbacks(
  { servers, db, redis, plain, filled, short, toPlain, toFilled }: On,
  { say }: Bench,
): Promise<Omit<Drawbacks, 'redisBytes' | 'pageBytes'>> {
  const pages = new CachedPages(redis, { prefix: SHORT, ttlMs: TTL_MS })
  say(
    `pages that are kept for ${TTL_MS / 1000} s after somebody has asked for them: how many are there for the next one`,
  )
  // Ten pages a second more are in nobody's way.
  const [hits, kept] = await Promise.all([countAllHits(short, pages), countKept(servers, redis)])
  say('prices rise: how many pages with the old one are answered afterwards')
  const stale = (writing: Writing, turn: number): Promise<Staleness> =>
    countStale({ db, server: writing === 'database-only' ? plain : short, pages }, writing, turn)
  const [database, ttl, dropped, between] = await Promise.all([
    stale('database-only', 0),
    stale('ttl', 1),
    stale('dropped', 2),
    stale('dropped-between', 3),
  ])
  say('Redis is stopped in its tracks')
  servers.part('redis').signal('SIGSTOP')
  try {
    const [postgres, withRedis] = await Promise.all([askWhileHung(plain, toPlain), askWhileHung(filled, toFilled)])
    return {
      ...{ hits, kept },
      staleness: { 'database-only': database, ttl, dropped, 'dropped-between': between },
      hung: { postgres, redis: withRedis },
    }
  } finally {
    servers.part('redis').signal('SIGCONT')
    await until('Redis is there again', () => redis.reachable)
  }
}
