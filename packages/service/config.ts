import { createPublicKey } from 'node:crypto'
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

// More than a server of PostgreSQL gives out without being told.
const POOL_MAX = 1_000
/** What is still served after that is cut off by the hard stop (packages/process/run.ts). */
export const DRAIN_MAX_MS = 15_000
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export function readServiceConfig(get: EnvReader, defaultPort: number): ServiceConfig {
  return {
    http: readHttpConfig(get, defaultPort),
    db: { url: get.url('DB_URL', ['postgres', 'postgresql']), poolSize: get.int('DB_POOL_SIZE', 10, POOL_MAX, 1) },
    kafka: { brokers: get.addresses('KAFKA_BROKERS') },
    auth: readAuthConfig(get),
    instanceId: get.text('INSTANCE_ID', '') || undefined,
    logLevel: readLogLevel(get),
    drainMs: get.int('DRAIN_MS', 3_000, DRAIN_MAX_MS),
  }
}

export function readHttpConfig(get: EnvReader, defaultPort: number): ServiceConfig['http'] {
  return { host: get.text('HTTP_HOST', '127.0.0.1'), port: get.int('HTTP_PORT', defaultPort, 65_535) }
}

export function readLogLevel(get: EnvReader): string {
  return get.oneOf('LOG_LEVEL', LOG_LEVELS, 'info')
}

export function readRedisUrl(get: EnvReader): string {
  return get.url('REDIS_URL', ['redis', 'rediss'])
}

/** Open where only this machine can reach the port, unless told otherwise; anywhere else a token is needed. */
export function readAuthConfig(get: EnvReader): InboundAuth {
  const host = get.text('HTTP_HOST', '127.0.0.1')
  const isLoopback = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(host)
  const mode = get.oneOf('AUTH_MODE', ['open', 'token'], isLoopback ? 'open' : 'token')
  if (mode === 'open' && !isLoopback) get.wrong('AUTH_MODE', `open is for loopback alone, and HTTP_HOST is ${host}`)
  const keys = get.json('INTERNAL_KEYS', mode === 'open' ? 'optional' : 'required')
  if (keys === undefined || canVerify(keys)) return { mode, keys }
  get.wrong('INTERNAL_KEYS', 'is not a JSON Web Key Set with a key that can verify')
  return { mode, keys: undefined }
}

// Every item is an object, or the set as a whole would be refused later, and one of them at least is a key that the
// gateway's signatures can be verified with. A private key is none: whoever verifies shall not be able to sign.
function canVerify(value: unknown): value is JSONWebKeySet {
  const keys = isObject(value) && 'keys' in value ? value.keys : undefined
  return Array.isArray(keys) && keys.every(isObject) && keys.some(isPublicEd25519)
}

function isPublicEd25519(key: object): boolean {
  try {
    return !('d' in key) && createPublicKey({ key: { ...key }, format: 'jwk' }).asymmetricKeyType === 'ed25519'
  } catch {
    return false
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
