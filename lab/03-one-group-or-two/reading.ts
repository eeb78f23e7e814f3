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
/** Members hear by it that another one wants to join, and it waits so long for each who is there; by default three seconds. */
const HEARTBEAT_MS = 500

/** Where a record goes: its key, and the partition of that. Without, the client takes the partitions in turns. */
export type AddressOf = (order: string) => { readonly key?: Buffer; readonly partition?: number }
/** Members of each group. */
export type Groups = Readonly<Record<string, number>>

/** All steps of all orders: first one step of each, then the next one. */
export async function write(brokers: string, topic: string, addressOf: AddressOf): Promise<void> {
  const producer = new Producer({ clientId: 'lab', bootstrapBrokers: brokers.split(',') })
  try {
    const steps = Array.from({ length: RECORDS }, (_, index) => ({
      order: `order-${index % KEYS}`,
      step: Math.floor(index / KEYS) + 1,
    }))
    for (let at = 0; at < steps.length; at += BATCH) {
      const messages = steps.slice(at, at + BATCH).map(({ order, step }) => ({
        ...{ topic, value: Buffer.from(`${order} ${step}`) },
        ...addressOf(order),
      }))
      await producer.send({ messages, acks: -1 })
    }
  } finally {
    await producer.close()
  }
}

/** What a group has read, each in the order of reading. */
export interface GroupRead {
  readonly members: readonly (readonly string[])[]
  /** By all its members, as it came to this process. */
  readonly arrived: readonly string[]
}

/** Starts so many members of each group, has the records written, and waits until every group has read them. */
export async function readAll(
  brokers: string,
  topic: string,
  groups: Groups,
  written: () => Promise<void>,
): Promise<Map<string, GroupRead>> {
  const members = Object.entries(groups).flatMap(([group, count]) => {
    const arrived: string[] = []
    return Array.from({ length: count }, () => ({ group, read: [] as string[], arrived }))
  })
  const consumers = members.map(
    ({ group }) =>
      new Consumer({
        ...{ groupId: groupId(topic, group), clientId: 'lab', bootstrapBrokers: brokers.split(',') },
        heartbeatInterval: HEARTBEAT_MS,
      }),
  )
  try {
    for (const [index, consumer] of consumers.entries()) {
      const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 100 })
      stream.on('data', (message: Message) => {
        const step = String(message.value)
        members[index]?.read.push(step)
        members[index]?.arrived.push(step)
      })
    }
    // Whoever came first has everything until the others are in: so nothing is written before they are.
    await settled(brokers, topic, groups)
    // Who has just joined looks up where to begin, and would read again what is written meanwhile.
    await sleep(SETTLE_MS)
    await written()
    await until('every group has read everything', () => members.every(({ arrived }) => distinct(arrived) === RECORDS))
  } finally {
    await Promise.all(consumers.map((consumer) => consumer.close(true)))
  }
  const byGroup = Map.groupBy(members, ({ group }) => group)
  return new Map(
    [...byGroup].map(([group, all]) => [
      group,
      { members: all.map(({ read }) => read), arrived: all[0]?.arrived ?? [] },
    ]),
  )
}

async function settled(brokers: string, topic: string, groups: Groups): Promise<void> {
  await using offsets = new Offsets(brokers)
  for (const [group, count] of Object.entries(groups)) {
    await until(`${group} has its members`, async () => {
      const members = await offsets.members(groupId(topic, group), topic)
      return members.length === count && members.flat().length === PARTITIONS
    })
  }
}

/** Of the groups of another run nothing is left in its way. */
function groupId(topic: string, group: string): string {
  return `${topic}-${group}`
}

export function distinct(read: readonly string[]): number {
  return new Set(read).size
}
