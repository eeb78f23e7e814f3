import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { JarProgress } from './jars.ts'
import { type BrokerPorts, brokerProperties } from './kafka-config.ts'
import { jvmEnv, kafkaCommand } from './kafka-jvm.ts'
import { makeWhole, removeHalfMade, writeWhole } from './made-whole.ts'

export interface Cluster {
  readonly clusterId: string
  readonly brokers: number
}

/** The cluster whose data the folder holds, if any. */
export async function findCluster(dataDir: string): Promise<Cluster | undefined> {
  const text = await readFile(clusterFile(dataDir), 'utf8').catch(() => undefined)

  // Written below by this very module.
  return text === undefined ? undefined : (JSON.parse(text) as Cluster)
}

/**
 * NOTE: the number of brokers is settled when the cluster is made. Started with two more, the new and empty ones would be a
 * majority among the voters and could agree on a history in which no topic was ever created.
 */
export async function openCluster(dataDir: string, brokers: number): Promise<Cluster> {
  const found = await findCluster(dataDir)

  if (found && found.brokers !== brokers) {
    throw new Error(
      `${dataDir} holds a Kafka cluster of ${found.brokers}, and its size is fixed. Start with --brokers ${found.brokers}, name another folder with --data, or wipe this one: npm run reset`,
    )
  }

  if (found) return found

  const cluster: Cluster = { clusterId: randomClusterId(), brokers }

  await mkdir(dataDir, { recursive: true })
  await writeWhole(clusterFile(dataDir), `${JSON.stringify(cluster)}\n`)

  return cluster
}

/** What a broker finds at its start. The storage appears whole or not at all: it is formatted under another name first. */
export async function prepareStorage(options: {
  broker: number
  ports: readonly BrokerPorts[]
  brokerDir: string
  clusterId: string
  onProgress?: JarProgress | undefined
}): Promise<void> {
  const { broker, ports, brokerDir, clusterId, onProgress } = options
  const logDir = join(brokerDir, 'data')

  await mkdir(brokerDir, { recursive: true })
  await writeWhole(join(brokerDir, 'server.properties'), brokerProperties({ broker, ports, logDir }))
  if (await stat(logDir).catch(() => undefined)) return

  await removeHalfMade(logDir, 0)

  await makeWhole(logDir, async (scratch) => {
    const half = join(scratch, 'data')
    const config = join(scratch, 'format.properties')

    await writeFile(config, brokerProperties({ broker, ports, logDir: half }))
    await format(config, clusterId, onProgress)

    return half
  })
}

async function format(config: string, clusterId: string, onProgress: JarProgress | undefined): Promise<void> {
  const { file, args } = await kafkaCommand({
    mainClass: 'kafka.tools.StorageTool',
    args: ['format', `--cluster-id=${clusterId}`, '--config', config],
    jvmOptions: ['-Xmx128m', '-XX:TieredStopAtLevel=1'],
    logging: 'tool',
    onProgress,
  })

  await promisify(execFile)(file, args, { env: { ...process.env, ...jvmEnv } })
}

/** A Kafka id is 16 bytes in base64; one that begins with a dash would look like an option to Kafka's tools. */
function randomClusterId(): string {
  const id = randomBytes(16).toString('base64url')

  return id.startsWith('-') ? randomClusterId() : id
}

function clusterFile(dataDir: string): string {
  return join(dataDir, 'kafka-cluster.json')
}
