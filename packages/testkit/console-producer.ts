import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { kafkaTool } from '@timesale/local/infrastructure/kafka'

/** Sends lines `name:value,name:value<tab>key<tab>value` with Kafka's own console producer, as anybody might. */
export async function produceByConsole(
  brokers: string,
  topic: string,
  lines: readonly string[],
  compression: string,
): Promise<void> {
  const { file, args } = await kafkaTool('console-producer', [
    ...['--bootstrap-server', brokers, '--topic', topic, '--compression-codec', compression],
    ...['--reader-property', 'parse.key=true', '--reader-property', 'parse.headers=true'],
  ])
  const child = spawn(file, args, { stdio: ['pipe', 'ignore', 'ignore'] })
  const gone = once(child, 'exit')
  child.stdin.end(`${lines.join('\n')}\n`)
  const [code] = await gone
  if (code !== 0) throw new Error(`The console producer ended with ${String(code)}`)
}
