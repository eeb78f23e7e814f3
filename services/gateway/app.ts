import { setTimeout as sleep } from 'node:timers/promises'
import { fastifySSE } from '@fastify/sse'
import { Compile } from 'typebox/compile'
import { OrderView } from '@timesale/contracts/order-api'
import { ORDER_EVENTS } from '@timesale/contracts/order-events'
import { Refusal } from '@timesale/contracts/refusals'
import type { Health } from '@timesale/http/health'
import { close, createHttpServer, listen } from '@timesale/http/server'
import { ANONYMOUS } from '@timesale/identity/principal'
import { TopicTail } from '@timesale/kafka/topic-tail'
import type { Running } from '@timesale/process/run'
import { RedisHints } from '@timesale/redis/redis'
import { SettingsFollower } from '@timesale/settings/follow-settings'
import { createLogger } from '@timesale/telemetry/logger'
import { createRegistry } from '@timesale/telemetry/metrics'
import { Admission } from './admission/admit.ts'
import { describeDoor } from './admission/described-doors.ts'
import { buildConsole } from './app-console.ts'
import type { GatewayConfig } from './config.ts'
import { consolePages } from './http/console-pages.ts'
import { myOrderRoute } from './http/my-order.ts'
import { orderEventsRoute } from './http/order-events.ts'
import { orderTraceRoute } from './http/order-trace.ts'
import { ownRoutes } from './http/own-routes.ts'
import { passOnRoutes } from './http/pass-on.ts'
import { takeRawJson } from './http/raw-body.ts'
import { Limiter } from './limits/limiter.ts'
import { gatewayMetrics, watchGateway } from './metrics.ts'
import { OrderStreams } from './order-changes/order-streams.ts'
import { watchStreams } from './order-changes/watch-streams.ts'
import type { StreamAbout } from './order-changes/order-stream.ts'
import { ROUTES, UPSTREAMS, type UpstreamName } from './routes.ts'
import { AccessKeys } from './tokens/access-keys.ts'
import { AccessTokens } from './tokens/access-tokens.ts'
import { InternalTokens } from './tokens/internal-tokens.ts'
import { Revocations } from './tokens/revocations.ts'
import { readPart } from './upstreams/read-part.ts'
import { Upstream } from './upstreams/upstream.ts'

const KEYS_WITHIN_MS = 2_000
const ORDER_WITHIN_MS = 2_000
const HEARTBEAT_MS = 15_000

/** Starts the gateway. Needs neither Redis nor Kafka nor any service to be up. */
export async function startGateway(config: GatewayConfig): Promise<Running & { port: number }> {
  const logger = createLogger({ service: 'gateway', level: config.logLevel })
  const registry = createRegistry('gateway')
  const metrics = gatewayMetrics(registry)
  const redis = new RedisHints({ url: config.redisUrl, logger })
  const upstreams = Object.fromEntries(
    UPSTREAMS.map((name) => [
      name,
      new Upstream({
        name,
        urls: config.upstreams[name],
        concurrency: config.concurrency,
        queue: config.queue,
        logger,
        onOutcome: (outcome) => metrics.upstreamOutcome(name, outcome),
      }),
    ]),
  ) as Record<UpstreamName, Upstream>
  const everyUpstream = Object.values(upstreams)

  const keys = new AccessKeys({ fetchKeys: () => fetchKeys(upstreams.account), logger, onGone: () => tokens.forget() })
  const tokens = new AccessTokens(keys)
  const revocations = new Revocations(redis)
  const settings = new SettingsFollower({ service: 'gateway', brokers: config.kafka.brokers, logger })
  const limiter = new Limiter({
    redis,
    limitOf: (routeClass) => settings.current.limits[routeClass] ?? config.limits[routeClass],
    replicas: config.replicas,
    isRevoked: (sessionId) => revocations.has(sessionId),
    onMemory: metrics.countedInMemory,
  })
  watchGateway(registry, everyUpstream, limiter)
  const admission = new Admission({ tokens, limiter, onRefused: metrics.refused })

  const internalTokens = new InternalTokens(config.signingKey)
  const tail = new TopicTail({
    clientId: 'timesale-gateway',
    topics: ['order-topic'],
    brokers: config.kafka.brokers,
    from: 'end',
    uses: ORDER_EVENTS,
    onEvents: (events) => {
      for (const { aggregateId, version } of events) streams.wake(aggregateId, version)
    },
    logger,
  })
  const readOrder = (about: StreamAbout & { readonly deadline?: number | undefined }): Promise<OrderView> =>
    readPart(upstreams.order, internalTokens, about, {
      path: `/orders/${about.orderId}`,
      validator: orderView,
      deadline: performance.now() + ORDER_WITHIN_MS,
    })
  const streams = new OrderStreams({
    max: config.orderStreamsMax,
    readOrder,
    isRevoked: (sessionId) => revocations.has(sessionId),
    onFirst: () => tail.start(),
  })
  watchStreams(registry, streams)

  let draining = false
  // No service is asked: one that is down is no reason to send callers to another gateway, which asks the same one.
  const health = (): Health => {
    if (draining) return { status: 'unready', reasons: ['draining'] }
    const reasons = [
      ...(redis.reachable ? [] : ['redis: no answer; limits are counted by this gateway alone']),
      ...(keys.areKnown ? [] : ['account: its keys are not known yet; nobody can be logged in']),
    ]
    return { status: reasons.length > 0 ? 'degraded' : 'ready', reasons }
  }

  const app = await createHttpServer({
    service: 'gateway',
    description: 'The one public door: who calls, how often, and on to the service that answers.',
    logger,
    registry,
    // Who calls is looked at by each route's own hook, which knows what the route needs.
    authenticate: () => ANONYMOUS,
    describeAdmission: describeDoor,
    health: () => Promise.resolve(health()),
    trustedHops: config.trustedHops,
    connectionsMax: config.connectionsMax,
    requestsPerConnectionMax: 1_000,
  })
  takeRawJson(app)
  await app.register(fastifySSE, { heartbeatInterval: HEARTBEAT_MS })
  ownRoutes(app, { admission, limiter, upstreams: everyUpstream })
  myOrderRoute(app, { admission, upstreams, internalTokens })
  orderEventsRoute(app, { admission, streams, readOrder })
  orderTraceRoute(app, { admission, upstreams, internalTokens, brokers: config.kafka.brokers, logger })
  passOnRoutes(app, ROUTES, { admission, upstreams, internalTokens })
  await consolePages(app, config.console.pages)
  const webConsole = await buildConsole(app, {
    ...{ config, admission, upstreams, internalTokens, redis },
    isRevoked: (sessionId) => revocations.has(sessionId),
  })

  const port = await listen(app, config.http)
  for (const upstream of everyUpstream) upstream.start()
  keys.start()
  revocations.start()
  settings.start()
  logger.info({ host: config.http.host, port }, 'listening')
  return {
    port,
    async stop() {
      draining = true
      await sleep(config.drainMs)
      // Only now: who was told earlier would have come back here.
      streams.close()
      webConsole.closeStreams()
      await Promise.all([close(app), tail.stop()])
      await webConsole.close()
      keys.stop()
      revocations.stop()
      await Promise.all([settings.stop(), ...everyUpstream.map((upstream) => upstream.close())])
      await redis.close()
      logger.info('stopped')
    },
  }
}

const orderView = Compile(OrderView)

async function fetchKeys(account: Upstream): Promise<string> {
  const { status, body } = await account.request({
    method: 'GET',
    path: '/.well-known/jwks.json',
    headers: ['accept', 'application/json'],
    body: undefined,
    deadline: performance.now() + KEYS_WITHIN_MS,
    idempotent: true,
  })
  if (status !== 200) throw new Refusal('upstream-unavailable', {}, `account answered ${status} to its keys`)
  return body.toString('utf8')
}
