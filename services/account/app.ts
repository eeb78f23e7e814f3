import type { HttpServer } from '@timesale/http/server'
import type { Running } from '@timesale/process/run'
import { RedisHints } from '@timesale/redis/redis'
import { startService } from '@timesale/service/service'
import type { AccountConfig } from './config.ts'
import { accountRoutes } from './http/accounts.ts'
import { apiKeyRoutes } from './http/api-keys.ts'
import { logInRoute } from './http/log-in.ts'
import { meRoutes } from './http/me.ts'
import { refreshRoute } from './http/refresh.ts'
import { sessionRoutes } from './http/sessions.ts'
import { signUpRoute } from './http/sign-up.ts'
import { settingsRoutes } from './http/settings.ts'
import { signingKeyRoutes } from './http/signing-keys.ts'
import { deleteOldRows } from './jobs/delete-old-rows.ts'
import { repeat } from './jobs/repeat.ts'
import { createMetrics } from './metrics.ts'
import { PasswordHasher } from './password-hasher.ts'
import { Revocations } from './redis/revocations.ts'
import { SigningKeys } from './tokens/signing-keys.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000

export function startAccount(config: AccountConfig): Promise<Running & { port: number }> {
  return startService({
    name: 'account',
    description: 'Who is who: accounts, sessions, keys; and what operators set while the shop runs.',
    config,
    migrations: new URL('./db/migrations/', import.meta.url),
    build: (service) => {
      const { db, consumerDb, logger, registry } = service
      const redis = new RedisHints({ url: config.redisUrl, logger })
      // On connections that no rush of log-ins can take.
      const revocations = new Revocations({ redis, sql: consumerDb.sql })
      const keys = new SigningKeys({ db, secret: config.keySecret })
      const hasher = new PasswordHasher()
      const metrics = createMetrics(registry, () => hasher.waiting)
      const repeated = [
        repeat({ what: 'signing keys', everyMs: SECOND_MS, logger, work: () => keys.refresh() }),
        repeat({ what: 'ended sessions', everyMs: SECOND_MS, logger, work: () => revocations.writeAll() }),
        repeat({ what: 'old rows', everyMs: MINUTE_MS, logger, work: () => deleteOldRows(consumerDb.write) }),
      ]
      const parts = { db, hasher, keys, revocations, metrics, logger }
      return {
        routes: (app) => {
          storeNothing(app)
          signUpRoute(app, parts)
          logInRoute(app, parts)
          refreshRoute(app, parts)
          sessionRoutes(app, parts)
          meRoutes(app, parts)
          accountRoutes(app, parts)
          apiKeyRoutes(app, parts)
          signingKeyRoutes(app, parts)
          settingsRoutes(app, service)
        },
        degradations: () => [
          ...(redis.reachable ? [] : ['redis: does not answer; tokens of ended sessions are good until they expire']),
          ...(keys.failure === undefined ? [] : [`signing keys: ${keys.failure}`]),
        ],
        close: async () => {
          await Promise.all(repeated.map((one) => one.stop()))
          await redis.close()
        },
      }
    },
  })
}

// RFC 6749, 5.1: answers with tokens are kept by nobody on the way; nor are those about people.
function storeNothing(app: HttpServer): void {
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.header('cache-control', 'no-store')
    done()
  })
}
