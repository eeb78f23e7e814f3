import { setTimeout as sleep } from 'node:timers/promises'
import { close, createHttpServer, listen } from '@timesale/http/server'
import { InternalVerifier } from '@timesale/identity/internal-token'
import type { Running } from '@timesale/process/run'
import { RedisStore } from '@timesale/redis/redis-store'
import { createLogger } from '@timesale/telemetry/logger'
import { createRegistry } from '@timesale/telemetry/metrics'
import type { StorefrontConfig } from './config.ts'
import { createFollower } from './events/consumer.ts'
import { listProductsRoute } from './http/list-products.ts'
import { readOwnOrdersRoute } from './http/read-own-orders.ts'
import { readProductRoute } from './http/read-product.ts'
import { readShopRoute } from './http/read-shop.ts'
import { rebuildViewRoutes } from './http/rebuild-view.ts'
import { searchProductsRoute } from './http/search-products.ts'
import { ViewKeeper } from './jobs/keep-views.ts'
import { ProductReads } from './redis/product-reads.ts'

// A page is worth waiting for that long; a batch of changes is better late than done twice.
const READ_ANSWER_MS = 500
const WRITE_ANSWER_MS = 5_000

export async function startStorefront(config: StorefrontConfig): Promise<Running & { port: number }> {
  const logger = createLogger({ service: 'storefront', level: config.logLevel })
  const registry = createRegistry('storefront')
  const verifier = new InternalVerifier(config.auth)
  // A connection of its own for each: a page must not wait behind a batch.
  const store = new RedisStore({ url: config.redisUrl, logger, answerMs: READ_ANSWER_MS })
  const writes = new RedisStore({ url: config.redisUrl, logger, answerMs: WRITE_ANSWER_MS })
  const { brokers } = config.kafka
  const follow = createFollower({ store: writes, brokers, logger, registry })
  const keeper = new ViewKeeper({ store: writes, brokers, logger, registry, follow })

  let draining = false
  const app = await createHttpServer({
    service: 'storefront',
    description: 'What buyers see: pages built from topics, kept in Redis.',
    logger,
    registry,
    authenticate: (authorization) => verifier.verify(authorization),
    health: () => {
      if (draining) return Promise.resolve({ status: 'unready', reasons: ['draining'] })
      const reasons = [
        ...(store.reachable ? [] : ['redis: does not answer; pages are refused']),
        ...keeper.troubles.map((trouble) => `view: grows old: ${trouble}`),
      ]
      return Promise.resolve({ status: reasons.length === 0 ? 'ready' : 'degraded', reasons })
    },
  })
  const parts = { store, reads: new ProductReads(store) }
  readProductRoute(app, parts)
  listProductsRoute(app, parts)
  searchProductsRoute(app, parts)
  readShopRoute(app, parts)
  readOwnOrdersRoute(app, parts)
  rebuildViewRoutes(app, parts)
  const port = await listen(app, config.http)
  keeper.start()
  logger.info({ host: config.http.host, port }, 'listening')
  return {
    port,
    async stop() {
      draining = true
      await sleep(config.drainMs)
      await keeper.stop()
      await close(app)
      await Promise.all([store.close(), writes.close()])
      logger.info('stopped')
    },
  }
}
