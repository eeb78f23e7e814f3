import {
  ConnectionPool,
  GenericError,
  MultipleErrors,
  ResponseError,
  describeQuorumV0,
  listOffsetsV5,
  metadataV9,
  type Connection,
} from '@platformatic/kafka'
import { within } from '@timesale/process/deadline'
import { rotated } from './brokers.ts'
import { fetchRecords, type FetchedRecords, type FetchOptions } from './fetch.ts'

export interface BrokerAddress {
  readonly node: number
  readonly host: string
  readonly port: number
}

export interface PartitionState {
  readonly topic: string
  readonly partition: number
  /** The broker that leads it; -1 while none does. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly inSync: readonly number[]
}

export interface TopicState {
  readonly topic: string
  /** Kafka's own. */
  readonly isInternal: boolean
  readonly partitions: readonly PartitionState[]
}

export interface ClusterState {
  readonly clusterId: string
  /** To whom topics are to be made and deleted; of a cluster without ZooKeeper any broker, which passes it on. */
  readonly controller: number
  readonly brokers: readonly BrokerAddress[]
  readonly topics: ReadonlyMap<string, TopicState>
}

/** No broker answered, or none in time, or not as they should. */
export class ClusterUnreachable extends Error {
  override readonly name = 'ClusterUnreachable'
}

/** Opens a connection to the cluster for one question, and answers within its time or throws ClusterUnreachable. */
export type AskCluster = <T>(question: (cluster: Cluster) => Promise<T>) => Promise<T>

const CONNECT_MS = 1_000
const REQUEST_MS = 5_000
/** Where there are others to ask. */
const FIRST_ANSWER_MS = 1_000
const READ_UNCOMMITTED = 0
const NO_LEADER_EPOCH = -1
const NO_REPLICA = -1

export function clusterAt(options: { clientId: string; brokers: readonly string[]; withinMs: number }): AskCluster {
  const { clientId, brokers, withinMs } = options
  let failures = 0
  return async (question) => {
    const cluster = new Cluster(clientId, rotated(brokers, failures))
    const late = (): Error => new ClusterUnreachable(`Kafka did not answer within ${withinMs} ms`)
    try {
      return await within(withinMs, question(cluster), late)
    } catch (error) {
      if (!isOfTheLibrary(error) && !(error instanceof ClusterUnreachable)) throw error
      failures += 1
      throw error instanceof ClusterUnreachable
        ? error
        : new ClusterUnreachable('Kafka did not answer', { cause: error })
    } finally {
      cluster.close()
    }
  }
}

/**
 * A cluster as its brokers describe it at this moment: nothing is remembered, so nothing can be stale. For whoever looks at
 * topics that are not known beforehand, Kafka's own among them, which the client library's Admin hides.
 *
 * Requests are of versions that every broker since 2.7 knows, and the latest.
 */
export class Cluster {
  readonly #pool: ConnectionPool
  readonly #bootstrap: readonly { host: string; port: number }[]
  readonly #heard = new WeakSet<Connection>()
  #brokers: ReadonlyMap<number, BrokerAddress> = new Map()

  constructor(clientId: string, brokers: readonly string[]) {
    this.#pool = new ConnectionPool(clientId, { connectTimeout: CONNECT_MS, requestTimeout: REQUEST_MS })
    this.#bootstrap = brokers.map(parseAddress)
  }

  /** Whoever hangs is left to itself: nobody waits for the closing. */
  close(): void {
    this.#pool.close().catch(() => undefined)
  }

  /** Of these topics, or of all; one that there is not is left out. Asked first of all, since it tells who the brokers are. */
  async state(topics: readonly string[] | 'all'): Promise<ClusterState> {
    const errors: unknown[] = []
    for (const address of this.#bootstrap) {
      const asked = this.#askState(address, topics === 'all' ? null : [...topics])
      try {
        // One that hangs accepts connections all the same.
        if (this.#bootstrap.length === 1) return await asked
        return await within(FIRST_ANSWER_MS, asked, () => new ClusterUnreachable('A broker hangs'))
      } catch (error) {
        errors.push(error)
      }
    }
    throw new ClusterUnreachable('No broker answers', { cause: errors.at(-1) })
  }

  /** A connection to one of the brokers that `state` has told of. */
  async connect(node: number): Promise<Connection> {
    const address = this.#brokers.get(node)
    if (address === undefined) throw new ClusterUnreachable(`No broker ${node} is known`)
    return await this.#connectTo(address)
  }

  /**
   * Of each partition by `placeOf`: its first offset, its end, or the first record that was stamped then or later (the end
   * where there is none). A partition without a leader is left out.
   */
  async offsets(partitions: readonly PartitionState[], at: 'first' | 'end' | Date): Promise<Map<string, bigint>> {
    if (at instanceof Date) {
      const [found, ends] = await Promise.all([
        this.#offsets(partitions, BigInt(at.getTime())),
        this.#offsets(partitions, TIMESTAMPS.end),
      ])
      return new Map(
        [...ends].map(([place, end]) => [place, (found.get(place) ?? -1n) < 0n ? end : (found.get(place) ?? end)]),
      )
    }
    return await this.#offsets(partitions, TIMESTAMPS[at])
  }

  /** Of partitions that this broker leads. */
  async fetch(node: number, options: FetchOptions): Promise<FetchedRecords> {
    return await fetchRecords(await this.connect(node), options)
  }

  /** The broker whose controller leads the others; what the brokers call it where the cluster has no quorum. */
  async controller({ controller }: ClusterState): Promise<number> {
    try {
      const connection = await this.connect(controller)
      const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
      const { topics: answered } = await describeQuorumV0.api.async(connection, topics)
      return answered[0]?.partitions[0]?.leaderId ?? controller
    } catch (error) {
      if (isOfTheLibrary(error)) return controller
      throw error
    }
  }

  async #askState(address: { host: string; port: number }, topics: string[] | null): Promise<ClusterState> {
    const connection = await this.#connectTo(address)
    const answer = await asFarAsAnswered(metadataV9.api.async(connection, topics, false, false, false))
    const brokers = answer.brokers.map(({ nodeId, host, port }) => ({ node: nodeId, host, port }))
    this.#brokers = new Map(brokers.map((broker) => [broker.node, broker]))
    const known = answer.topics.filter(({ errorCode }) => errorCode === 0)
    return {
      clusterId: answer.clusterId ?? '',
      controller: answer.controllerId,
      brokers,
      topics: new Map(known.map((topic) => [topic.name, stateOf(topic)])),
    }
  }

  async #offsets(partitions: readonly PartitionState[], timestamp: bigint): Promise<Map<string, bigint>> {
    const led = partitions.filter(({ leader }) => leader >= 0)
    const answers = await Promise.all(
      [...Map.groupBy(led, ({ leader }) => leader)].map(async ([leader, own]) => {
        const topics = [...Map.groupBy(own, ({ topic }) => topic)].map(([name, ofTopic]) => ({
          name,
          partitions: ofTopic.map(({ partition }) => ({
            ...{ partitionIndex: partition, currentLeaderEpoch: NO_LEADER_EPOCH, timestamp },
          })),
        }))
        const connection = await this.connect(leader)
        return await asFarAsAnswered(listOffsetsV5.api.async(connection, NO_REPLICA, READ_UNCOMMITTED, topics))
      }),
    )
    return new Map(
      answers.flatMap(({ topics }) =>
        topics.flatMap(({ name, partitions: found }) =>
          found
            .filter(({ errorCode }) => errorCode === 0)
            .map(({ partitionIndex, offset }) => [placeOf(name, partitionIndex), offset] as const),
        ),
      ),
    )
  }

  async #connectTo(address: { host: string; port: number }): Promise<Connection> {
    const connection = await this.#pool.get(address)
    // The request that waits hears of an error; without a listener it would end the process.
    if (!this.#heard.has(connection)) connection.on('error', () => undefined)
    this.#heard.add(connection)
    return connection
  }
}

/** The name of a partition among those of all topics. */
export function placeOf(topic: string, partition: number): string {
  return `${topic} ${partition}`
}

/** What a broker answers where it refuses a part of what it was asked for: the rest. */
export async function asFarAsAnswered<Answer>(asked: Promise<Answer>): Promise<Answer> {
  try {
    return await asked
  } catch (error) {
    // The library puts the answer into the error that it makes of it.
    if (error instanceof ResponseError && error['response'] !== undefined) return error['response'] as Answer
    throw error
  }
}

/** Whether a fault is the brokers' or the way's to them, and no bug of ours. */
export function isOfTheLibrary(error: unknown): boolean {
  return error instanceof GenericError || error instanceof MultipleErrors
}

const TIMESTAMPS = { first: -2n, end: -1n } as const

type MetadataTopic = Awaited<ReturnType<typeof metadataV9.api.async>>['topics'][number]

function stateOf({ name, isInternal, partitions }: MetadataTopic): TopicState {
  return {
    topic: name,
    isInternal: isInternal || name.startsWith('__'),
    partitions: partitions
      .map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
        ...{ topic: name, partition: partitionIndex, leader: leaderId, replicas: replicaNodes, inSync: isrNodes },
      }))
      .toSorted((one, other) => one.partition - other.partition),
  }
}

function parseAddress(address: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address.trim()) ?? []
  return { host, port: Number(port) }
}
