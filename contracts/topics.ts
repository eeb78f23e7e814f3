/** The shop's topics: one for each service that publishes, and one for what an operator sets. Keyed by aggregate id, kept for ever, never compacted. */
export const TOPICS = [
  'order-topic',
  'stock-topic',
  'product-topic',
  'payment-topic',
  'seller-topic',
  'settings-topic',
] as const
export type TopicName = (typeof TOPICS)[number]

/** Consumer groups, each named after its service, with the topics it reads. */
export const GROUPS = {
  order: ['stock-topic', 'product-topic'],
  stock: ['order-topic', 'product-topic'],
  product: ['seller-topic'],
  notification: ['order-topic'],
  analytics: ['order-topic', 'stock-topic', 'product-topic', 'seller-topic', 'settings-topic'],
} as const satisfies Record<string, readonly TopicName[]>
export type Group = keyof typeof GROUPS

/**
 * Readers whose positions are with what they build and not with the group, so that both move in one step. What they have
 * done is committed for these groups afterwards, to be seen; they have no inbox and make no dead letters.
 */
export const VIEW_GROUPS = {
  storefront: ['product-topic', 'stock-topic', 'order-topic', 'seller-topic'],
} as const satisfies Record<string, readonly TopicName[]>

/** What provisioning creates. Replication is the cluster's (1 broker: 1, 3 brokers: 3 with min.insync.replicas 2). */
export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

/** More partitions later would move keys to other partitions and break their order, so provisioning refuses that. */
export const PARTITIONS = 6

const DAY_MS = 24 * 60 * 60 * 1000

export function deadLetterTopic(topic: string, group: string): string {
  return `${topic}.${group}.dlq`
}

/** Topics without a reader, for people who try Kafka's own commands. */
export const PLAYGROUND_TOPICS = ['exam-topic', 'quickstart-events', 'test', 'loan_request'] as const
/** By the console only topics whose names begin so are made, so that it can tell which ones it may delete. */
export const PLAYGROUND_PREFIX = 'play-'

/** Nobody's work depends on it: it may be written to and deleted by the console. */
export function isPlayground(topic: string): boolean {
  return topic.startsWith(PLAYGROUND_PREFIX) || PLAYGROUND_TOPICS.some((name) => name === topic)
}

/** Every topic of the shop: events, dead letters, and, where asked for, the playground. */
export function topicSpecs(options: { playground: boolean }): TopicSpec[] {
  const events = TOPICS.map((name) => ({
    name,
    partitions: PARTITIONS,
    // Replay and rebuilding from offset 0 are features: a shorter retention takes them away, compaction breaks versions.
    configs: { 'retention.ms': '-1', 'cleanup.policy': 'delete' },
  }))
  const deadLetters = Object.entries(GROUPS).flatMap(([group, topics]) =>
    topics.map((topic) => ({
      name: deadLetterTopic(topic, group),
      partitions: 1,
      configs: { 'retention.ms': String(14 * DAY_MS), 'cleanup.policy': 'delete' },
    })),
  )
  const playground = options.playground ? PLAYGROUND_TOPICS : []
  return [...events, ...deadLetters, ...playground.map((name) => ({ name, partitions: 1, configs: {} }))]
}
