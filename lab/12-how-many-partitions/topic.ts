import { Offsets } from '@timesale/testkit/offsets'
import { until } from '@timesale/testkit/until'
import type { Servers } from '../framework/servers.ts'

/** How many partitions are tried. */
export const NUMBERS = [1, 3, 6, 12, 24] as const

export type PartitionCount = (typeof NUMBERS)[number]

export async function openTopic(servers: Servers, topic: string, partitions: number): Promise<void> {
  await servers.createTopic(topic, partitions)
  await untilLed(servers.brokers, topic, partitions)
}

/** The broker tells of new partitions a moment before it takes records for them. */
export async function untilLed(brokers: string, topic: string, partitions: number): Promise<void> {
  await using offsets = new Offsets(brokers)
  await until('every partition has its leader', async () => (await offsets.ends(topic)).length === partitions)
}
