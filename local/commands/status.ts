import { styleText } from 'node:util'
import { runCommand } from './command-line.ts'
import { readLags } from './consumer-lag.ts'
import { askAddresses, askParts, noShop } from '../supervisor/control-client.ts'
import { findDataFolder } from '../shop/data-folder.ts'
import { countOrders } from './order-counts.ts'
import type { PartState } from '../supervisor/part-state.ts'
import { plainTable } from './plain-table.ts'
import { findProcess, memoryBytes, processTree } from '../supervisor/process-table.ts'
import type { PartStatus } from '../supervisor/supervisor.ts'

const usage = `npm run status [-- OPTIONS]

Shows every part of the running shop, how far each consumer lags behind, and the orders by state.

  --json        the parts alone: an array of {name, pid, port, state, memoryBytes}, empty when no shop runs
  --data DIR    the shop of this folder
  --help        this text

Exit code 1 when no shop runs; with --json the empty array says so, and the code is 0.`

const colours = {
  running: 'green',
  starting: 'cyan',
  restarting: 'yellow',
  paused: 'yellow',
  stopped: 'red',
  external: 'dim',
} as const satisfies Record<PartState, string>

await runCommand({
  usage,
  options: { json: { type: 'boolean' }, data: { type: 'string' } },
  run: async ({ values }) => {
    const folder = await findDataFolder(values.data)
    const parts = await askParts(folder)
    if (values.json === true) {
      console.log(JSON.stringify((parts ?? []).map(described), null, 2))
      return 0
    }
    if (parts === undefined) {
      console.error(noShop(folder))
      return 1
    }
    const addresses = await askAddresses(folder)
    const [lags, orders] = await Promise.all([
      addresses === undefined ? '' : lagText(addresses.kafkaBrokers),
      addresses === undefined ? '' : orderText(addresses.databases['order'] ?? ''),
    ])
    console.log(`${partTable(parts)}\n${lags}\n${orders}`)
    return 0
  },
})
// A connection to a server that hangs would keep the command alive.
process.exit()

function described({ name, pid, port, state }: PartStatus) {
  const row = pid === null ? undefined : findProcess(pid)
  return { name, pid, port, state, memoryBytes: row === undefined ? 0 : memoryBytes(processTree(row)) }
}

function partTable(parts: readonly PartStatus[]): string {
  const rows = parts.map(described)
  const table = plainTable(
    ['part', 'state', 'pid', 'port', 'memory'],
    rows.map(({ name, state, pid, port, memoryBytes: bytes }) => {
      return [name, styleText(colours[state], state), pid ?? '', port, bytes === 0 ? '' : megabytes(bytes)]
    }),
    [2, 3, 4],
  )
  const all = rows.reduce((sum, { memoryBytes: bytes }) => sum + bytes, 0)
  return `${table}\nTogether ${megabytes(all)}.`
}

async function lagText(brokers: string): Promise<string> {
  try {
    const lags = await readLags(brokers)
    const list = lags.map(
      ({ group, records }) => `${group} ${records === 0n ? '0' : styleText('yellow', String(records))}`,
    )
    return `${'Lag (records)'.padEnd(16)}${list.join(', ')}`
  } catch (error) {
    return `${'Lag (records)'.padEnd(16)}unknown: ${reason(error)}`
  }
}

async function orderText(databaseUrl: string): Promise<string> {
  try {
    const counts = await countOrders(databaseUrl)
    const list = [...counts].map(([status, count]) => `${status} ${count}`)
    return `${'Orders'.padEnd(16)}${list.length === 0 ? 'none yet' : list.join(', ')}`
  } catch (error) {
    return `${'Orders'.padEnd(16)}unknown: ${reason(error)}`
  }
}

function reason(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return reason(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(0)} MB`
}
