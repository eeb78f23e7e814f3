import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer, Producer, type Message } from '@platformatic/kafka'
import { Offsets } from '@timesale/testkit/offsets'
import { until } from '@timesale/testkit/until'

export const PARTITIONS = 4
// No multiple of the partitions: in turns each order would else meet the same one again and again.
export const KEYS = 501
export const STEPS = 20
export const RECORDS = KEYS * STEPS
const BATCH = 1_000
const SETTLE_MS = 1_500

export type PartitionOf = (order: string) => number
/** Members of each group. */
export type Groups = Readonly<Record<string, number>>

/** All steps of all orders: first one step of each, then the next one. */
export async function write(brokers: string, topic: string, partitionOf: PartitionOf): Promise<void> {
  const producer = new Producer({ clientId: 'lab', bootstrapBrokers: brokers.split(',') })
  try {
    const steps = Array.from({ length: RECORDS }, (_, index) => ({
      order: `order-${index % KEYS}`,
      step: Math.floor(index / KEYS) + 1,
    }))
    for (let at = 0; at < steps.length; at += BATCH) {
      const messages = steps.slice(at, at + BATCH).map(({ order, step }) => ({
        ...{ topic, partition: partitionOf(order) },
        ...{ key: Buffer.from(order), value: Buffer.from(`${order} ${step}`) },
      }))
      await producer.send({ messages, acks: -1 })
    }
  } finally {
    await producer.close()
  }
}

/** Starts so many members of each group, has the records written, and waits until every group has read them. In the order of reading. */
export async function readAll(
  brokers: string,
  topic: string,
  groups: Groups,
  written: () => Promise<void>,
): Promise<Map<string, string[][]>> {
  const members = Object.entries(groups).flatMap(([group, count]) =>
    Array.from({ length: count }, () => ({ group, read: [] as string[] })),
  )
  const consumers = members.map(
    ({ group }) => new Consumer({ groupId: group, clientId: 'lab', bootstrapBrokers: brokers.split(',') }),
  )
  try {
    for (const [index, consumer] of consumers.entries()) {
      const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 100 })
      stream.on('data', (message: Message) => members[index]?.read.push(String(message.value)))
    }
    // Whoever came first has everything until the others are in: so nothing is written before they are.
    await settled(brokers, topic, groups)
    // Who has just joined looks up where to begin, and would read again what is written meanwhile.
    await sleep(SETTLE_MS)
    await written()
    await until('every group has read everything', () =>
      Object.keys(groups).every((group) => {
        return distinct(members.filter((member) => member.group === group).flatMap(({ read }) => read)) === RECORDS
      }),
    )
  } finally {
    await Promise.all(consumers.map((consumer) => consumer.close(true)))
  }
  const byGroup = Map.groupBy(members, ({ group }) => group)
  return new Map([...byGroup].map(([group, all]) => [group, all.map(({ read }) => read)]))
}

async function settled(brokers: string, topic: string, groups: Groups): Promise<void> {
  await using offsets = new Offsets(brokers)
  for (const [group, count] of Object.entries(groups)) {
    await until(`${group} has its members`, async () => {
      const members = await offsets.members(group, topic)
      return members.length === count && members.flat().length === PARTITIONS
    })
  }
}

export function distinct(read: readonly string[]): number {
  return new Set(read).size
}
