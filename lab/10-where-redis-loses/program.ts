import fastify from 'fastify'
import { Database } from '@timesale/postgres/database'
import { RedisHints, RedisUnavailable } from '@timesale/redis/redis'
import { createLogger } from '@timesale/telemetry/logger'
import { until } from '@timesale/testkit/until'
import { CachedPages } from './cached-pages.ts'
import { readPage } from './shop.ts'

// Answers pages of products, from the database or from Redis in front of it, until whoever started it is gone.

/** What it is started with. */
export interface Given {
  readonly port: number
  readonly postgresUrl: string
  /** Absent: every page comes from the database. */
  readonly cache?: { readonly redisUrl: string; readonly prefix: string; readonly ttlMs: number }
}

/** Once, when it listens. */
export interface Told {
  readonly pid: number
}

/** Pages so far, by where they came from. */
export interface Counts {
  /** From Redis. */
  readonly found: number
  /** From the database, since Redis had none. */
  readonly missed: number
  /** From the database, since Redis did not answer. */
  readonly withoutRedis: number
}

const CONNECTIONS = 10

const { port, postgresUrl, cache } = JSON.parse(process.argv[2] ?? '{}') as Given
process.on('disconnect', () => process.exit(1))
// Who asks for too much is to wait, and not to be refused.
const db = new Database({
  ...{ url: postgresUrl, poolSize: CONNECTIONS, applicationName: 'lab-pages' },
  connectTimeoutMs: 20_000,
})
const counts = { found: 0, missed: 0, withoutRedis: 0 }
const pageOf = cache === undefined ? (id: string) => readPage(db.sql, id) : await behindCache(cache)

// Longer than a connection is idle between one rate and the next.
const app = fastify({ keepAliveTimeout: 600_000 })
app.get<{ Params: { productId: string } }>('/products/:productId', async (request, reply) => {
  const page = await pageOf(request.params.productId)
  if (page === undefined) return await reply.code(404).send()
  return await reply.header('content-type', 'application/json; charset=utf-8').send(page)
})
app.get('/counts', (): Counts => counts)
await app.listen({ host: '127.0.0.1', port })
const told: Told = { pid: process.pid }
process.send?.(told)

/** Cache-aside: what is not in Redis is read from the database and put there for the next one who asks. */
async function behindCache({
  redisUrl,
  ...own
}: NonNullable<Given['cache']>): Promise<(id: string) => Promise<string | undefined>> {
  const redis = new RedisHints({ url: redisUrl, logger: createLogger({ service: 'lab-pages', level: 'error' }) })
  await until('Redis is there', () => redis.reachable)
  const pages = new CachedPages(redis, own)
  return async (id) => {
    const kept = await pages.find(id).catch(unlessUnavailable)
    if (typeof kept === 'string') {
      counts.found += 1
      return kept
    }
    counts[kept === null ? 'missed' : 'withoutRedis'] += 1
    const page = await readPage(db.sql, id)
    // Nobody has to wait for it.
    if (kept === null && page !== undefined) void pages.keep(id, page).catch(unlessUnavailable)
    return page
  }
}

function unlessUnavailable(error: unknown): undefined {
  if (!(error instanceof RedisUnavailable)) throw error
}
