import { randomUUID } from 'node:crypto'
import { provisionDatabase, provisionInstallation, type DatabaseTarget } from './databases.ts'
import { provisionTopics } from './topics.ts'

export type { DatabaseTarget } from './databases.ts'

export interface ProvisionOptions {
  readonly databases: readonly DatabaseTarget[]
  /** host:port, with commas between. */
  readonly kafkaBrokers: string
  /** Copies of each partition; by default three, or as many as there are brokers. */
  readonly replication?: number | undefined
  /** Also the topics without readers, for people who try Kafka's commands. */
  readonly playground: boolean
  readonly onStep?: (text: string) => void
}

/** Everything a shop needs in its databases and brokers before its services start. Idempotent. */
export async function provision(options: ProvisionOptions): Promise<void> {
  const step = options.onStep ?? (() => undefined)
  const brokers = options.kafkaBrokers.split(',').map((broker) => broker.trim())
  await Promise.all([
    provisionTopics({ brokers, replication: options.replication, playground: options.playground }).then(
      ({ made, copies }) =>
        step(
          made === 0
            ? 'topics'
            : `topics: ${made} are new, with ${copies} ${copies === 1 ? 'copy' : 'copies'} of each partition`,
        ),
    ),
    ...options.databases.map((database) =>
      provisionDatabase(database).then(() => step(`database of ${database.service}`)),
    ),
  ])
  await provisionInstallation(options.databases, randomUUID())
  step('installation id')
}
