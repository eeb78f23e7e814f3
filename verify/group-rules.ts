import { GROUPS, VIEW_GROUPS, deadLetterTopic, type Group, type TopicName } from '@timesale/contracts/topics'
import { databaseServices } from '@timesale/local/shop/ports'
import { headersOf } from '@timesale/testkit/console-consumer'
import { newestOf, sourcesOf, type Accounts } from './accounts.ts'
import { lookAt, type Books, type Look } from './books.ts'
import { placeOf } from './event-record.ts'
import { count, type Rulebook } from './finding.ts'
import type { CommittedOffset, Ends } from './kafka-offsets.ts'
import type { SoldOut } from './sold-out-rule.ts'
import { readRecords } from './topic.ts'

/** What is known of this shop's past beside what buyers were told. */
export interface Expected {
  /** Products that were asked for until nothing was left. */
  readonly soldOut?: readonly SoldOut[]
  /** Records that no group can read; each must be a dead letter of every group of its topic, and have no effect. */
  readonly deadLetters?: readonly RecordPlace[]
  /** Aggregates that a group cannot apply: their events must be parked. */
  readonly parked?: readonly ParkedKey[]
}

export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface ParkedKey {
  readonly group: string
  readonly source: string
  readonly aggregateId: string
}

export const groups = Object.keys(GROUPS) as Group[]

/** Who reads which topics; the storefront is among them where there is one. */
export function readersOf({ storefront }: Books): Readonly<Record<string, readonly TopicName[]>> {
  return storefront === undefined ? GROUPS : { ...GROUPS, ...VIEW_GROUPS }
}

/** Each group is at the end of its topics, and not beyond. */
export function checkCommitted(
  committed: readonly CommittedOffset[],
  ends: Ends,
  readers: ReturnType<typeof readersOf>,
  rules: Rulebook,
): void {
  const rule = rules.rule('read')
  const found = new Map(committed.map((one) => [`${one.group} ${one.topic} ${one.partition}`, one.offset]))
  let partitions = 0
  for (const [group, topics] of Object.entries(readers)) {
    for (const topic of topics) {
      for (const [partition, end] of (ends.get(topic) ?? []).entries()) {
        partitions += 1
        const offset = found.get(`${group} ${topic} ${partition}`) ?? 0
        if (offset !== end) rule.broken(`${group} is at ${offset} of ${topic}-${partition}, which ends at ${end}`)
      }
    }
  }
  rule.says(`${count(Object.keys(readers).length)} groups, ${count(partitions)} partitions`)
}

/**
 * What a group has in its inbox against what is on its topics: an aggregate that is behind has lost an event, one that is
 * ahead has applied one that was never told.
 */
export async function checkInbox(
  look: Look,
  group: Group,
  accounts: Accounts,
  parked: ReadonlySet<string>,
  rules: Rulebook,
): Promise<void> {
  const rule = rules.rule('skipped')
  const bit = 1 << groups.indexOf(group)
  rule.says(`${count(groups.length)} groups`)
  const sources = sourcesOf(accounts)
  await look.each<[string, string, number]>(
    `select source, aggregate_id, version from inbox where consumer = '${group}'`,
    ([source, aggregateId, version]) => {
      const row = sources.get(source)?.aggregates.get(aggregateId)
      const newest = row === undefined ? 0 : newestOf(row)
      if (row !== undefined) row.readBy |= bit
      if (version === newest || (version < newest && parked.has(`${group} ${source} ${aggregateId}`))) return
      rule.broken(`${group} is at version ${version} of ${source} ${aggregateId}, which is told up to ${newest}`)
    },
  )
  const topics: readonly string[] = GROUPS[group]
  for (const [source, { topic, aggregates }] of sources) {
    if (!topics.includes(topic)) continue
    for (const [aggregateId, row] of aggregates) {
      if ((row.readBy & bit) !== 0 || newestOf(row) === 0 || parked.has(`${group} ${source} ${aggregateId}`)) continue
      rule.broken(`${group} knows nothing of ${source} ${aggregateId}, which is told up to ${newestOf(row)}`)
    }
  }
}

/** Nothing waits to be published, and nothing is set aside but what was to be expected. */
export async function checkWaiting(
  look: Look,
  service: string,
  expected: ReadonlySet<string>,
  rules: Rulebook,
): Promise<void> {
  const outbox = rules.rule('outbox')
  const [waiting] = await look.rows<[string]>('select count(*) from outbox')
  outbox.says(`${count(databaseServices.length)} outboxes`)
  if (waiting?.[0] !== '0') outbox.broken(`${waiting?.[0]} rows wait in the outbox of ${service}`)

  const rule = rules.rule('parked')
  rule.says(`${count(expected.size)} expected`)
  const rows = await look.rows<[string, string, string, number, string, string | null]>(
    'select consumer, source, aggregate_id, version, reason, error from parked_events order by parked_at',
  )
  for (const [consumer, source, aggregateId, version, reason, error] of rows) {
    if (expected.has(`${consumer} ${source} ${aggregateId}`)) continue
    rule.broken(`${consumer} has parked version ${version} of ${source} ${aggregateId} (${reason}: ${error ?? '-'})`)
  }
  const found = new Set(rows.map(([consumer, source, aggregateId]) => `${consumer} ${source} ${aggregateId}`))
  for (const key of expected) {
    if (key.startsWith(`${service} `) && !found.has(key)) rule.broken(`${key} should be parked and is not`)
  }
}

/** Records that a group has made a dead letter of by now, whoever put them there. */
export async function findDeadLetters(books: Books): Promise<RecordPlace[]> {
  const found = new Map<string, RecordPlace>()
  for (const group of groups) {
    const rows = await lookAt(books, group, (look) =>
      look.rows<[string, number, string]>(
        `select topic, partition, "offset" from dead_letters where consumer = '${group}'`,
      ),
    )
    for (const [topic, partition, offset] of rows) {
      const place = { topic, partition, offset: Number(offset) }
      found.set(placeOf(place), place)
    }
  }
  return [...found.values()]
}

/** Dead letters are those that were to be expected, in the table of each group and once in effect on its topics. */
export async function checkDeadLetters(
  look: Look,
  group: Group,
  expected: readonly RecordPlace[],
  letters: ReadonlyMap<Group, ReadonlySet<string>>,
  rules: Rulebook,
): Promise<void> {
  const rule = rules.rule('dead')
  rule.says(`${count(expected.length)} expected`)
  const topics: readonly string[] = GROUPS[group]
  const wanted = new Set(expected.filter(({ topic }) => topics.includes(topic)).map(placeOf))
  const rows = await look.rows<[string, number, string, string]>(
    `select topic, partition, "offset", reason from dead_letters where consumer = '${group}' order by at`,
  )
  const found = new Set<string>()
  for (const [topic, partition, offset, reason] of rows) {
    const place = placeOf({ topic, partition, offset: Number(offset) })
    found.add(place)
    if (!wanted.has(place)) rule.broken(`${group} has made ${place} a dead letter: ${reason}`)
  }
  for (const place of wanted) {
    if (!found.has(place)) rule.broken(`${place} should be a dead letter of ${group} and is not`)
  }
  const onTopics = letters.get(group) ?? new Set()
  for (const place of found)
    if (!onTopics.has(place)) rule.broken(`${group} keeps ${place}, which is on no dead-letter topic`)
  for (const place of onTopics)
    if (!found.has(place)) rule.broken(`${place} is on a dead-letter topic of ${group} from nowhere`)
}

/** Which records each group has put on its dead-letter topics (`placeOf`). */
export async function readDeadLetters(books: Books, ends: Ends): Promise<Map<Group, Set<string>>> {
  const letters = new Map(groups.map((group) => [group, new Set<string>()]))
  const topics = groups.flatMap((group) =>
    GROUPS[group].map((topic) => [group, deadLetterTopic(topic, group)] as const),
  )
  await Promise.all(
    topics.map(([group, topic]) =>
      readRecords(books.brokers, topic, ends.get(topic) ?? [], (record) => {
        const { dlq_topic: from = '', dlq_partition: partition, dlq_offset: offset } = headersOf(record.headers)
        letters.get(group)?.add(placeOf({ topic: from, partition: Number(partition), offset: Number(offset) }))
      }),
    ),
  )
  return letters
}
