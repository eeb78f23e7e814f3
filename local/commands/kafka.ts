import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { Complaint, runAndExplain, withoutComment, WrongUsage } from './command-line.ts'
import { askAddresses, noShop } from '../supervisor/control-client.ts'
import { findDataFolder } from '../shop/data-folder.ts'
import { kafkaTool, kafkaTools } from '../infrastructure/kafka.ts'

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

const CONNECT_MS = 3000

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
  const known = kafkaTools[tool]
  if (known === undefined) throw new WrongUsage(`Unknown tool '${tool}'`)

  const args = given.length === 0 ? (usual[tool] ?? []) : given
  const server =
    known.bootstrapServer && !args.includes('--bootstrap-server')
      ? ['--bootstrap-server', await listeningBrokers()]
      : []
  return await run(await kafkaTool(tool, [...server, ...args]))
})

/** Kafka's tools go on trying for ever, or for a minute without a word, when there is nobody. */
async function listeningBrokers(): Promise<string> {
  const list = await brokers()
  const answers = await Promise.all(list.split(',').map((address) => isListening(address.trim())))
  if (answers.includes(true)) return list
  throw new Complaint(`Kafka does not answer at ${list}. Look at npm run status.`)
}

function isListening(address: string): Promise<boolean> {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? []
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: CONNECT_MS })
    const end = (answers: boolean): void => {
      socket.destroy()
      resolve(answers)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}

async function brokers(): Promise<string> {
  const own = process.env['KAFKA_BROKERS']
  if (own !== undefined && own.trim() !== '') return own
  const folder = await findDataFolder(undefined)
  const addresses = await askAddresses(folder)
  if (addresses === undefined) throw new Complaint(noShop(folder))
  return addresses.kafkaBrokers
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
