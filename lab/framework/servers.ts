import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { kafkaParts } from '@timesale/local/infrastructure/kafka'
import { localSuperuser, postgresPart } from '@timesale/local/infrastructure/postgres'
import { redisPart } from '@timesale/local/infrastructure/redis'
import type { Part } from '@timesale/local/part'
import { servicePorts } from '@timesale/testkit/infrastructure'
import { RestartablePart } from '@timesale/testkit/restartable-part'
import { until } from '@timesale/testkit/until'

/** Real servers of one experiment, on free ports and in a folder that is gone afterwards. */
export interface Servers extends AsyncDisposable {
  /** For clients: all brokers, with commas between; empty without Kafka. */
  readonly brokers: string
  /** Of a superuser, of an empty database; durable as in the shop. */
  readonly postgresUrl: string
  readonly redisUrl: string
  /** `kafka-1` …, `postgres`, `redis`. */
  part(name: string): RestartablePart
  /** A topic of so many partitions, on all brokers; resolves when every broker knows it. */
  createTopic(name: string, partitions: number, configs?: Readonly<Record<string, string>>): Promise<void>
}

export interface Wanted {
  /** How many brokers. */
  readonly kafka?: 1 | 3
  readonly postgres?: boolean
  readonly redis?: boolean
}

/** Of three brokers none is ready before two are. */
const READY_WITHIN_MS = 60_000

export async function startServers(wanted: Wanted): Promise<Servers> {
  const folder = await mkdtemp(join(tmpdir(), 'timesale-lab-'))
  // PostgreSQL runs as a user of its own where we are root.
  await chmod(folder, 0o755)
  const [postgresPort, redisPort, ...brokerPorts] = await servicePorts(11)
  const portsOf = (broker: number) => {
    const [internal = 0, outside = 0, controller = 0] = brokerPorts.slice(3 * (broker - 1))
    return { internal, outside, controller }
  }
  const brokerCount = wanted.kafka ?? 0
  const parts = new Map<string, RestartablePart>()
  const add = (part: Part): void => void parts.set(part.name, new RestartablePart(part, READY_WITHIN_MS))
  if (brokerCount > 0)
    for (const part of kafkaParts({ brokers: brokerCount, ports: portsOf, dataDir: join(folder, 'kafka') })) add(part)
  if (wanted.postgres === true)
    parts.set(
      'postgres',
      new RestartablePart(
        postgresPart({ service: 'lab', port: postgresPort, dataDir: join(folder, 'postgres') }),
        READY_WITHIN_MS,
      ),
    )
  if (wanted.redis === true) add(redisPart({ port: redisPort, dataDir: join(folder, 'redis') }))
  const brokers = Array.from({ length: brokerCount }, (_, index) => `127.0.0.1:${portsOf(index + 1).internal}`)
  const down = async (): Promise<void> => {
    await Promise.all([...parts.values()].map((part) => part[Symbol.asyncDispose]()))
    await rm(folder, { recursive: true, force: true })
  }
  // Of three brokers none is ready alone. Where one does not come up, the others are awaited before all are ended.
  const started = await Promise.allSettled([...parts.values()].map((part) => part.start()))
  for (const start of started) {
    if (start.status === 'fulfilled') continue
    await down()
    throw start.reason
  }
  return {
    brokers: brokers.join(','),
    postgresUrl: `postgres://${localSuperuser.user}:${localSuperuser.password}@127.0.0.1:${postgresPort}/postgres`,
    redisUrl: `redis://127.0.0.1:${redisPort}`,
    part(name) {
      const part = parts.get(name)
      if (part === undefined) throw new Error(`There is no ${name} in this experiment`)
      return part
    },
    createTopic: (name, partitions, configs = {}) => createTopic(brokers, { name, partitions, configs }),
    [Symbol.asyncDispose]: down,
  }
}

async function createTopic(
  brokers: readonly string[],
  { name, partitions, configs }: { name: string; partitions: number; configs: Readonly<Record<string, string>> },
): Promise<void> {
  const admin = new Admin({ clientId: 'lab', bootstrapBrokers: [...brokers] })
  try {
    await admin.createTopics({
      ...{ topics: [name], partitions, replicas: brokers.length },
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })
    // The controller confirms a topic before the brokers know of it.
    await until(`topic ${name} has its leaders`, async () => {
      const metadata = await admin.metadata({ topics: [name], forceUpdate: true }).catch(() => undefined)
      const leaders = Object.values(metadata?.topics.get(name)?.partitions ?? {})
      return leaders.length === partitions && leaders.every(({ leader }) => leader >= 0)
    })
  } finally {
    await admin.close()
  }
}
