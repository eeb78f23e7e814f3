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
  countHits,
  countStale,
  isFromRedis,
  LEAST_RATE,
  TTL_MS,
  type Hung,
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
const SELDOM = 'seldom:'
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
    await fill(db, new CachedPages(redis, { prefix: FILLED, ttlMs: FOR_GOOD_MS }))
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
    const drawbacks = await measureDrawbacks(on, bench)
    const answered = Object.values(samples).flatMap((byRate) => Object.values(byRate).flat())
    return {
      claims: [...claimsOfRates(samples), ...claimsOfDrawbacks(drawbacks)],
      figures: [...figuresOfRates(samples), ...figuresOfDrawbacks(drawbacks)],
      work: [
        {
          what: { en: 'pages answered at the four rates', ko: '네 가지 속도에서 응답한 페이지' },
          count: answered.reduce((sum, sample) => sum + sample.answered, 0),
        },
        { what: { en: 'pages found in Redis', ko: 'Redis에서 찾은 페이지' }, count: fromRedis },
        {
          what: { en: 'pages looked at after a write', ko: '쓴 뒤에 확인한 페이지' },
          count: Object.values(drawbacks.staleness)
            .flat()
            .reduce((sum, { asked }) => sum + asked, 0),
        },
      ],
    }
  },
}

/** Every page into Redis: nothing could be better for it. */
async function fill(db: Database, pages: CachedPages): Promise<void> {
  for (const id of allProducts()) await pages.keep(id, (await readPage(db.sql, id)) ?? '')
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

async function measureDrawbacks(on: On, bench: Bench): Promise<Drawbacks> {
  const { db, redis, plain, short } = on
  const pages = new CachedPages(redis, { prefix: SHORT, ttlMs: TTL_MS })
  bench.say(
    `pages that are kept for ${TTL_MS / 1000} s after somebody has asked for them: how many are there for the next one`,
  )
  const often = [await countHits(short, pages, 100), await countHits(short, pages, 1_000)]
  bench.say('prices rise: how many pages with the old one are answered afterwards')
  // From servers and in caches of their own, which are there before anything is measured.
  const [expiring, lasting] = [
    { prefix: SELDOM, ttlMs: TTL_MS },
    { prefix: KEPT, ttlMs: FOR_GOOD_MS },
  ]
  const { postgresUrl, redisUrl } = on.servers
  await using ofExpiring = await startPageServer({ postgresUrl, cache: { redisUrl, ...expiring } })
  await using ofLasting = await startPageServer({ postgresUrl, cache: { redisUrl, ...lasting } })
  // What is asked for seldom takes its time, and ten pages a second more are in nobody's way.
  const [seldom, kept, staleness] = await Promise.all([
    countHits(ofExpiring, new CachedPages(redis, expiring), LEAST_RATE),
    countHits(ofLasting, new CachedPages(redis, lasting), LEAST_RATE),
    countStale({ db, plain, short, pages }, bench),
  ])
  return { hits: [seldom, ...often], kept, staleness, hung: await measureHung(on, bench) }
}

async function measureHung(
  { servers, plain, filled, toPlain, toFilled }: On,
  { say, repeats }: Bench,
): Promise<Drawbacks['hung']> {
  const hung: { readonly postgres: Hung[]; readonly redis: Hung[] } = { postgres: [], redis: [] }
  for (let repeat = 1; repeat <= repeats; repeat += 1) {
    say(`Redis is stopped in its tracks, ${repeat} of ${repeats}`)
    servers.part('redis').signal('SIGSTOP')
    try {
      const [postgres, redis] = await Promise.all([askWhileHung(plain, toPlain), askWhileHung(filled, toFilled)])
      hung.postgres.push(postgres)
      hung.redis.push(redis)
    } finally {
      servers.part('redis').signal('SIGCONT')
      await until('pages come from Redis again', () => isFromRedis(filled))
    }
  }
  return hung
}
