import { OrderConfirmed } from '@timesale/contracts/order-events'

// Where the shop has a list of its services, and what a further one adds to it. Nothing is ever taken away.

export interface NewService {
  readonly name: string
  readonly port: number
  readonly databasePort: number
}

export interface ServiceList {
  readonly file: string
  readonly what: string
  /** The file with the service in its list; undefined where the list is not found. */
  readonly add: (text: string, service: NewService) => string | undefined
}

export const SERVICE_LISTS: readonly ServiceList[] = [
  {
    file: 'contracts/topics.ts',
    what: 'its consumer group, which reads order-topic',
    add: (text, { name }) => intoObject(text, 'GROUPS', `${name}: ['order-topic']`),
  },
  {
    file: 'local/shop/ports.ts',
    what: 'its port and that of its database',
    add(text, { name, port, databasePort }) {
      const added = intoObject(text, 'servicePorts', `${name}: ${port}`)
      return added === undefined ? undefined : intoObject(added, 'databasePorts', `${name}: ${databasePort}`)
    },
  },
  {
    file: 'services/gateway/routes.ts',
    what: 'whom the gateway asks what became of an order',
    add: (text, { name }) => intoArray(text, 'UPSTREAMS', name),
  },
  {
    file: 'contracts/README.md',
    what: `it uses ${OrderConfirmed.type}`,
    add: (text, { name }) =>
      replaced(text, rowOf(`\`${OrderConfirmed.type}\``), (row) => row.replace(/ \|$/, `, ${name} |`)),
  },
  { file: '.env.example', what: 'its settings', add: intoSettings },
  { file: 'README.md', what: 'the table of ports', add: intoPortsTable },
  { file: 'README.ko.md', what: 'the table of ports', add: intoPortsTable },
  { file: 'package-lock.json', what: 'its workspace', add: intoLock },
]

/** Before the end of `const NAME = {`. */
function intoObject(text: string, name: string, entry: string): string | undefined {
  const begin = new RegExp(`^(export )?const ${name} = \\{$`, 'm').exec(text)?.index
  const end = begin === undefined ? -1 : text.indexOf('\n}', begin)
  return end === -1 ? undefined : `${text.slice(0, end)}\n  ${entry},${text.slice(end)}`
}

/** At the end of `const NAME = [`, which has a line for each. */
function intoArray(text: string, name: string, entry: string): string | undefined {
  const begin = new RegExp(`^(export )?const ${name} = \\[$`, 'm').exec(text)?.index
  const end = begin === undefined ? -1 : text.indexOf('\n]', begin)
  return end === -1 ? undefined : `${text.slice(0, end)}\n  '${entry}',${text.slice(end)}`
}

/** Each setting that is told of every service, after the last service that has it. */
function intoSettings(text: string, { name, port }: NewService): string | undefined {
  const prefix = name.toUpperCase()
  const settings: readonly [RegExp, string][] = [
    [/^# [A-Z0-9]+_DB_URL=.*$/gm, `DB_URL=postgres://${name}:secret@127.0.0.1:5432/${name}`],
    [/^# [A-Z0-9]+_DB_ADMIN_URL=.*$/gm, 'DB_ADMIN_URL=postgres://postgres:secret@127.0.0.1:5432/postgres'],
    [/^# [A-Z0-9]+_HTTP_PORT=.*$/gm, `HTTP_PORT=${port}`],
    [/^# [A-Z0-9]+_INSTANCE_ID=.*$/gm, `INSTANCE_ID=${name}-1`],
  ]
  const origin = `# GATEWAY_${prefix}_URLS=http://127.0.0.1:${port}`
  let added = replaced(text, /^# GATEWAY_[A-Z0-9]+_URLS=.*$/gm, (last) => `${last}\n${origin}`)
  for (const [line, setting] of settings) {
    added = added === undefined ? undefined : replaced(added, line, (last) => `${last}\n# ${prefix}_${setting}`)
  }
  return added
}

/** Before the configuration server, which is the last row. */
function intoPortsTable(text: string, { name, port, databasePort }: NewService): string | undefined {
  return replaced(text, /^\| [^|]+ \| 8888 \| \|$/gm, (row) => `| ${name} | ${port} | ${databasePort} |\n${row}`)
}

// As npm writes it, by hand: npm itself would ask a registry, and on some machines leave out the programs of other systems.
function intoLock(text: string, { name }: NewService): string | undefined {
  const lock = JSON.parse(text) as { packages?: Record<string, object> }
  if (lock.packages === undefined) return undefined
  const packages = Object.entries({
    ...lock.packages,
    [`node_modules/@timesale/${name}-service`]: { resolved: `services/${name}`, link: true },
    [`services/${name}`]: { name: `@timesale/${name}-service`, version: '0.1.0' },
  }).toSorted(([one], [other]) => one.localeCompare(other, 'en'))
  return `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`
}

function rowOf(firstCell: string): RegExp {
  return new RegExp(`^\\| ${firstCell.replaceAll('.', String.raw`\.`)} \\|.*\\|$`, 'gm')
}

/** The last line that matches, changed. */
function replaced(text: string, line: RegExp, change: (found: string) => string): string | undefined {
  const found = [...text.matchAll(line)].at(-1)
  if (found === undefined) return undefined
  const [last] = found
  return text.slice(0, found.index) + change(last) + text.slice(found.index + last.length)
}
