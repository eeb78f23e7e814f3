import type { HttpServer } from '@timesale/http/server'
import { takeJson } from '@timesale/http/json-body'
import type { RedisHints } from '@timesale/redis/redis'
import type { Admission } from './admission/admit.ts'
import type { GatewayConfig } from './config.ts'
import { consoleDoor } from './console/console-door.ts'
import { Happenings } from './console/happenings.ts'
import { KafkaWatch } from './console/kafka-watch.ts'
import type { LagWatch } from './console/lag-watch.ts'
import { LiveStreams } from './console/live-streams.ts'
import { LiveWatch } from './console/live-watch.ts'
import { PartsHeard, portOf } from './console/parts-heard.ts'
import { COUNTED_SERVICES, readTotals } from './console/service-totals.ts'
import { Supervisor } from './console/supervisor.ts'
import { askKafka } from './console-kafka/ask-kafka.ts'
import { TopicTails } from './console-kafka/topic-tails.ts'
import { consoleGroupsRoutes } from './http/console-groups.ts'
import { consoleLiveRoute } from './http/console-live.ts'
import { consolePartsRoute } from './http/console-parts.ts'
import { consoleRecordsRoutes } from './http/console-records.ts'
import { consoleRushRoutes } from './http/console-rush.ts'
import { consoleTailRoute } from './http/console-tail.ts'
import { consoleTopicsRoutes } from './http/console-topics.ts'
import { consoleRoute } from './http/console.ts'
import type { UpstreamName } from './routes.ts'
import type { InternalTokens } from './tokens/internal-tokens.ts'
import type { Upstream } from './upstreams/upstream.ts'

export interface ConsoleOptions {
  readonly config: GatewayConfig
  readonly admission: Admission
  readonly upstreams: Readonly<Record<UpstreamName, Upstream>>
  readonly internalTokens: InternalTokens
  readonly redis: RedisHints
  readonly isRevoked: (sessionId: string) => boolean
}

export interface Console {
  /** Ends all streams, before the server closes. */
  readonly closeStreams: () => void
  readonly close: () => Promise<void>
}

/** Everything under /api/console: the part of `app.ts` that is for operators who look at the shop. */
export async function buildConsole(app: HttpServer, options: ConsoleOptions): Promise<Console> {
  const { config, admission, isRevoked } = options
  const { actions, people } = config.console
  const supervisor = config.console.supervisor === undefined ? undefined : new Supervisor(config.console.supervisor)
  const isLocal = supervisor !== undefined || people.length > 0
  const door = consoleDoor({ admission, actions, isLocal })
  const happenings = new Happenings()
  const kafka = new KafkaWatch({ clientId: 'timesale-gateway-console', brokers: config.kafka.brokers })
  const watch = watchAll(app, options, { supervisor, kafka, happenings })
  const streams = new LiveStreams({ listen: (listener) => watch.listen(listener), happenings, isRevoked })
  const ask = askKafka({ brokers: config.kafka.brokers, withinMs: config.console.kafkaWithinMs, logger: app.log })
  const tails = new TopicTails({ ask, isRevoked })
  const lags = lagWatchOf(watch, kafka)
  await app.register((console: HttpServer, _options, done) => {
    // What is passed on stays bytes; what is for us is read.
    console.removeContentTypeParser('application/json')
    takeJson(console)
    console.addHook('onRequest', (_request, reply, next) => {
      void reply.header('cache-control', 'no-store')
      next()
    })
    consoleRoute(console, { actions, supervised: supervisor !== undefined, people }, admission)
    consoleLiveRoute(console, door, streams)
    consolePartsRoute(console, { door, happenings, supervisor })
    consoleRushRoutes(console, { door, happenings, supervisor })
    consoleTopicsRoutes(console, { door, ask, lags, happenings })
    consoleRecordsRoutes(console, { door, ask })
    consoleTailRoute(console, { door, ask, tails })
    consoleGroupsRoutes(console, { door, ask, lags })
    done()
  })
  return {
    closeStreams() {
      streams.close()
      tails.close()
    },
    async close() {
      watch.close()
      await supervisor?.close()
    },
  }
}

function watchAll(
  app: HttpServer,
  { config, upstreams, internalTokens, redis }: ConsoleOptions,
  { supervisor, kafka, happenings }: { supervisor: Supervisor | undefined; kafka: KafkaWatch; happenings: Happenings },
): LiveWatch {
  const heard = new PartsHeard()
  const listParts = (): ReturnType<PartsHeard['list']> =>
    heard.list({
      gatewayPort: portOf(app.listeningOrigin),
      services: Object.values(upstreams),
      brokers: watch.latestKafka?.value.brokers,
      redis: { port: portOf(config.redisUrl), isReachable: redis.reachable },
    })
  const watch: LiveWatch = new LiveWatch({
    happenings,
    parts: () => supervisor?.parts() ?? Promise.resolve(listParts()),
    kafka: () => kafka.look(),
    totals: new Map(COUNTED_SERVICES.map((name) => [name, () => readTotals(upstreams[name], internalTokens)])),
    isRedisReachable: () => redis.reachable,
    rush: () => supervisor?.rush() ?? Promise.resolve(null),
  })
  return watch
}

function lagWatchOf(watch: LiveWatch, kafka: KafkaWatch): LagWatch {
  return {
    async sample() {
      const seen = await watch.kafka()
      if (seen === undefined) return undefined
      const { asOf, groups, topics } = seen.value
      const topicRates = new Map(kafka.isWarm ? topics.map(({ topic, perSecond }) => [topic, perSecond]) : [])
      return { asOf, groups, topicRates }
    },
    historyOf: (group) => [...kafka.historyOf(group)],
  }
}
