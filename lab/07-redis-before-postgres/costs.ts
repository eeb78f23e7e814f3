import { cpuUs } from '@timesale/bench/cpu-time'
import type { Database } from '@timesale/postgres/database'
import type { Sql } from '@timesale/postgres/sql'
import { readDatabaseWork } from '../framework/database-work.ts'
import type { Statements } from './orders.ts'
import type { Redis } from './redis-connection.ts'

/** What a rush has cost, all in all. */
export interface Costs {
  /** Sent to PostgreSQL, those that only read too. */
  readonly statements: number
  /** That wrote something, in PostgreSQL. */
  readonly transactions: number
  readonly logBytes: number
  /** Keys that were looked up in Redis. */
  readonly lookups: number
  /** Of CPU; PostgreSQL's and Redis' are 0 where the system does not tell. */
  readonly postgresUs: number
  readonly redisUs: number
  readonly ownUs: number
}

export interface Servants {
  readonly db: Database
  /** The same for those who are measured. */
  readonly counted: CountedStatements
  readonly redis: Redis
  readonly postgresPid: number
  readonly redisPid: number
}

interface CountedStatements extends Statements {
  /** Sent so far. */
  readonly count: number
}

export function countStatements({ sql, write }: Database): CountedStatements {
  let count = 0
  const counted =
    (send: Sql): Sql =>
    (text, ...values) => {
      count += 1
      return send(text, ...values)
    }
  return {
    ...{ sql: counted(sql), write: counted(write) },
    get count() {
      return count
    },
  }
}

/** Does the work, and tells what it has cost besides what it gives back. */
export async function costsOf<T>(servants: Servants, work: () => Promise<T>): Promise<[T, Costs]> {
  const before = await look(servants)
  const result = await work()
  const after = await look(servants)
  const spent = (what: keyof Costs): number => after[what] - before[what]
  return [
    result,
    {
      ...{ statements: spent('statements'), transactions: spent('transactions'), logBytes: spent('logBytes') },
      lookups: spent('lookups'),
      ...{ postgresUs: spent('postgresUs'), redisUs: spent('redisUs'), ownUs: spent('ownUs') },
    },
  ]
}

async function look({ db, counted, redis, postgresPid, redisPid }: Servants): Promise<Costs> {
  const [work, stats] = await Promise.all([readDatabaseWork(db.sql), redis.info('stats')])
  const told = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(stats)?.[1])
  const own = process.cpuUsage()
  return {
    ...work,
    statements: counted.count,
    lookups: told('keyspace_hits') + told('keyspace_misses'),
    postgresUs: cpuUs(postgresPid),
    redisUs: cpuUs(redisPid),
    ownUs: own.user + own.system,
  }
}
