import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { kafkaTool } from '@timesale/local/infrastructure/kafka'

/** One past the last record of each partition, by topic. */
export type Ends = ReadonlyMap<string, readonly number[]>

/** What a group has committed of a partition; undefined where it never has. */
export interface CommittedOffset {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: number | undefined
}

/** The ends of every topic, asked with Kafka's own tool. */
export async function readEnds(brokers: string): Promise<Ends> {
  const printed = await runTool('offsets', ['--bootstrap-server', brokers, '--exclude-internal-topics'])
  return parseEnds(printed)
}

/** What every group has committed, asked with Kafka's own tool. */
export async function readCommitted(brokers: string): Promise<CommittedOffset[]> {
  const printed = await runTool('groups', ['--bootstrap-server', brokers, '--describe', '--all-groups'])
  return parseCommitted(printed)
}

/** `topic:partition:offset` a line. */
export function parseEnds(printed: string): Ends {
  const ends = new Map<string, number[]>()
  for (const [, topic = '', partition, offset] of printed.matchAll(/^([^:\s]+):(\d+):(\d*)$/gm)) {
    const partitions = ends.get(topic) ?? []
    partitions[Number(partition)] = Number(offset)
    ends.set(topic, partitions)
  }
  return ends
}

/** Columns GROUP, TOPIC, PARTITION, CURRENT-OFFSET and more; `-` where nothing was committed. */
export function parseCommitted(printed: string): CommittedOffset[] {
  return [...printed.matchAll(/^(\S+)\s+(\S+)\s+(\d+)\s+(\d+|-)\s+(?:\d+|-)\s+(?:\d+|-)(?:\s|$)/gm)].map(
    ([, group = '', topic = '', partition, offset]) => ({
      group,
      topic,
      partition: Number(partition),
      offset: offset === '-' ? undefined : Number(offset),
    }),
  )
}

const ANSWER_MS = 60_000

async function runTool(tool: string, options: readonly string[]): Promise<string> {
  const { file, args } = await kafkaTool(tool, options)
  const { stdout } = await promisify(execFile)(file, args, { maxBuffer: 1 << 28, timeout: ANSWER_MS })
  return stdout
}
