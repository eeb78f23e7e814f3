import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomInt } from 'node:crypto'
import { Admin } from '@platformatic/kafka'
import { topicSpecs } from '@timesale/contracts/topics'
import { kafkaParts } from '@timesale/local/infrastructure/kafka'
import { localSuperuser, postgresPart } from '@timesale/local/infrastructure/postgres'
import { redisPart } from '@timesale/local/infrastructure/redis'
import type { Part } from '@timesale/local/part'
import { Database } from '@timesale/postgres/database'
import { provisionDatabase, provisionInstallation } from '@timesale/provision/databases'
import { provisionTopics } from '@timesale/provision/topics'
import { TEST_GATEWAY } from './gateway-key.ts'
import { RestartablePart } from './restartable-part.ts'
import { until } from './until.ts'

/** What the account service encrypts with. */
const TEST_KEY_SECRET = Buffer.alloc(32, 7).toString('base64url')

export interface InfrastructureOptions {
  /** A database for each of these, on one server, as the provisioning step makes it. */
  readonly databases: readonly string[]
  /** A server for each database instead, called `postgres-order` and so on, for faults that hit one of them. */
  readonly serverEach?: boolean
  readonly kafka?: boolean
  /** The port that clients of the broker's second listener are sent to: of a proxy that stands before `outsidePort`. */
  readonly advertisedPort?: number
  readonly redis?: boolean
}

/** Real servers on free ports in a folder that is gone afterwards. */
export interface Infrastructure extends AsyncDisposable {
  /** The environment a service is started with; `more` goes over it. */
  env(service: string, more?: Record<string, string>): NodeJS.ProcessEnv
  /** As the superuser, to look at what nobody else may see. */
  admin(service: string): Database
  readonly adminUrl: string
  /** As the superuser, of the database of one service. */
  adminUrlOf(service: string): string
  readonly brokers: string
  /** The broker's second listener. */
  readonly outsidePort: number
  readonly redisUrl: string
  /** `postgres` (or `postgres-order` and so on), `kafka-1`, `redis`. */
  readonly parts: ReadonlyMap<string, TestPart>
}

export interface TestPart {
  readonly pid: number
  signal(signal: NodeJS.Signals): void
  /** Gone when this resolves: killed, or as the signal says. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Again, on the same port and data. */
  start(): Promise<void>
}

export async function startInfrastructure(options: InfrastructureOptions): Promise<Infrastructure> {
  const folder = await mkdtemp(join(tmpdir(), 'timesale-test-'))
  // PostgreSQL runs as a user of its own where we are root.
  await chmod(folder, 0o755)
  const parts = new Map<string, RestartablePart>()
  const admins = new Map<string, Database>()
  const down = async (): Promise<void> => {
    await Promise.all([...admins.values()].map((admin) => admin.close()))
    await Promise.all([...parts.values()].map((part) => part[Symbol.asyncDispose]()))
    await rm(folder, { recursive: true, force: true })
  }

  const [postgresPort, kafkaPort, outsidePort, controllerPort, redisPort] = await servicePorts(5)
  const databasePorts = new Map<string, number>()
  for (const service of options.databases) {
    databasePorts.set(service, options.serverEach === true ? (await servicePorts(1))[0] : postgresPort)
  }
  const portOf = (service: string): number => databasePorts.get(service) ?? postgresPort
  const superuserUrl = (port: number, database: string): string =>
    `postgres://${localSuperuser.user}:${localSuperuser.password}@127.0.0.1:${port}/${database}`
  const brokers = `127.0.0.1:${kafkaPort}`
  const redisUrl = `redis://127.0.0.1:${redisPort}`
  const targets = options.databases.map((service) => ({
    service,
    adminUrl: superuserUrl(portOf(service), 'postgres'),
    serviceUrl: databaseUrl(service, portOf(service)),
  }))
  const start = async (part: Part, name = part.name): Promise<void> => {
    const restartable = new RestartablePart(part)
    await restartable.start()
    parts.set(name, restartable)
  }
  try {
    await Promise.all([
      (async () => {
        if (targets.length === 0) return
        const servers =
          options.serverEach === true
            ? targets.map(({ service }) => [`postgres-${service}`, portOf(service)] as const)
            : [['postgres', postgresPort] as const]
        await Promise.all(
          servers.map(([name, port]) =>
            start(postgresPart({ service: 'test', port, dataDir: join(folder, name) }), name),
          ),
        )
        for (const target of targets) await provisionDatabase(target)
        await provisionInstallation(targets, crypto.randomUUID())
      })(),
      (async () => {
        if (options.kafka !== true) return
        const ports = {
          ...{ internal: kafkaPort, outside: outsidePort, controller: controllerPort },
          ...(options.advertisedPort === undefined ? {} : { advertisedOutside: options.advertisedPort }),
        }
        const [broker] = kafkaParts({ brokers: 1, ports: () => ports, dataDir: join(folder, 'kafka') })
        if (broker !== undefined) await start(broker)
        await provisionTopics({ brokers: [brokers], replication: 1, playground: false })
        await topicsVisible(brokers)
      })(),
      (async () => {
        if (options.redis === true) await start(redisPart({ port: redisPort, dataDir: join(folder, 'redis') }))
      })(),
    ])
  } catch (error) {
    await down()
    throw error
  }

  return {
    env: (service, more = {}) => ({
      HTTP_PORT: '0',
      DB_URL: databaseUrl(service, portOf(service)),
      KAFKA_BROKERS: brokers,
      REDIS_URL: redisUrl,
      INTERNAL_KEYS: TEST_GATEWAY.keys,
      ACCOUNT_KEY_SECRET: TEST_KEY_SECRET,
      DRAIN_MS: '0',
      LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
      ...more,
    }),
    admin(service) {
      const url = superuserUrl(portOf(service), `${service}_local`)
      // Patient: it looks on, and no test is about how soon a busy server lets it in.
      const admin =
        admins.get(service) ?? new Database({ url, poolSize: 2, applicationName: 'test', connectTimeoutMs: 10_000 })
      admins.set(service, admin)
      return admin
    },
    adminUrl: superuserUrl(postgresPort, 'postgres'),
    adminUrlOf: (service) => superuserUrl(portOf(service), `${service}_local`),
    brokers,
    outsidePort,
    redisUrl,
    parts,
    [Symbol.asyncDispose]: down,
  }
}

// The controller confirms a topic before the broker itself knows of it, on a busy machine a second before.
async function topicsVisible(brokers: string): Promise<void> {
  const admin = new Admin({ clientId: 'test-topics', bootstrapBrokers: [brokers] })
  try {
    const wanted = topicSpecs({ playground: false }).map(({ name }) => name)
    await until('the broker knows all topics', async () => {
      const known = new Set(await admin.listTopics({ includeInternals: false }))
      return wanted.every((name) => known.has(name))
    })
  } finally {
    await admin.close()
  }
}

function databaseUrl(service: string, port: number): string {
  return `postgres://${service}_local:${service}_local@127.0.0.1:${port}/${service}_local`
}

// A port is used some seconds after it was picked, and test files run side by side: each process goes through a part of
// the range that is nearly always its own, in turn, so that nobody picks the same one meanwhile.
const PORTS_EACH = 200
const FIRST_PORT = 20_000 + (process.pid % 60) * PORTS_EACH
let portsGone = randomInt(PORTS_EACH)

/** Free ports below the ephemeral range: above it a client's own connection may hold them a moment later. */
export async function servicePorts<Count extends number>(count: Count): Promise<PortTuple<Count>> {
  const ports: number[] = []
  while (ports.length < count) {
    portsGone += 1
    const port = FIRST_PORT + (portsGone % PORTS_EACH)
    if (!(await isTaken(port))) ports.push(port)
  }
  return ports as PortTuple<Count>
}

type PortTuple<Count extends number, Ports extends number[] = []> = Ports['length'] extends Count
  ? Ports
  : PortTuple<Count, [...Ports, number]>

/** Whether somebody listens on this port of the loopback. */
export function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
