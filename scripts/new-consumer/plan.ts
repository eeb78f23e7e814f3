import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Complaint } from '@timesale/local/commands/command-line'
import { databaseServices, portsWithOffset, serviceNames } from '@timesale/local/shop/ports'
import { SERVICE_LISTS, type NewService } from './lists.ts'

const TEMPLATE = join(import.meta.dirname, 'template')
/** Two shops stand beside each other so far apart, as the messages advise. */
const SHOP_STEP = 1000

/** Every file that a new consumer takes, by its path from the root: its own, and those that list the services. Writes nothing. */
export function planConsumer(root: string, name: string): { service: NewService; files: ReadonlyMap<string, string> } {
  const service = { name, ...nextPorts() }
  const own = templateFiles().map((path): [string, string] => [
    `services/${name}/${path.replace(/\.template$/, '')}`,
    filledIn(readFileSync(join(TEMPLATE, path), 'utf8'), service),
  ])
  const lists = SERVICE_LISTS.map(({ file, what, add }): [string, string] => {
    const added = add(readFileSync(join(root, file), 'utf8'), service)
    if (added !== undefined) return [file, added]
    throw new Complaint(`${file} has no place for this, as it is now: ${what}. Nothing was made.`)
  })
  return { service, files: new Map([...own, ...lists]) }
}

function templateFiles(): string[] {
  return readdirSync(TEMPLATE, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.template'))
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted()
}

function filledIn(text: string, { name, port }: NewService): string {
  return text
    .replaceAll('{{name}}', name)
    .replaceAll('{{Name}}', name.charAt(0).toUpperCase() + name.slice(1))
    .replaceAll('{{NAME}}', name.toUpperCase())
    .replaceAll('{{port}}', String(port))
}

function nextPorts(): { port: number; databasePort: number } {
  const ports = portsWithOffset(0)
  const services = serviceNames.map((one) => ports.service(one))
  const databases = databaseServices.map((one) => ports.database(one))
  const brokers = [1, 2, 3].flatMap((number) => Object.values(ports.broker(number)))
  const taken = new Set([...services, ...databases, ...brokers, ports.redis, ports.config])
  const after = (used: readonly number[]): number => {
    let port = Math.max(...used) + 1
    while ([port - SHOP_STEP, port, port + SHOP_STEP].some((one) => taken.has(one))) port += 1
    return port
  }
  return { port: after(services), databasePort: after(databases) }
}
