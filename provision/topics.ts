import { Admin } from '@platformatic/kafka'
import { topicSpecs, type TopicSpec } from '@timesale/contracts/topics'
import { hasApiId } from '@timesale/kafka/protocol-error'

export interface TopicsTarget {
  readonly brokers: readonly string[]
  /** Copies of each partition; by default three, or as many as there are brokers. */
  readonly replication?: number | undefined
  readonly playground: boolean
}

export interface MadeTopics {
  readonly made: number
  /** Of each partition of these. */
  readonly copies: number
}

/**
 * Creates the topics that are missing. Refuses a topic whose partitions differ from the contract: a key would move to
 * another partition, and with it the order of its events would be lost.
 */
export async function provisionTopics(target: TopicsTarget): Promise<MadeTopics> {
  const admin = new Admin({
    clientId: 'timesale-provision',
    bootstrapBrokers: [...target.brokers],
    retries: 5,
    retryDelay: 500,
    connectTimeout: 3_000,
  })
  try {
    const existing = new Set(await admin.listTopics({ includeInternals: false }))
    const specs = topicSpecs({ playground: target.playground })
    const replication = target.replication ?? Math.min(3, (await admin.metadata({ topics: [] })).brokers.size)
    const missing = specs.filter(({ name }) => !existing.has(name))
    for (const spec of missing) await create(admin, spec, replication)
    await checkPartitions(
      admin,
      specs.filter(({ name }) => existing.has(name)),
    )
    return { made: missing.length, copies: replication }
  } finally {
    await admin.close()
  }
}

async function create(admin: Admin, spec: TopicSpec, replication: number): Promise<void> {
  const minInSync = replication >= 3 ? 2 : 1
  const configs = Object.entries({ ...spec.configs, 'min.insync.replicas': String(minInSync) })
  try {
    await admin.createTopics({
      topics: [spec.name],
      partitions: spec.partitions,
      replicas: replication,
      configs: configs.map(([name, value]) => ({ name, value })),
    })
  } catch (error) {
    // Somebody who provisions at the same moment was quicker. The controller says so before every broker has heard of it.
    if (!hasApiId(error, 'TOPIC_ALREADY_EXISTS')) throw error
  }
}

async function checkPartitions(admin: Admin, specs: readonly TopicSpec[]): Promise<void> {
  if (specs.length === 0) return
  const metadata = await admin.metadata({ topics: specs.map(({ name }) => name) })
  for (const spec of specs) {
    const partitions = metadata.topics.get(spec.name)?.partitionsCount
    if (partitions !== undefined && partitions !== spec.partitions) {
      throw new Error(
        `Topic ${spec.name} has ${partitions} partitions, the contract says ${spec.partitions}. ` +
          'Changing that would move keys and break the order of their events: make the topic anew, or change contracts/topics.ts.',
      )
    }
  }
}
