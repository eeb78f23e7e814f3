import type { ClusterView, GroupDetail, GroupLagView, GroupList } from '@timesale/contracts/console-api'
import { Refusal } from '@timesale/contracts/refusals'
import { GROUPS, VIEW_GROUPS } from '@timesale/contracts/topics'
import {
  committedOffsets,
  describeGroups,
  listGroups,
  type DescribedGroup,
  type ListedGroup,
} from '@timesale/kafka/cluster-groups'
import { placeOf, type Cluster, type ClusterState, type PartitionState } from '@timesale/kafka/cluster'
import type { Lags } from '../console/lag-watch.ts'
import { recordsLeft } from './records-left.ts'

const NOBODY = -1
/** A group that nobody has ever been in, as Kafka calls one that has ended. */
const UNSEEN = { state: 'DEAD', protocol: '', members: [] } as const satisfies DescribedGroup
const READERS: ReadonlyMap<string, readonly string[]> = new Map(Object.entries({ ...GROUPS, ...VIEW_GROUPS }))

/** Those of the shop, also before they were first joined, and all others of the cluster. */
export async function listAllGroups(cluster: Cluster, lags: Lags | undefined): Promise<GroupList> {
  const listed = await listGroups(cluster, await cluster.state([]))
  const described = await describeGroups(cluster, listed)
  const byName = new Map(listed.map((one) => [one.group, one]))
  const names = [...new Set([...READERS.keys(), ...byName.keys()])]
  const groups = names.map((group): GroupList['groups'][number] => {
    const { state, members } = described.get(group) ?? { ...UNSEEN, ...byName.get(group) }
    return {
      ...lagOf(group, lags),
      ...{ state, members: members.length, coordinator: byName.get(group)?.coordinator ?? NOBODY },
      kind: kindOf(group),
    }
  })
  return { asOf: readAt(lags), groups }
}

/** All but the history. */
export async function describeOneGroup(
  cluster: Cluster,
  group: string,
  lags: Lags | undefined,
): Promise<Omit<GroupDetail, 'history'>> {
  const state = await cluster.state('all')
  const listed = (await listGroups(cluster, state)).find((one) => one.group === group)
  if (listed === undefined && !READERS.has(group))
    throw new Refusal('group-not-found', { group }, `There is no consumer group ${group}`)
  const found = listed === undefined ? undefined : await seenGroup(cluster, listed)
  const { members, protocol, state: groupState } = found ?? UNSEEN
  const committed = found?.committed ?? new Map<string, bigint>()
  const partitions = await partitionsOf(cluster, state, { group, members, committed })
  const lagRecords = partitions.reduce((sum, one) => sum + one.lagRecords, 0)
  const lag = lagOf(group, lags)
  return {
    // Where the group was not watched its lag is of this moment.
    asOf: readAt(lag.lagRecords === null ? undefined : lags),
    ...{ group, state: groupState, protocol, coordinator: listed?.coordinator ?? NOBODY },
    members: members.map(({ assignment, ...member }) => ({
      ...member,
      assignment: assignment.map(({ topic, partitions: own }) => ({ topic, partitions: [...own] })),
    })),
    partitions,
    lag: { ...lag, lagRecords: lag.lagRecords ?? (committed.size > 0 ? lagRecords : null) },
  }
}

export async function describeCluster(cluster: Cluster): Promise<Omit<ClusterView, 'asOf'>> {
  const state = await cluster.state('all')
  const [controller, groups] = await Promise.all([cluster.controller(state), listGroups(cluster, state)])
  const partitions = [...state.topics.values()].flatMap((topic) => topic.partitions)
  return {
    clusterId: state.clusterId,
    controller,
    brokers: state.brokers
      .toSorted((one, other) => one.node - other.node)
      .map((broker) => ({
        ...broker,
        leads: partitions.filter(({ leader }) => leader === broker.node).length,
        follows: partitions.filter(({ leader, replicas }) => leader !== broker.node && replicas.includes(broker.node))
          .length,
        coordinates: groups
          .filter(({ coordinator }) => coordinator === broker.node)
          .map(({ group }) => group)
          .toSorted(),
      })),
    offline: partitions.filter(({ leader }) => leader < 0).length,
    underReplicated: partitions.filter(({ replicas, inSync }) => inSync.length < replicas.length).length,
  }
}

async function seenGroup(
  cluster: Cluster,
  listed: ListedGroup,
): Promise<DescribedGroup & { committed: ReadonlyMap<string, bigint> }> {
  const [described, committed] = await Promise.all([
    describeGroups(cluster, [listed]),
    committedOffsets(cluster, listed),
  ])
  return { ...(described.get(listed.group) ?? { ...UNSEEN, state: listed.state }), committed }
}

// What the group has to read: as the contracts say, as its members were given, and what it has come to before.
async function partitionsOf(
  cluster: Cluster,
  { topics }: ClusterState,
  about: { group: string; members: DescribedGroup['members']; committed: ReadonlyMap<string, bigint> },
): Promise<GroupDetail['partitions']> {
  const readers = readersOf(about.members)
  const isRead = ({ topic, partition }: PartitionState): boolean => {
    const place = placeOf(topic, partition)
    return READERS.get(about.group)?.includes(topic) === true || readers.has(place) || about.committed.has(place)
  }
  const partitions = [...topics.values()].flatMap((topic) => topic.partitions.filter(isRead))
  // What is done was read before what there is: the other way round a busy group would be ahead of its topic.
  const [firsts, ends] = await Promise.all([cluster.offsets(partitions, 'first'), cluster.offsets(partitions, 'end')])
  return partitions.flatMap(({ topic, partition }) => {
    const place = placeOf(topic, partition)
    const end = ends.get(place)
    // Nobody leads it: how far there is to go is not known.
    if (end === undefined) return []
    const committed = about.committed.get(place)
    return [
      {
        ...{ topic, partition, committed: committed === undefined ? null : String(committed), end: String(end) },
        lagRecords: recordsLeft(end, { committed, first: firsts.get(place) }),
        memberId: readers.get(place) ?? null,
      },
    ]
  })
}

function readersOf(members: DescribedGroup['members']): ReadonlyMap<string, string> {
  return new Map(
    members.flatMap(({ memberId, assignment }) =>
      assignment.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => [placeOf(topic, partition), memberId] as const),
      ),
    ),
  )
}

function lagOf(group: string, lags: Lags | undefined): GroupLagView {
  const unknown = { group, lagRecords: null, lagSeconds: null, perSecond: 0, drainSeconds: null, topics: [] }
  return lags?.groups.find((one) => one.group === group) ?? unknown
}

/** Who is in a group is of this moment, and its lag of the look before: what is told is as old as the older of the two. */
function readAt(lags: Lags | undefined): string {
  return lags?.asOf ?? new Date().toISOString()
}

function kindOf(group: string): GroupList['groups'][number]['kind'] {
  if (Object.hasOwn(GROUPS, group)) return 'shop'
  return Object.hasOwn(VIEW_GROUPS, group) ? 'view' : 'other'
}
