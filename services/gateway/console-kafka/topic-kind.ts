import type { TopicSummary } from '@timesale/contracts/console-api'
import { SOURCES } from '@timesale/contracts/event'
import { deadLetterTopic, GROUPS, isPlayground, TOPICS, VIEW_GROUPS } from '@timesale/contracts/topics'

type About = Pick<TopicSummary, 'kind' | 'protected' | 'producers' | 'groups'>

/** Dead letters are written by the service that could not apply them. */
const DEAD_LETTERS: ReadonlyMap<string, string> = new Map(
  Object.entries(GROUPS).flatMap(([group, topics]) =>
    topics.map((topic) => [deadLetterTopic(topic, group), group] as const),
  ),
)

/**
 * What a topic is to the shop. Only what is sure to be a playground is not protected: a topic that the shop does not know is
 * somebody else's.
 */
export function aboutTopic(topic: string, isInternal: boolean): About {
  const kind = kindOf(topic, isInternal)
  return { kind, protected: kind !== 'playground', producers: producersOf(topic), groups: groupsOf(topic) }
}

function kindOf(topic: string, isInternal: boolean): About['kind'] {
  if (isInternal || topic.startsWith('__')) return 'internal'
  if (TOPICS.some((name) => name === topic)) return 'shop'
  if (DEAD_LETTERS.has(topic)) return 'dead-letter'
  return isPlayground(topic) ? 'playground' : 'other'
}

function producersOf(topic: string): string[] {
  const sources = Object.entries(SOURCES).filter(([, source]) => source.topic === topic)
  // `/order/orders` is what the order service tells of its orders.
  const services = sources.map(([name]) => name.split('/')[1] ?? '')
  return [...new Set([...services, ...(DEAD_LETTERS.has(topic) ? [DEAD_LETTERS.get(topic) ?? ''] : [])])]
}

function groupsOf(topic: string): string[] {
  const readers: Record<string, readonly string[]> = { ...GROUPS, ...VIEW_GROUPS }
  return Object.entries(readers).flatMap(([group, topics]) => (topics.includes(topic) ? [group] : []))
}
