import { committedOffsets, listGroups, type ListedGroup } from './cluster-groups.ts'
import { ClusterUnreachable, placeOf, type Cluster, type ClusterState } from './cluster.ts'

/** Where logs end and how far groups have come. Places are `placeOf` a partition. */
export interface GroupProgress {
  readonly state: ClusterState
  /** One past the last record of each partition that has a leader. */
  readonly ends: ReadonlyMap<string, bigint>
  /** Of each group that the cluster knows: the next offset of each partition; undefined where it cannot be read now. */
  readonly committed: ReadonlyMap<string, ReadonlyMap<string, bigint> | undefined>
}

export interface ProgressOptions {
  readonly topics: readonly string[] | 'all'
  /** Topics that must be there whole: one partition without a leader would look like one without any lag. */
  readonly whole: readonly string[]
  /** Which groups are looked at. */
  readonly groups: (name: string) => boolean
}

/** Throws what the cluster throws, and ClusterUnreachable where not all of it is there. Kafka's own topics are left out. */
export async function readGroupProgress(cluster: Cluster, options: ProgressOptions): Promise<GroupProgress> {
  const state = await cluster.state(options.topics)
  const listed = (await listGroups(cluster, state)).filter(({ group }) => options.groups(group))
  // What is done before what there is: the other way round a busy group would be ahead of its topic.
  const committed = await Promise.all(
    listed.map(async (group) => [group.group, await committedOf(cluster, group)] as const),
  )
  const partitions = [...state.topics.values()].flatMap((topic) => (topic.isInternal ? [] : topic.partitions))
  const ends = await cluster.offsets(partitions, 'end')
  for (const topic of options.whole) requireWhole(topic, state, ends)
  return { state, ends, committed: new Map(committed) }
}

function requireWhole(topic: string, { topics }: ClusterState, ends: GroupProgress['ends']): void {
  const found = topics.get(topic)
  if (found === undefined) throw new ClusterUnreachable(`The cluster knows no topic ${topic}`)
  const missing = found.partitions.find(({ partition }) => !ends.has(placeOf(topic, partition)))
  if (missing !== undefined) throw new ClusterUnreachable(`Nobody leads ${topic}, partition ${missing.partition}`)
}

// One group whose coordinator is just moving must not hide the others.
async function committedOf(cluster: Cluster, group: ListedGroup): Promise<Map<string, bigint> | undefined> {
  try {
    return await committedOffsets(cluster, group)
  } catch {
    return undefined
  }
}
