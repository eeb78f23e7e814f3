import { Admin } from '@platformatic/kafka'
import { GROUPS, VIEW_GROUPS } from '@timesale/contracts/topics'
import { within } from '@timesale/process/deadline'

interface GroupLag {
  readonly group: string
  readonly records: bigint
}

const ANSWER_MS = 2000
const latest = -1n
/** Everybody who reads, by the name of the group. */
const READERS: Readers = { ...GROUPS, ...VIEW_GROUPS }

type Readers = Readonly<Record<string, readonly string[]>>

/** Records that each group has not yet worked off, over all partitions of its topics. Throws when Kafka does not answer in time. */
export async function readLags(brokers: string, readers: Readers = READERS): Promise<GroupLag[]> {
  const admin = new Admin({
    clientId: 'timesale-status',
    bootstrapBrokers: brokers.split(',').map((broker) => broker.trim()),
    retries: 0,
    timeout: ANSWER_MS,
    connectTimeout: ANSWER_MS,
  })
  try {
    return await within(ANSWER_MS, lagsBy(admin, readers), () => new Error('Kafka did not answer within 2 s'))
  } finally {
    // A broker that hangs would hold up the closing as well.
    void admin.close().catch(() => {})
  }
}

async function lagsBy(admin: Admin, readers: Readers): Promise<GroupLag[]> {
  const topics = [...new Set(Object.values(readers).flat())]
  const metadata = await admin.metadata({ topics })
  const partitions = topics.map((name) => ({
    name,
    partitions: Object.keys(metadata.topics.get(name)?.partitions ?? {}).map((index) => ({
      partitionIndex: Number(index),
      timestamp: latest,
    })),
  }))
  const groups = Object.keys(readers)
  // What is done before what there is: the other way round a busy group would be ahead of its topic.
  const committed = await Promise.all(
    // An error for one group, which was never seen, say, must not hide the others.
    groups.map((group) => admin.listConsumerGroupOffsets({ groups: [group] }).catch(() => [])),
  )
  const ends = await admin.listOffsets({ topics: partitions })

  return Object.entries(readers).map(([group, read]) => {
    const offsets = committed.flat().find((candidate) => candidate.groupId === group)?.topics ?? []
    const lagOf = (topic: string): bigint =>
      (ends.find((end) => end.name === topic)?.partitions ?? []).reduce((sum, { partitionIndex, offset }) => {
        const done = offsets
          .find((candidate) => candidate.name === topic)
          ?.partitions.find((partition) => partition.partitionIndex === partitionIndex)?.committedOffset
        // Without an offset a group begins at the beginning.
        return sum + offset - (done === undefined || done < 0n ? 0n : done)
      }, 0n)
    return { group, records: read.reduce((sum, topic) => sum + lagOf(topic), 0n) }
  })
}
