import { Client, type QueryArrayConfig, type QueryArrayResult } from 'pg'
import { Complaint, runCommand, WrongUsage } from './command-line.ts'
import { askAddresses, noShop } from '../supervisor/control-client.ts'
import { findDataFolder } from '../shop/data-folder.ts'
import { plainTable } from './plain-table.ts'
import { isDatabaseService, databaseServices } from '../shop/ports.ts'
import { databaseUrlKey } from '../shop/shop.ts'

const usage = `npm run sql -- SERVICE "STATEMENT" [OPTIONS]

Runs one statement in the database of a service, with the rights of the service, in a READ ONLY transaction.
SERVICE is one of ${databaseServices.join(', ')}.

  --json        rows as a JSON array
  --data DIR    the shop of this folder
  --help        this text

  npm run sql -- order "select status, count(*) from orders group by status"`

const CONNECT_MS = 3000
const STATEMENT_MS = 10_000

await runCommand({
  usage,
  options: { json: { type: 'boolean' }, data: { type: 'string' } },
  wordsMax: 2,
  run: async ({ values, words }) => {
    const [service, statement] = words
    if (service === undefined) throw new WrongUsage('The name of a service and a statement are needed.')
    if (!isDatabaseService(service)) throw new WrongUsage(`Unknown service '${service}'`)
    if (statement === undefined || statement.trim() === '')
      throw new WrongUsage(`A statement for ${service} is missing.`)
    const result = await query(await databaseUrl(service, values.data), service, statement)
    console.log(values.json === true ? jsonOf(result) : tableOf(result))
    return 0
  },
})

async function databaseUrl(service: (typeof databaseServices)[number], data: string | undefined): Promise<string> {
  const own = process.env[databaseUrlKey(service)]
  if (own !== undefined && own !== '') return own
  const folder = await findDataFolder(data)
  const addresses = await askAddresses(folder)
  if (addresses === undefined) throw new Complaint(noShop(folder))
  const url = addresses.databases[service]
  if (url !== undefined) return url
  throw new Complaint(
    `The running shop has no database of ${service}: it was started before there was one. Ctrl-C where it runs, then npm start.`,
  )
}

async function query(url: string, service: string, statement: string): Promise<QueryArrayResult> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: STATEMENT_MS + 1000,
    application_name: 'timesale-sql',
    options: `-c default_transaction_read_only=on -c statement_timeout=${STATEMENT_MS}`,
  })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    throw new Complaint(`The database of ${service} does not answer: ${messageOf(error)}\nLook at npm run status.`)
  }
  try {
    await client.query('begin transaction read only')
    // The extended protocol takes one statement only, so none can end the transaction and go on behind it.
    const extended: QueryArrayConfig & { queryMode: 'extended' } = {
      text: statement,
      rowMode: 'array',
      queryMode: 'extended',
    }
    return await client.query(extended)
  } catch (error) {
    throw new Complaint(`${service}: ${messageOf(error)}${positionOf(error, statement)}`)
  } finally {
    void client.end().catch(() => {})
  }
}

function tableOf({ fields, rows, command }: QueryArrayResult): string {
  // No rows is an answer; no columns is none, as for `set`.
  if (fields.length === 0) return command
  const table = plainTable(
    fields.map((field) => field.name),
    rows.map((row) => row.map(cellOf)),
  )
  return `${table}\n${rows.length} row${rows.length === 1 ? '' : 's'}`
}

function jsonOf({ fields, rows }: QueryArrayResult): string {
  const objects = rows.map((row) => Object.fromEntries(fields.map((field, index) => [field.name, row[index]])))
  return JSON.stringify(objects, null, 2)
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return 'NULL'
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function positionOf(error: unknown, statement: string): string {
  const position = Number((error as { position?: unknown }).position)
  return Number.isInteger(position) && position > 0 ? `, at: ${statement.slice(position - 1, position + 39)}` : ''
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return messageOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
