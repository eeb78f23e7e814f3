import { kafkaParts } from '../infrastructure/kafka.ts'
import type { JarProgress } from '../infrastructure/jars.ts'
import { localSuperuser, postgresPart } from '../infrastructure/postgres.ts'
import { redisPart } from '../infrastructure/redis.ts'
import { asOperator, type AsOperator } from './as-operator.ts'
import { compiledCode } from './compiled-code.ts'
import { configUrl, type ConfigSource } from './config-server.ts'
import type { DataFolder } from './data-folder.ts'
import { demoPassword, demoPeople } from './demo-people.ts'
import type { Part } from '../part.ts'
import {
  databaseServices,
  isServiceName,
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
  /** The gateway's, as JSON. */
  readonly signingKey: string
  readonly asOperator: AsOperator
  /** What the configuration server tells an application; nothing to one that is not of the shop. */
  readonly configOf: (application: string) => readonly ConfigSource[]
}

export interface Control {
  readonly port: number
  readonly token: string
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
  /** Where the supervisor listens, for the console to start and stop parts. */
  readonly control?: Control
}): Shop {
  const { settings, folder, secrets, env, control } = options
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
  const asks = { CONFIG_URL: configUrl(ports.config, secrets.configPassword) }
  const services = serviceNames.map((service) =>
    servicePart({
      name: service,
      port: ports.service(service),
      env: { ...ownEnvironment(service, env), NODE_COMPILE_CACHE: compiledCode, ...asks },
    }),
  )
  const configOf = (application: string): readonly ConfigSource[] =>
    isServiceName(application)
      ? serviceConfig({
          ...{ service: application, serviceUrl: urls.get(application) },
          ...{ ports, kafkaBrokers, redisUrl, secrets, control },
        })
      : []

  // A key of the user's own is the one that services know then.
  const signingKey = given(env, 'GATEWAY_SIGNING_KEY') ?? secrets.gatewaySigningKey
  return {
    ports,
    infrastructure: [...servers, ...brokers, ...redis],
    services,
    external: externalParts(env),
    databases,
    kafkaBrokers,
    signingKey,
    asOperator: asOperator(signingKey),
    configOf,
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

const setByTheShop = /^npm_|(^|_)(DB_URL|DB_ADMIN_URL|HTTP_HOST|HTTP_PORT|INSTANCE_ID)$|^CONFIG_(URL|PROFILE|LABEL)$/

/**
 * The user's own environment for a service, which goes before what the configuration server says; without what the shop
 * decides for each service (addresses, databases), and without what is for another service.
 */
export function ownEnvironment(service: ServiceName, env: Env): Record<string, string> {
  const others = serviceNames.filter((name) => name !== service).map((name) => `${name.toUpperCase()}_`)
  const passed = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !setByTheShop.test(entry[0]) && !others.some((prefix) => entry[0].startsWith(prefix)),
  )
  return Object.fromEntries(passed)
}

/** What one service needs to know, and nothing that is for another one alone. */
export function serviceConfig(options: {
  readonly service: ServiceName
  readonly ports: Ports
  /** Of its database, if it has one. */
  readonly serviceUrl: string | undefined
  readonly kafkaBrokers: string
  readonly redisUrl: string
  readonly secrets: Secrets
  readonly control?: Control | undefined
}): readonly ConfigSource[] {
  const { service, ports, serviceUrl, kafkaBrokers, redisUrl, secrets, control } = options
  const prefix = service.toUpperCase()
  const own = {
    [`${prefix}_HTTP_HOST`]: '127.0.0.1',
    [`${prefix}_HTTP_PORT`]: String(ports.service(service)),
    [`${prefix}_INSTANCE_ID`]: `${service}-1`,
    ...(serviceUrl === undefined ? {} : { [`${prefix}_DB_URL`]: serviceUrl }),
    ...(service === 'gateway'
      ? { GATEWAY_SIGNING_KEY: secrets.gatewaySigningKey, ...upstreams(ports), ...consoleSettings(control) }
      : {}),
    ...(service === 'account' ? { ACCOUNT_KEY_SECRET: secrets.accountKeySecret } : {}),
  }
  const shared = { KAFKA_BROKERS: kafkaBrokers, REDIS_URL: redisUrl, INTERNAL_KEYS: secrets.internalKeys }
  return [
    { name: service, source: own },
    { name: 'every service', source: shared },
  ]
}

// Here passwords are everybody's, so that a console can be tried by whoever comes.
function consoleSettings(control: Control | undefined): Record<string, string> {
  const people = demoPeople.map(({ email, roles }) => ({ email, password: demoPassword, roles }))
  return {
    GATEWAY_CONSOLE_ACTIONS: 'on',
    GATEWAY_CONSOLE_PEOPLE: JSON.stringify(people),
    ...(control === undefined ? {} : { GATEWAY_SUPERVISOR_URL: `http://:${control.token}@127.0.0.1:${control.port}` }),
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
