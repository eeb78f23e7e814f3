import {
  consumerGroupDescribeV0,
  decodeConsumerProtocolAssignment,
  describeGroupsV5,
  listGroupsV4,
  offsetFetchV7,
} from '@platformatic/kafka'
import { asFarAsAnswered, isOfTheLibrary, placeOf, type Cluster, type ClusterState } from './cluster.ts'

export interface ListedGroup {
  readonly group: string
  /** The broker that keeps its members and offsets. */
  readonly coordinator: number
  /** STABLE, EMPTY, PREPARING_REBALANCE … */
  readonly state: string
  /** `consumer`, or what else uses groups (`connect`); empty where there are only offsets. */
  readonly protocolType: string
}

export interface GroupMember {
  readonly memberId: string
  readonly clientId: string
  readonly host: string
  readonly assignment: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
}

export interface DescribedGroup {
  readonly state: string
  /** How partitions are given out: `range`, `cooperative-sticky` … Empty without members. */
  readonly protocol: string
  readonly members: readonly GroupMember[]
}

/** Every group of the cluster. A broker lists the groups that it coordinates. */
export async function listGroups(cluster: Cluster, { brokers }: ClusterState): Promise<ListedGroup[]> {
  const lists = await Promise.all(
    brokers.map(async ({ node }) => {
      const { groups } = await listGroupsV4.api.async(await cluster.connect(node), [], [])
      return groups.map(({ groupId, groupState, protocolType }) => ({
        ...{ group: groupId, coordinator: node, state: nameOf(groupState), protocolType },
      }))
    }),
  )
  return lists.flat()
}

/** By their names; one that is gone meanwhile is left out. */
export async function describeGroups(
  cluster: Cluster,
  listed: readonly ListedGroup[],
): Promise<Map<string, DescribedGroup>> {
  const described = await Promise.all(
    [...Map.groupBy(listed, ({ coordinator }) => coordinator)].map(async ([coordinator, own]) => {
      const connection = await cluster.connect(coordinator)
      const names = own.map(({ group }) => group)
      const { groups } = await asFarAsAnswered(describeGroupsV5.api.async(connection, names, false))
      return await Promise.all(own.map(async (one) => [one.group, await describedAs(cluster, one, groups)] as const))
    }),
  )
  return new Map(described.flat().flatMap(([group, found]) => (found === undefined ? [] : [[group, found]])))
}

type Answered = Awaited<ReturnType<typeof describeGroupsV5.api.async>>['groups']

async function describedAs(
  cluster: Cluster,
  listed: ListedGroup,
  answered: Answered,
): Promise<DescribedGroup | undefined> {
  const found = answered.find(({ groupId }) => groupId === listed.group)
  if (found === undefined || found.errorCode !== 0) return undefined
  const state = nameOf(found.groupState)
  // How a broker speaks of a group of the newer protocol (KIP-848) to whoever asks by the older one.
  if (state === 'DEAD' && listed.state !== 'DEAD') return await describeNewerGroup(cluster, listed)
  const members = found.members.map(({ memberId, clientId, clientHost, memberAssignment }) => ({
    ...{ memberId, clientId, host: hostOf(clientHost) },
    assignment: found.protocolType === 'consumer' ? readAssignment(memberAssignment) : [],
  }))
  return { state, protocol: found.protocolData, members }
}

/** What a group has committed, by `placeOf`. */
export async function committedOffsets(
  cluster: Cluster,
  { group, coordinator }: Pick<ListedGroup, 'group' | 'coordinator'>,
): Promise<Map<string, bigint>> {
  const connection = await cluster.connect(coordinator)
  const { topics } = await asFarAsAnswered(
    offsetFetchV7.api.async(connection, [{ groupId: group, topics: null }], false),
  )
  return new Map(
    topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ errorCode, committedOffset }) => errorCode === 0 && committedOffset >= 0n)
        .map(({ partitionIndex, committedOffset }) => [placeOf(name, partitionIndex), committedOffset] as const),
    ),
  )
}

async function describeNewerGroup(
  cluster: Cluster,
  { group, coordinator }: ListedGroup,
): Promise<DescribedGroup | undefined> {
  try {
    const connection = await cluster.connect(coordinator)
    const { groups } = await asFarAsAnswered(consumerGroupDescribeV0.api.async(connection, [group], false))
    const [found] = groups
    if (found === undefined || found.errorCode !== 0) return undefined
    const members = found.members.map(({ memberId, clientId, clientHost, assignment }) => ({
      ...{ memberId, clientId, host: hostOf(clientHost) },
      assignment: assignment.topicPartitions.map(({ topicName, partitions }) => ({ topic: topicName, partitions })),
    }))
    return { state: nameOf(found.groupState), protocol: found.assignorName, members }
  } catch (error) {
    // A broker that does not know the request hangs up.
    if (isOfTheLibrary(error)) return undefined
    throw error
  }
}

// What members say of themselves is theirs: other clients than consumers put there what they like.
function readAssignment(bytes: Buffer): GroupMember['assignment'] {
  try {
    const { assignedPartitions } = decodeConsumerProtocolAssignment(bytes)
    return assignedPartitions.map(({ topic, partitions }) => ({ topic, partitions }))
  } catch {
    return []
  }
}

/** As Java prints an address: the name, which there is none of, and the number. */
function hostOf(clientHost: string): string {
  return clientHost.replace(/^\//, '')
}

/** PreparingRebalance, as brokers say, is PREPARING_REBALANCE to everybody who shows it. */
function nameOf(state: string): string {
  return state.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()
}
