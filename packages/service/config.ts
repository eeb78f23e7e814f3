import type { InboundAuth } from '@timesale/identity/internal-token'
import type { EnvReader } from '@timesale/process/env'
import type { JSONWebKeySet } from 'jose'

/** What every service is told at its start. */
export interface ServiceConfig {
  readonly http: { readonly host: string; readonly port: number }
  readonly db: { readonly url: string; readonly poolSize: number }
  readonly kafka: { readonly brokers: readonly string[] }
  /** The same name after a crash lets the broker give back the same partitions at once. Each process has its own. */
  readonly instanceId: string | undefined
  readonly auth: InboundAuth
  readonly logLevel: string
  /** How long to go on serving after SIGTERM, until load balancers have noticed that /readyz says no. */
  readonly drainMs: number
}

export function readServiceConfig(get: EnvReader, defaultPort: number): ServiceConfig {
  return {
    http: readHttpConfig(get, defaultPort),
    db: { url: get.url('DB_URL'), poolSize: get.int('DB_POOL_SIZE', 10) },
    kafka: { brokers: get.list('KAFKA_BROKERS') },
    auth: readAuthConfig(get),
    instanceId: get.text('INSTANCE_ID', '') || undefined,
    logLevel: get.text('LOG_LEVEL', 'info'),
    drainMs: get.int('DRAIN_MS', 3_000),
  }
}

export function readHttpConfig(get: EnvReader, defaultPort: number): ServiceConfig['http'] {
  return { host: get.text('HTTP_HOST', '127.0.0.1'), port: get.int('HTTP_PORT', defaultPort, 65_535) }
}

/** Open where only this machine can reach the port, unless told otherwise; anywhere else a token is needed. */
export function readAuthConfig(get: EnvReader): InboundAuth {
  const host = get.text('HTTP_HOST', '127.0.0.1')
  const isLoopback = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(host)
  const mode = get.oneOf('AUTH_MODE', ['open', 'token'], isLoopback ? 'open' : 'token')
  if (mode === 'open' && !isLoopback) get.wrong('AUTH_MODE', `open is for loopback alone, and HTTP_HOST is ${host}`)
  const keys = get.json('INTERNAL_KEYS', mode === 'open' ? 'optional' : 'required') as JSONWebKeySet | undefined
  if (keys !== undefined && !Array.isArray(keys.keys)) get.wrong('INTERNAL_KEYS', 'is not a JSON Web Key Set')
  return { mode, keys }
}
