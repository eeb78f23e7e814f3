import { kafkaParts } from '../infrastructure/kafka.ts'
import type { JarProgress } from '../infrastructure/jars.ts'
import { localSuperuser, postgresPart } from '../infrastructure/postgres.ts'
import { redisPart } from '../infrastructure/redis.ts'
import { compiledCode } from './compiled-code.ts'
import type { DataFolder } from './data-folder.ts'
import type { Part } from '../part.ts'
import {
  databaseServices,
  portsWithOffset,
  serviceNames,
  type DatabaseService,
  type Ports,
  type ServiceName,
} from './ports.ts'
import type { Secrets } from './secrets.ts'
import { servicePart } from './service-part.ts'
import type { Settings } from './settings.ts'

/** A server of the user's own that takes the place of a part. */
interface ExternalPart {
  readonly name: string
  readonly kind: Part['kind']
  /** 0 when the address names none. */
  readonly port: number
}

interface ShopDatabase {
  readonly service: DatabaseService
  readonly serviceUrl: string
  readonly adminUrl?: string
  readonly exclusive?: boolean
}

/** What a local shop consists of, by its settings and the user's environment; nothing is started by describing it. */
export interface Shop {
  readonly ports: Ports
  readonly infrastructure: readonly Part[]
  readonly services: readonly Part[]
  readonly external: readonly ExternalPart[]
  readonly databases: readonly ShopDatabase[]
  readonly kafkaBrokers: string
}

type Env = Readonly<Record<string, string | undefined>>

export function hasOwnKafka(env: Env): boolean {
  return given(env, 'KAFKA_BROKERS') !== undefined
}

export function describeShop(options: {
  readonly settings: Settings
  readonly folder: DataFolder
  readonly secrets: Secrets
  readonly env: Env
  readonly onProgress?: JarProgress
}): Shop {
  const { settings, folder, secrets, env } = options
  const ports = portsWithOffset(settings.portOffset)
  const progress = options.onProgress === undefined ? {} : { onProgress: options.onProgress }
  const ownBrokers = given(env, 'KAFKA_BROKERS')
  const ownRedis = given(env, 'REDIS_URL')

  const brokers =
    ownBrokers === undefined
      ? kafkaParts({
          brokers: settings.brokers ?? 1,
          ports: (number) => ports.broker(number),
          dataDir: folder.path,
          ...progress,
        })
      : []
  const redis =
    ownRedis === undefined ? [redisPart({ port: ports.redis, dataDir: folder.part('redis'), ...progress })] : []
  const databases = databaseServices.map((service) => databaseOf(service, ports, env))
  const servers = databases
    .filter(({ service }) => given(env, databaseUrlKey(service)) === undefined)
    .map(({ service }) =>
      postgresPart({ service, port: ports.database(service), dataDir: folder.part(`postgres-${service}`) }),
    )

  const kafkaBrokers = ownBrokers ?? brokers.map((broker) => `${broker.host}:${broker.port}`).join(',')
  const redisUrl = ownRedis ?? `redis://127.0.0.1:${ports.redis}`
  const urls = new Map(databases.map(({ service, serviceUrl }) => [service as ServiceName, serviceUrl]))
  const services = serviceNames.map((service) =>
    servicePart({
      name: service,
      port: ports.service(service),
      env: {
        NODE_COMPILE_CACHE: compiledCode,
        ...serviceEnvironment({ service, env, ports, serviceUrl: urls.get(service), kafkaBrokers, redisUrl, secrets }),
      },
    }),
  )

  return {
    ports,
    infrastructure: [...servers, ...brokers, ...redis],
    services,
    external: externalParts(env),
    databases,
    kafkaBrokers,
    // More copies than brokers cannot be made; with a cluster of one's own, its bootstrap list is the best guess.
  }
}

export function databaseUrlKey(service: DatabaseService): string {
  return `${service.toUpperCase()}_DB_URL`
}

function databaseOf(service: DatabaseService, ports: Ports, env: Env): ShopDatabase {
  const ownUrl = given(env, databaseUrlKey(service))
  if (ownUrl !== undefined) {
    const adminUrl = given(env, adminUrlKey(service))
    return { service, serviceUrl: ownUrl, ...(adminUrl === undefined ? {} : { adminUrl }) }
  }
  const server = `127.0.0.1:${ports.database(service)}`
  const name = `${service}_local`
  return {
    service,
    serviceUrl: `postgres://${name}:${name}@${server}/${name}`,
    adminUrl: `postgres://${localSuperuser.user}:${localSuperuser.password}@${server}/postgres`,
    exclusive: true,
  }
}

/** The user's own environment passed through, without what is not for this service to know. */
export function serviceEnvironment(options: {
  readonly service: ServiceName
  readonly env: Env
  readonly ports: Ports
  /** Of its database, if it has one. */
  readonly serviceUrl: string | undefined
  readonly kafkaBrokers: string
  readonly redisUrl: string
  readonly secrets: Secrets
}): Record<string, string> {
  const { service, env, ports, secrets } = options
  const prefix = service.toUpperCase()
  const passed = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !/^npm_|_DB_(ADMIN_)?URL$/.test(entry[0]),
  )
  return {
    ...Object.fromEntries(passed),
    [`${prefix}_HTTP_HOST`]: '127.0.0.1',
    [`${prefix}_HTTP_PORT`]: String(ports.service(service)),
    ...(options.serviceUrl === undefined ? {} : { [`${prefix}_DB_URL`]: options.serviceUrl }),
    ...secretsOf(service, secrets),
    ...(service === 'gateway' ? upstreams(ports) : {}),
    KAFKA_BROKERS: options.kafkaBrokers,
    REDIS_URL: options.redisUrl,
    INSTANCE_ID: `${service}-1`,
  }
}

// The public half of the gateway's key is for all, everything else for one.
function secretsOf(service: ServiceName, secrets: Secrets): Record<string, string> {
  return {
    INTERNAL_KEYS: secrets.internalKeys,
    ...(service === 'gateway' ? { GATEWAY_SIGNING_KEY: secrets.gatewaySigningKey } : {}),
    ...(service === 'account' ? { ACCOUNT_KEY_SECRET: secrets.accountKeySecret } : {}),
  }
}

function upstreams(ports: Ports): Record<string, string> {
  return Object.fromEntries(
    serviceNames
      .filter((name) => name !== 'gateway')
      .map((name) => [`GATEWAY_${name.toUpperCase()}_URLS`, `http://127.0.0.1:${ports.service(name)}`]),
  )
}

function externalParts(env: Env): ExternalPart[] {
  const databases = databaseServices.flatMap((service) => {
    const url = given(env, databaseUrlKey(service))
    return url === undefined
      ? []
      : [{ name: `postgres-${service}`, kind: 'database' as const, port: portOf(url, 5432) }]
  })
  const brokers = (given(env, 'KAFKA_BROKERS') ?? '').split(',').filter((address) => address.trim() !== '')
  const redis = given(env, 'REDIS_URL')
  return [
    ...databases,
    ...brokers.map((address, index) => ({
      name: `kafka-${index + 1}`,
      kind: 'broker' as const,
      port: Number(/:(\d+)$/.exec(address.trim())?.[1] ?? 0),
    })),
    ...(redis === undefined ? [] : [{ name: 'redis', kind: 'cache' as const, port: portOf(redis, 6379) }]),
  ]
}

function adminUrlKey(service: DatabaseService): string {
  return `${service.toUpperCase()}_DB_ADMIN_URL`
}

function portOf(url: string, usual: number): number {
  return URL.canParse(url) ? Number(new URL(url).port || usual) : 0
}

function given(env: Env, key: string): string | undefined {
  const value = env[key]
  return value === undefined || value.trim() === '' ? undefined : value
}
