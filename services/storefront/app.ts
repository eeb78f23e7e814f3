import { setTimeout as sleep } from 'node:timers/promises'
import { close, createHttpServer, listen } from '@timesale/http/server'
import { InternalVerifier } from '@timesale/identity/internal-token'
import type { Running } from '@timesale/process/run'
import { createLogger } from '@timesale/telemetry/logger'
import { createRegistry } from '@timesale/telemetry/metrics'
import type { StorefrontConfig } from './config.ts'

export async function startStorefront(config: StorefrontConfig): Promise<Running & { port: number }> {
  const logger = createLogger({ service: 'storefront', level: config.logLevel })
  const registry = createRegistry('storefront')
  const verifier = new InternalVerifier(config.auth)
  let draining = false
  const app = await createHttpServer({
    service: 'storefront',
    description: 'What buyers see: pages built from topics, kept in Redis.',
    logger,
    registry,
    authenticate: (authorization) => verifier.verify(authorization),
    health: () => Promise.resolve({ status: draining ? 'unready' : 'ready', reasons: draining ? ['draining'] : [] }),
  })
  await listen(app, config.http)
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : config.http.port
  logger.info({ host: config.http.host, port }, 'listening')
  return {
    port,
    async stop() {
      draining = true
      await sleep(config.drainMs)
      await close(app)
      logger.info('stopped')
    },
  }
}
