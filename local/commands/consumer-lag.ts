import { GROUPS, VIEW_GROUPS } from '@timesale/contracts/topics'
import { clusterAt } from '@timesale/kafka/cluster'
import { readGroupProgress } from '@timesale/kafka/group-progress'

interface GroupLag {
  readonly group: string
  readonly records: bigint
}

const ANSWER_MS = 2000
/** Everybody who reads, by the name of the group. */
const READERS: Readers = { ...GROUPS, ...VIEW_GROUPS }

type Readers = Readonly<Record<string, readonly string[]>>

/** Records that each group has not yet worked off, over all partitions of its topics. Throws when Kafka does not answer in time. */
export async function readLags(brokers: string, readers: Readers = READERS): Promise<GroupLag[]> {
  const addresses = brokers.split(',').map((broker) => broker.trim())
  const ask = clusterAt({ clientId: 'timesale-status', brokers: addresses, withinMs: ANSWER_MS })
  const topics = [...new Set(Object.values(readers).flat())]
  const groups = (name: string): boolean => Object.hasOwn(readers, name)
  const { ends, committed } = await ask((cluster) => readGroupProgress(cluster, { topics, whole: topics, groups }))
  return Object.entries(readers).map(([group, read]) => {
    const done = committed.get(group)
    // Without an offset a group begins at the beginning.
    const lags = [...ends]
      .filter(([place]) => read.some((topic) => place.startsWith(`${topic} `)))
      .map(([place, end]) => end - (done?.get(place) ?? 0n))
    return { group, records: lags.reduce((sum, lag) => sum + lag, 0n) }
  })
}
