import { join, resolve } from 'node:path'
import type { Launch, Part } from '../part.ts'
import { askPort } from './ask-port.ts'
import type { JarProgress } from './jars.ts'
import type { BrokerPorts } from './kafka-config.ts'
import { jvmEnv, kafkaCommand } from './kafka-jvm.ts'
import { metadataRequest, readMembers } from './kafka-metadata.ts'
import { findCluster, openCluster, prepareStorage } from './kafka-storage.ts'

export interface KafkaOptions {
  readonly brokers: number
  /** Asked with 1, 2, 3. */
  readonly ports: (broker: number) => BrokerPorts
  readonly dataDir: string
  readonly javaHeap?: string
  readonly onProgress?: JarProgress | undefined
}

/**
 * Brokers that are controllers too. Of three, none is ready before two run, since that is the majority that elects a leader:
 * start them together.
 */
export function kafkaParts(options: KafkaOptions): Part[] {
  const dataDir = resolve(options.dataDir)
  const ports = Array.from({ length: options.brokers }, (_, index) => options.ports(index + 1))

  if (dataDir.includes(',')) throw new Error(`Kafka takes a comma in a folder's name for the end of it: ${dataDir}`)

  // All brokers' preparations begin with this, and run at once; one of them names the cluster.
  let opening: ReturnType<typeof openCluster> | undefined
  const openOnce = () => (opening ??= openCluster(dataDir, options.brokers).finally(() => (opening = undefined)))

  return ports.map((own, index) => brokerPart({ ...options, dataDir }, index + 1, own, ports, openOnce))
}

// A heap begins with a 64th of the machine's memory, be it needed or not, and is full of garbage before the first collection: 60 MB
// of a broker at rest. It grows when it has to.
const HEAP_AT_FIRST = '-Xms64m'

function brokerPart(
  options: KafkaOptions,
  broker: number,
  own: BrokerPorts,
  ports: readonly BrokerPorts[],
  openOnce: () => ReturnType<typeof openCluster>,
): Part {
  const { dataDir, javaHeap = '256m', onProgress } = options
  const brokerDir = join(dataDir, `kafka-${broker}`)

  return {
    name: `kafka-${broker}`,
    kind: 'broker',
    host: '127.0.0.1',
    port: own.internal,
    morePorts: [own.outside, own.controller],
    prepare: async () => {
      const { clusterId } = await openOnce()

      await prepareStorage({ broker, ports, brokerDir, clusterId, onProgress })
    },
    launch: async (): Promise<Launch> => {
      const command = await kafkaCommand({
        mainClass: 'kafka.Kafka',
        args: [join(brokerDir, 'server.properties')],
        // A broker without memory hangs half dead; one that ends is started again.
        jvmOptions: [`-Xmx${javaHeap}`, HEAP_AT_FIRST, '-XX:+ExitOnOutOfMemoryError'],
        logging: 'broker',
        mayWriteArchive: broker === 1,
        onProgress,
      })

      return { ...command, env: { ...jvmEnv }, cwd: brokerDir }
    },
    ready: async () => {
      const cluster = await findCluster(dataDir)

      return askPort(own.internal, metadataRequest(), (answer) => {
        const members = readMembers(answer)

        // A broker that is not yet let in by the controller is missing from its own list.
        return members && members.clusterId === cluster?.clusterId && members.brokers.includes(broker)
      })
    },
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 20_000,
  }
}

export type { BrokerPorts } from './kafka-config.ts'
export { findKafkaTool, type KafkaTool, kafkaTool } from './kafka-tools.ts'
