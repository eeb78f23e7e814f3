import { createPrivateKey, createPublicKey } from 'node:crypto'
import { resolve } from 'node:path'
import type { JWK } from 'jose'
import { Check } from 'typebox/value'
import { ConsoleAbout } from '@timesale/contracts/console-api'
import { readEnv, type EnvReader } from '@timesale/process/env'
import { DRAIN_MAX_MS, readHttpConfig, readLogLevel, readRedisUrl } from '@timesale/service/config'
import type { Limit } from './limits/limit.ts'
import { UPSTREAMS, type UpstreamName } from './routes.ts'

export type GatewayConfig = ReturnType<typeof readConfig>

export function readConfig(env: NodeJS.ProcessEnv) {
  return readEnv(env, 'GATEWAY_', (get) => ({
    http: readHttpConfig(get, 8080),
    redisUrl: readRedisUrl(get),
    /** To hear of orders that change, and of limits that are set; without it streams ask every few seconds. */
    kafka: { brokers: get.addresses('KAFKA_BROKERS') },
    logLevel: readLogLevel(get),
    drainMs: get.int('DRAIN_MS', 3_000, DRAIN_MAX_MS),
    /** Signs what the services are told about callers. */
    signingKey: readSigningKey(get),
    trustedHops: readCount(get, 'TRUSTED_HOPS', 0, { min: 0, max: 10 }),
    connectionsMax: readCount(get, 'CONNECTIONS_MAX', 25_000, { min: 1, max: 1_000_000 }),
    /** How many gateways share the limits while Redis does not count for all of them. */
    replicas: readCount(get, 'REPLICAS', 1, { min: 1, max: 1_000 }),
    /** Where no operator has set another one. */
    limits: {
      browse: readLimit(get, 'LIMIT_BROWSE', '600/10'),
      orders: readLimit(get, 'LIMIT_ORDERS', '60/10'),
      write: readLimit(get, 'LIMIT_WRITE', '120/10'),
      account: readLimit(get, 'LIMIT_ACCOUNT', '120/60'),
      credentials: readLimit(get, 'LIMIT_CREDENTIALS', '10/60'),
    },
    upstreams: readUpstreams(get),
    /** Streams of changes of orders at once; each keeps a connection. */
    orderStreamsMax: get.int('ORDER_STREAMS_MAX', 10_000, 1_000_000),
    /** For each service, all its instances together. */
    concurrency: readCount(get, 'UPSTREAM_CONCURRENCY', 500, { min: 1, max: 10_000 }),
    queue: readCount(get, 'UPSTREAM_QUEUE', 1_000, { min: 0, max: 100_000 }),
    console: {
      /** How long Kafka may take for what the console asks of it. */
      kafkaWithinMs: readCount(get, 'CONSOLE_KAFKA_MS', 2_800, { min: 100, max: 60_000 }),
      /** Whether operators may change anything by it. */
      actions: get.oneOf('CONSOLE_ACTIONS', ['on', 'off'], 'off') === 'on',
      /** Of a local start; nobody starts and stops parts elsewhere. */
      supervisor: readSupervisor(get),
      /** Who can be logged in as on a local start. */
      people: readPeople(get),
      /** What `npm run build -w console` has made; a page that says so is shown where it is not there. */
      pages: resolve(get.text('CONSOLE_PAGES', resolve(import.meta.dirname, '../../console/dist'))),
    },
  }))
}

function readCount(get: EnvReader, key: string, fallback: number, { min, max }: { min: number; max: number }): number {
  const count = get.int(key, fallback, max)
  if (count < min) get.wrong(key, `is less than ${min}: ${count}`)
  return count
}

function readSigningKey(get: EnvReader): JWK {
  const key = get.json('SIGNING_KEY', 'required') as JWK | undefined
  if (key !== undefined && !isSigningKey(key))
    get.wrong('SIGNING_KEY', 'is not a private Ed25519 JSON Web Key with a kid')
  return key ?? {}
}

// A key that looks like one and is none would be found when the first request is to be signed. Its complaint is not told.
function isSigningKey(key: JWK | null): boolean {
  if (key?.kty !== 'OKP' || key.crv !== 'Ed25519' || typeof key.kid !== 'string') return false
  try {
    const privateKey = createPrivateKey({ key, format: 'jwk' })
    return createPublicKey(privateKey).export({ format: 'jwk' }).x === key.x
  } catch {
    return false
  }
}

// `60/10`: 60 requests in 10 seconds.
function readLimit(get: EnvReader, key: string, fallback: string): Limit {
  const text = get.text(key, fallback)
  const found = /^([1-9]\d{0,6})\/([1-9]\d{0,4})$/.exec(text)
  if (found === null) get.wrong(key, `is not points/seconds, like ${fallback}: ${text}`)
  return { points: Number(found?.[1] ?? 1), seconds: Number(found?.[2] ?? 1) }
}

function readUpstreams(get: EnvReader): Readonly<Record<UpstreamName, string[]>> {
  const urls = UPSTREAMS.map((name) => [name, readUrls(get, `${name.toUpperCase()}_URLS`)] as const)
  return Object.fromEntries(urls) as Record<UpstreamName, string[]>
}

function readUrls(get: EnvReader, key: string): string[] {
  const urls = get.list(key)
  for (const url of urls) {
    const parsed = URL.parse(url)
    const isOrigin = parsed?.protocol === 'http:' || parsed?.protocol === 'https:'
    // The value may hold a password, so the complaint does not repeat it.
    if (!isOrigin || parsed.pathname !== '/' || parsed.search !== '')
      get.wrong(key, 'holds something that is not like http://host:port')
  }
  return urls
}

export interface SupervisorAddress {
  readonly origin: string
  readonly token: string
}

// `http://:token@127.0.0.1:port`, as a URL has a password.
function readSupervisor(get: EnvReader): SupervisorAddress | undefined {
  if (get.text('SUPERVISOR_URL', '') === '') return undefined
  const url = URL.parse(get.url('SUPERVISOR_URL', ['http']))
  if (url !== null && url.password === '')
    get.wrong('SUPERVISOR_URL', 'has no token; it is like http://:token@host:port')
  return url === null ? undefined : { origin: url.origin, token: decodeURIComponent(url.password) }
}

function readPeople(get: EnvReader): ConsoleAbout['people'] {
  const people = get.json('CONSOLE_PEOPLE', 'optional')
  if (people === undefined) return []
  if (Check(ConsoleAbout.properties.people, people)) return people
  get.wrong('CONSOLE_PEOPLE', 'is not a list of people, each with email, password and roles')
  return []
}
