import { spawn } from 'node:child_process'
import { Complaint, runAndExplain, withoutComment, WrongUsage } from './command-line.ts'
import { answeringBrokers, needsBrokers } from './kafka-brokers.ts'
import { askAddresses, noShop } from '../supervisor/control-client.ts'
import { findDataFolder } from '../shop/data-folder.ts'
import { findKafkaTool, kafkaTool } from '../infrastructure/kafka.ts'

const usage = `npm run kafka -- TOOL [OPTIONS OF THE TOOL]

Runs one of Kafka's own tools against the running shop, or against KAFKA_BROKERS where that is set.

  topics             alone: --list. Others: --describe --topic NAME, --create --topic NAME, --delete --topic NAME
  console-producer   --topic NAME, then a record a line
  console-consumer   --topic NAME [--from-beginning] [--max-messages N]
  groups             alone: --describe --all-groups. Others: --list, --describe --group NAME
  offsets            alone: the end of every partition. Others: --topic NAME
  quorum             alone: describe --status. Others: describe --replication
  configs            --describe --topic NAME
  producer-perf      --topic NAME --num-records N --record-size N --throughput N

Each has a --help of its own: npm run kafka -- topics --help. TIMESALE_DATA names the folder of another shop.`

/** What a tool is asked for when it is called without anything. */
const usual: Readonly<Record<string, readonly string[]>> = {
  topics: ['--list'],
  groups: ['--describe', '--all-groups'],
  quorum: ['describe', '--status'],
}

await runAndExplain(usage, async () => {
  const [tool, ...given] = withoutComment(process.argv.slice(2))
  if (tool === '--help' || tool === '-h') {
    console.log(usage)
    return 0
  }
  if (tool === undefined) throw new WrongUsage('Which tool?')
  const known = findKafkaTool(tool)
  if (known === undefined) throw new WrongUsage(`Unknown tool '${tool}'`)

  const args = given.length === 0 ? (usual[tool] ?? []) : given
  const server = known.bootstrapServer && needsBrokers(args) ? ['--bootstrap-server', await brokers()] : []
  return await run(await kafkaTool(tool, [...server, ...args]))
})

async function brokers(): Promise<string> {
  const own = process.env['KAFKA_BROKERS']
  if (own !== undefined && own.trim() !== '') return await answeringBrokers(own, 'npm run status, and at KAFKA_BROKERS')
  const folder = await findDataFolder(undefined)
  const addresses = await askAddresses(folder)
  if (addresses === undefined) throw new Complaint(noShop(folder, 'TIMESALE_DATA'))
  return await answeringBrokers(addresses.kafkaBrokers, 'npm run status')
}

function run({ file, args }: { file: string; args: readonly string[] }): Promise<number> {
  const tool = spawn(file, args, { stdio: 'inherit' })
  // The terminal sends Ctrl-C to the tool as well, which ends by itself and then so do we.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => tool.kill('SIGTERM'))
  return new Promise((resolve, reject) => {
    tool.once('error', reject)
    tool.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1))
  })
}
