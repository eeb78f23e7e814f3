import { Database } from '@timesale/postgres/database'
import { RedisHints } from '@timesale/redis/redis'
import { createLogger } from '@timesale/telemetry/logger'
import { until } from '@timesale/testkit/until'
import { shown } from '../framework/chart.ts'
import type { Bench, Claim, Experiment, Figure, Outcome } from '../framework/experiment.ts'
import { startServers, type Servers } from '../framework/servers.ts'
import { openCounter } from './counter.ts'
import { COURSES, forget, UNDER_WAY, UNITS, WRITTEN, type Course, type Forgotten } from './forgetting.ts'
import { countSales, makeTables } from './orders.ts'
import { connectTo, type Redis } from './redis-connection.ts'
import { claimsOfRushes, figuresOfRushes } from './rush-verdict.ts'
import { allOf, measure, type Samples } from './rushes.ts'

const CONNECTIONS = 16
/** In the line for a connection: longer than the slowest way takes for a whole rush. */
const IN_LINE_MS = 60_000
const NEARLY_ALL = 0.9

export const experiment: Experiment = {
  question: {
    en: 'Redis before PostgreSQL: what does a look spare in a rush, what does it cost, and what if Redis alone counts and forgets?',
    ko: 'PostgreSQL 앞의 Redis: 몰릴 때 먼저 조회하면 무엇을 아끼고 무엇을 치르며, Redis만 세다가 잊으면 어떻게 되는가?',
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
  return await measure({ db, redis, ...pids }, counter, bench)
}

type Courses = Readonly<Record<Course, Forgotten[]>>

function outcomeOf(samples: Samples, courses: Courses): Outcome {
  const all = allOf(samples)
  const forgotten = Object.values(courses).flat()
  return {
    claims: [...claimsOfRushes(samples), ...claimsOfForgetting(courses)],
    figures: [...figuresOfRushes(samples), figureOfForgetting(courses)],
    work: {
      requests: sum(all.map(({ requests }) => requests)),
      'orders in PostgreSQL': sum(all.map(({ rows }) => rows)),
      'keys looked up in Redis': sum(all.map(({ costs }) => costs.lookups)),
      'sold while Redis forgot': sum(forgotten.map(({ sold }) => sold)),
      'times that Redis forgot': sum(forgotten.map(({ times }) => times)),
    },
  }
}

function claimsOfForgetting(courses: Courses): Claim[] {
  const told = (course: Course): string =>
    `${COURSES[course].en}: ${courses[course].map(({ sold }) => shown(sold)).join(', ')}`
  const hinted = [...courses.hintsFlushed, ...courses.hintsGone]
  const isBeyond = (course: Course, units: number): boolean =>
    courses[course].every(({ sold }) => sold - UNITS >= NEARLY_ALL * units)
  return [
    {
      text: {
        en: 'Where PostgreSQL decides, Redis may forget everything again and again, or be killed: what there is is sold, and no more',
        ko: 'PostgreSQL이 결정하면 Redis가 거듭 다 잊거나 강제 종료되어도 있는 만큼만 팔린다',
      },
      holds: hinted.every(({ sold, wrong, times }) => sold === UNITS && wrong === 0 && times > 0),
      because: `of ${shown(UNITS)} sold ${told('hintsFlushed')}; ${told('hintsGone')}; Redis forgot ${sum(hinted.map(({ times }) => times))} times`,
    },
    {
      text: {
        en: `Where Redis decides, one FLUSHALL sells a second time what was sold before it: at least ${NEARLY_ALL} of that, where the counter begins again with what was put on sale`,
        ko: `Redis가 결정하면 FLUSHALL 한 번에 그 전에 판 것을 다시 판다: 처음 수량으로 복구하면 그 ${NEARLY_ALL} 이상`,
      },
      holds: isBeyond('counterFromSale', WRITTEN + UNDER_WAY),
      because: `of ${shown(UNITS)} sold ${told('counterFromSale')}; before it ${WRITTEN + UNDER_WAY}`,
    },
    {
      text: {
        en: 'To count the rows first does not save it: what Redis had decided, and PostgreSQL had not written yet, is sold twice',
        ko: '행을 세어 복구해도 소용없다: Redis가 결정했지만 PostgreSQL에 아직 쓰지 않은 것은 두 번 팔린다',
      },
      holds: isBeyond('counterFromRows', UNDER_WAY),
      because: `of ${shown(UNITS)} sold ${told('counterFromRows')}; under way ${UNDER_WAY}`,
    },
  ]
}

function figureOfForgetting(courses: Courses): Figure {
  return {
    title: {
      en: `Sold of ${shown(UNITS)} when Redis forgot`,
      ko: `Redis가 잊었을 때 ${shown(UNITS)}개 가운데 팔린 수`,
    },
    unit: 'sales',
    bars: (Object.keys(COURSES) as Course[]).map((course) => ({
      side: COURSES[course],
      values: courses[course].map(({ sold }) => sold),
    })),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
