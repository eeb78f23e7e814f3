import { kafkaCommand } from './kafka-jvm.ts'

export interface KafkaTool {
  readonly mainClass: string
  /** Whether it asks a broker, named by `--bootstrap-server` before all other arguments. */
  readonly bootstrapServer: boolean
}

/** Kafka's own command line tools, by what they are called here. */
const kafkaTools: Readonly<Record<string, KafkaTool>> = {
  topics: { mainClass: 'org.apache.kafka.tools.TopicCommand', bootstrapServer: true },
  'console-producer': { mainClass: 'org.apache.kafka.tools.ConsoleProducer', bootstrapServer: true },
  'console-consumer': { mainClass: 'org.apache.kafka.tools.consumer.ConsoleConsumer', bootstrapServer: true },
  groups: { mainClass: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', bootstrapServer: true },
  offsets: { mainClass: 'org.apache.kafka.tools.GetOffsetShell', bootstrapServer: true },
  quorum: { mainClass: 'org.apache.kafka.tools.MetadataQuorumCommand', bootstrapServer: true },
  'producer-perf': { mainClass: 'org.apache.kafka.tools.ProducerPerformance', bootstrapServer: true },
  configs: { mainClass: 'kafka.admin.ConfigCommand', bootstrapServer: true },
}

/** Undefined where no tool is called so. */
export function findKafkaTool(name: string): KafkaTool | undefined {
  return Object.hasOwn(kafkaTools, name) ? kafkaTools[name] : undefined
}

export async function kafkaTool(tool: string, args: readonly string[]): Promise<{ file: string; args: string[] }> {
  const known = findKafkaTool(tool)

  if (!known) throw new Error(`There is no tool ${tool}. There are: ${Object.keys(kafkaTools).join(', ')}.`)

  // Most tools are done before the optimising compiler would have paid; a load generator is not.
  const compiler = tool === 'producer-perf' ? [] : ['-XX:TieredStopAtLevel=1']

  return kafkaCommand({ mainClass: known.mainClass, args, jvmOptions: ['-Xmx256m', ...compiler], logging: 'tool' })
}
