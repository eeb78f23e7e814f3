import { OrderedProducer } from '@timesale/kafka/producer'
import { Offsets } from '@timesale/testkit/offsets'
import type { Shared } from './sample.ts'
import { ORDERS, sendSteps, stepsOf } from './steps.ts'
import { NUMBERS, openTopic, type PartitionCount } from './topic.ts'

/** By one producer. */
export interface Written {
  /** Records a second. */
  readonly perSecond: Readonly<Record<PartitionCount, readonly number[]>>
  /** That are on the topics in the end, by their offsets. */
  readonly records: number
}

/** Of each order in one sample: in all sixty sends. */
const STEPS = 100

/**
 * On topics that nobody reads, in turns, so that a broker that gets faster does so for all of them. Once before that for nothing:
 * the first send to a topic also asks where it is, and the very first one connects.
 */
export async function measureWrites({ servers, repeats }: Pick<Shared, 'servers' | 'repeats'>): Promise<Written> {
  await using producer = new OrderedProducer({ clientId: 'lab', brokers: servers.brokers.split(',') })
  const perSecond: Record<PartitionCount, number[]> = { 1: [], 3: [], 6: [], 12: [], 24: [] }
  const write = (partitions: PartitionCount): Promise<number> =>
    sendSteps(producer, stepsOf(topicOf(partitions), 1, STEPS))
  for (const partitions of NUMBERS) {
    await openTopic(servers, topicOf(partitions), partitions)
    await write(partitions)
  }
  for (let repeat = 0; repeat < repeats; repeat += 1)
    for (const partitions of NUMBERS) perSecond[partitions].push(await write(partitions))
  await using offsets = new Offsets(servers.brokers)
  const sent = (1 + repeats) * STEPS * ORDERS
  for (const partitions of NUMBERS) {
    const count = await offsets.count(topicOf(partitions))
    if (count !== sent) throw new Error(`${sent} records were sent to ${partitions} partitions, and ${count} are there`)
  }
  return { perSecond, records: NUMBERS.length * sent }
}

function topicOf(partitions: number): string {
  return `written-${partitions}`
}
