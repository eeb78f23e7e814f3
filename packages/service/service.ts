import { setTimeout as sleep } from 'node:timers/promises'
import type { EventDefinition, Source } from '@timesale/contracts/event'
import type { Group } from '@timesale/contracts/topics'
import { TRACED_SOURCES } from '@timesale/contracts/trace-api'
import { readHealth } from '@timesale/http/health'
import { close, createHttpServer, listen, type HttpServer } from '@timesale/http/server'
import type { Apply } from '@timesale/kafka/apply-batch'
import { TopicConsumer } from '@timesale/kafka/consumer'
import { InternalVerifier } from '@timesale/identity/internal-token'
import { COMMON_MIGRATIONS } from '@timesale/kafka/migrations'
import { OutboxGauge } from '@timesale/kafka/outbox-gauge'
import { Relay } from '@timesale/kafka/relay'
import { Database } from '@timesale/postgres/database'
import { schemaIsCurrent } from '@timesale/postgres/schema'
import type { Running } from '@timesale/process/run'
import { createLogger, type Logger } from '@timesale/telemetry/logger'
import { createRegistry, type Registry } from '@timesale/telemetry/metrics'
import type { ServiceConfig } from './config.ts'
import { totalsRoute, type CountTotals } from './totals-route.ts'
import { traceRoute, type FindMovements } from './trace-route.ts'

/** What a service's own code is built from. */
export interface ServiceParts {
  /** For requests. */
  readonly db: Database
  /** For the consumer, so that a rush of requests never starves it, nor it them. */
  readonly consumerDb: Database
  readonly logger: Logger
  readonly registry: Registry
  readonly outbox: OutboxGauge
  /** Facts were committed: send them now instead of at the next poll. */
  readonly wakeRelay: () => void
}

export interface ServiceDefinition {
  readonly name: string
  readonly description: string
  readonly config: ServiceConfig
  readonly migrations: URL
  readonly build: (parts: ServiceParts) => ServiceBody
}

export interface ServiceBody {
  /** Absent where nobody asks it anything but how it is. */
  readonly routes?: (app: HttpServer) => void
  readonly consumer?: { readonly group: Group; readonly uses: readonly EventDefinition[]; readonly apply: Apply }
  /** For whoever follows an order. */
  readonly findMovements?: FindMovements
  /** For whoever sees whether the books balance. */
  readonly countTotals?: CountTotals
  /** Why the service is slower than it should be, for /readyz. */
  readonly degradations?: () => string[]
  /** Ends what `build` began (timers, Redis), after the last request and before the database. */
  readonly close?: () => Promise<void>
}

const CONSUMER_POOL = 3
const isTraced = (source: Source): boolean => TRACED_SOURCES.some((traced) => traced === source)

/** Starts a service: database pools, relay, consumer, HTTP. Needs none of PostgreSQL, Kafka or Redis to be up. */
export async function startService(definition: ServiceDefinition): Promise<Running & { readonly port: number }> {
  const { name, config } = definition
  const logger = createLogger({ service: name, level: config.logLevel })
  const registry = createRegistry(name)
  const onError = (error: Error): void => logger.warn({ err: error }, 'database: an idle connection was lost')
  const open = (role: string, poolSize: number): Database =>
    new Database({ url: config.db.url, poolSize, applicationName: `${name}-${role}`, onError })
  const db = open('http', config.db.poolSize)
  const consumerDb = open('consumer', CONSUMER_POOL)
  const outbox = new OutboxGauge({ db: consumerDb, registry })
  const relay = new Relay({ service: name, dbUrl: config.db.url, brokers: config.kafka.brokers, logger, registry })
  const wakeRelay = (): void => relay.wake()

  const body = definition.build({ db, consumerDb, logger, registry, outbox, wakeRelay })
  const consumer =
    body.consumer === undefined
      ? undefined
      : new TopicConsumer({
          ...body.consumer,
          db: consumerDb,
          brokers: config.kafka.brokers,
          instanceId: config.instanceId,
          logger,
          registry,
          onFacts: wakeRelay,
        })

  const verifier = new InternalVerifier(config.auth)

  let draining = false
  const app = await createHttpServer({
    service: name,
    description: definition.description,
    logger,
    registry,
    authenticate: (authorization) => verifier.verify(authorization),
    health: () =>
      readHealth({
        db,
        schema: () => schemaIsCurrent(db.sql, [definition.migrations, COMMON_MIGRATIONS]),
        draining: () => draining,
        consumer: consumer === undefined ? undefined : () => consumer.state,
        degradations: () => [
          ...(relay.state === 'failing' ? ['kafka: events wait in the outbox, the brokers do not take them'] : []),
          ...(body.degradations?.() ?? []),
        ],
      }),
  })
  body.routes?.(app)
  if (body.consumer?.uses.some(({ source }) => isTraced(source)) === true) traceRoute(app, db, body.findMovements)
  totalsRoute(app, outbox, body.countTotals)
  // The port first: a service that cannot have it must not go on as half of one.
  const port = await listen(app, config.http)
  outbox.start()
  relay.start()
  consumer?.start()
  logger.info({ host: config.http.host, port }, 'listening')

  return {
    port,
    // First nothing new comes in, then what is under way is finished, and the database, which all of it needs, goes last.
    async stop() {
      draining = true
      await sleep(config.drainMs)
      await consumer?.stop()
      await relay.stop()
      await close(app)
      outbox.stop()
      await body.close?.()
      await Promise.all([db.close(), consumerDb.close()])
      logger.info('stopped')
    },
  }
}
