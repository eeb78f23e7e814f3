import { Database } from '@timesale/postgres/database'
import { RedisHints } from '@timesale/redis/redis'
import { createLogger } from '@timesale/telemetry/logger'
import { until } from '@timesale/testkit/until'
import type { Bench, Experiment, Outcome } from '../framework/experiment.ts'
import { startServers, type Servers } from '../framework/servers.ts'
import { countStatements } from './costs.ts'
import { openCounter } from './counter.ts'
import { claimsOfForgetting, claimsOfRushes, figureOfForgetting, figuresOfRushes } from './findings.ts'
import { forget, type Courses } from './forgetting.ts'
import { countSales, makeTables } from './orders.ts'
import { connectTo, type Redis } from './redis-connection.ts'
import { allOf, measure, type Samples } from './rushes.ts'

const CONNECTIONS = 16
/** In the line for a connection: longer than the slowest way takes for a whole rush. */
const IN_LINE_MS = 60_000

export const experiment: Experiment = {
  question: {
    en: 'Redis before PostgreSQL: what does a look spare in a rush that PostgreSQL alone does not, what does it cost, and what if Redis alone counts and forgets?',
    ko: 'PostgreSQL 앞의 Redis: 몰릴 때 먼저 조회하면 PostgreSQL만으로는 아끼지 못할 무엇을 아끼고 무엇을 치르며, Redis만 세다가 잊으면 어떻게 되는가?',
  },
  async run(bench): Promise<Outcome> {
    bench.say('starting PostgreSQL and Redis')
    await using servers = await startServers({ postgres: true, redis: true })
    await using db = new Database({
      ...{ url: servers.postgresUrl, poolSize: CONNECTIONS, applicationName: 'lab', connectTimeoutMs: IN_LINE_MS },
    })
    await makeTables(db)
    const redis = await connectTo(servers.redisUrl)
    try {
      const logger = createLogger({ service: 'lab', level: 'fatal' })
      await using hints = new RedisHints({ url: servers.redisUrl, logger })
      await until('the hints are reachable', () => hints.reachable)
      const samples = await measureRushes({ servers, db, redis }, bench)
      return outcomeOf(samples, await forget({ servers, db, redis, hints }, bench))
    } finally {
      redis.destroy()
    }
  },
}

async function measureRushes(
  { servers, db, redis }: { servers: Servers; db: Database; redis: Redis },
  bench: Bench,
): Promise<Samples> {
  await using counter = await openCounter(servers.redisUrl, async () => (await countSales(db)).units)
  const pids = { postgresPid: servers.part('postgres').pid, redisPid: servers.part('redis').pid }
  return await measure({ db, counted: countStatements(db), redis, ...pids }, counter, bench)
}

function outcomeOf(samples: Samples, courses: Courses): Outcome {
  const all = allOf(samples)
  const forgotten = Object.values(courses).flat()
  return {
    claims: [...claimsOfRushes(samples), ...claimsOfForgetting(courses)],
    figures: [...figuresOfRushes(samples), figureOfForgetting(courses)],
    work: [
      { what: { en: 'requests', ko: '요청' }, count: sum(all.map(({ requests }) => requests)) },
      { what: { en: 'orders in PostgreSQL', ko: 'PostgreSQL에 있는 주문' }, count: sum(all.map(({ rows }) => rows)) },
      {
        what: { en: 'keys looked up in Redis', ko: 'Redis에서 조회한 키' },
        count: sum(all.map(({ costs }) => costs.lookups)),
      },
      {
        what: { en: 'sold while Redis forgot', ko: 'Redis가 잊는 동안 팔린 것' },
        count: sum(forgotten.map(({ sold }) => sold)),
      },
      {
        what: { en: 'times that Redis forgot', ko: 'Redis가 잊은 횟수' },
        count: sum(forgotten.map(({ times }) => times)),
      },
    ],
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
