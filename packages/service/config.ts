import type { EnvReader } from '@timesale/process/env'

/** What every service is told at its start. */
export interface ServiceConfig {
  readonly http: { readonly host: string; readonly port: number }
  readonly db: { readonly url: string; readonly poolSize: number }
  readonly kafka: { readonly brokers: readonly string[] }
  /** The same name after a crash lets the broker give back the same partitions at once. Each process has its own. */
  readonly instanceId: string | undefined
  readonly logLevel: string
  /** How long to go on serving after SIGTERM, until load balancers have noticed that /readyz says no. */
  readonly drainMs: number
}

export function readServiceConfig(get: EnvReader, defaultPort: number): ServiceConfig {
  return {
    http: { host: get.text('HTTP_HOST', '127.0.0.1'), port: get.int('HTTP_PORT', defaultPort) },
    db: { url: get.url('DB_URL'), poolSize: get.int('DB_POOL_SIZE', 10) },
    kafka: { brokers: get.list('KAFKA_BROKERS') },
    instanceId: get.text('INSTANCE_ID', '') || undefined,
    logLevel: get.text('LOG_LEVEL', 'info'),
    drainMs: get.int('DRAIN_MS', 3_000),
  }
}
