import {
  ConfigResourceTypes,
  ConfigSources,
  createTopicsV5,
  deleteTopicsV4,
  describeConfigsV2,
} from '@platformatic/kafka'
import type { Cluster, ClusterState } from './cluster.ts'
import { hasApiId } from './protocol-error.ts'

export interface TopicConfig {
  readonly name: string
  readonly value: string
  /** Not set for this topic: the broker's. */
  readonly isDefault: boolean
}

const BROKER_WITHIN_MS = 2_000
/** As many as the brokers' default says. */
const BY_DEFAULT = -1

export async function topicConfigs(cluster: Cluster, topic: string, { brokers }: ClusterState): Promise<TopicConfig[]> {
  const connection = await cluster.connect(brokers[0]?.node ?? -1)
  const resources = [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: null }]
  const { results } = await describeConfigsV2.api.async(connection, resources, false)
  return (results[0]?.configs ?? [])
    .map(({ name, value, configSource }) => ({
      ...{ name, value: value ?? '', isDefault: configSource !== ConfigSources.DYNAMIC_TOPIC_CONFIG },
    }))
    .toSorted((one, other) => one.name.localeCompare(other.name))
}

/** False where there is one of this name already. */
export async function createTopic(
  cluster: Cluster,
  { controller }: ClusterState,
  { topic, partitions }: { topic: string; partitions: number },
): Promise<boolean> {
  const wanted = { name: topic, numPartitions: partitions, replicationFactor: BY_DEFAULT, assignments: [], configs: [] }
  try {
    await createTopicsV5.api.async(await cluster.connect(controller), [wanted], BROKER_WITHIN_MS, false)
    return true
  } catch (error) {
    if (hasApiId(error, 'TOPIC_ALREADY_EXISTS')) return false
    throw error
  }
}

/** False where there is none of this name. */
export async function deleteTopic(cluster: Cluster, { controller }: ClusterState, topic: string): Promise<boolean> {
  try {
    await deleteTopicsV4.api.async(await cluster.connect(controller), [{ name: topic }], BROKER_WITHIN_MS)
    return true
  } catch (error) {
    if (hasApiId(error, 'UNKNOWN_TOPIC_OR_PARTITION')) return false
    throw error
  }
}
