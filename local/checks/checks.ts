import { existsSync, statfsSync } from 'node:fs'
import { release } from 'node:os'
import { dirname } from 'node:path'
import type { DataFolder } from '../shop/data-folder.ts'
import { findJava, javaHelp, javaVersionMin } from '../infrastructure/java.ts'
import { canReach, postgresUser } from '../infrastructure/os-user.ts'
import type { Part } from '../part.ts'
import { recordedProcesses } from '../supervisor/pid-record.ts'
import { portsInUse, type PortUse } from './port-owner.ts'
import { commandLine, processTree } from '../supervisor/process-table.ts'
import { hasOwnKafka, type Shop } from '../shop/shop.ts'
import { runningSupervisor } from '../supervisor/supervisor-file.ts'

/** One line of the doctor's report. `npm start` makes the same checks and stops with the same words. */
export interface Check {
  readonly name: string
  readonly result: 'ok' | 'warn' | 'fail'
  readonly says: string
  /** What to do about it. */
  readonly fix?: string
}

const GiB = 1024 ** 3
const diskMinBytes = GiB
// Nine services, seven databases, one broker and Redis take about 1.2 GB together.
const memoryMinBytes = 1.2 * GiB
const memoryHopelessBytes = 0.6 * GiB

export async function checkJava(env: NodeJS.ProcessEnv): Promise<Check> {
  const name = 'Java'
  if (hasOwnKafka(env)) return { name, result: 'ok', says: 'not needed: KAFKA_BROKERS names a Kafka of your own' }
  const java = await findJava()
  if (java !== undefined && java.version >= javaVersionMin) {
    return { name, result: 'ok', says: `version ${java.version} at ${java.path}` }
  }
  const [says = '', ...fix] = javaHelp(java).split('\n')
  return { name, result: 'fail', says, fix: fix.join('\n') }
}

export function checkPlatform(): Check {
  const name = 'System'
  const system = `${process.platform}-${process.arch}`
  const known = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']
  if (known.includes(system)) return { name, result: 'ok', says: `${system}, Node ${process.versions.node}` }
  return {
    name,
    result: 'fail',
    says: `there are no PostgreSQL and Redis programs for ${system}`,
    fix:
      process.platform === 'win32'
        ? 'Use WSL: run `wsl --install`, and clone and start inside it.'
        : `Use one of ${known.join(', ')}.`,
  }
}

/** Whether PostgreSQL, which root has to run as another user, gets to the data. */
export async function checkDataFolder(folder: DataFolder): Promise<Check> {
  const name = 'Data folder'
  const place = nearestExisting(folder.path)
  if (/microsoft/i.test(release()) && /^\/mnt\/[a-z]\//.test(folder.path)) {
    return {
      name,
      result: 'fail',
      says: `${folder.path} is on a Windows drive, where PostgreSQL cannot set the modes that it insists on`,
      fix: 'Clone inside the Linux file system (say, ~/timesale), or name a folder there with --data DIR.',
    }
  }
  const user = await postgresUser()
  if (user === undefined || (await canReach(place, user))) return { name, result: 'ok', says: folder.path }
  return {
    name,
    result: 'fail',
    says: `PostgreSQL refuses to run as root and is run as the user ${user.name}, who cannot get to ${place}`,
    fix: 'Name a folder with --data DIR that everybody can enter (say, /var/lib/timesale-data), or start as another user than root.',
  }
}

export function checkDisk(folder: DataFolder): Check {
  const name = 'Disk'
  const { bavail, bsize } = statfsSync(nearestExisting(folder.path))
  const free = bavail * bsize
  const says = `${gigabytes(free)} free at ${folder.path}`
  if (free >= diskMinBytes) return { name, result: 'ok', says }
  return {
    name,
    result: 'fail',
    says: `only ${says}`,
    fix: 'Free at least 1 GB, or name a folder on another disk with --data DIR.',
  }
}

export function checkMemory(): Check {
  const name = 'Memory'
  const available = process.availableMemory()
  const says = `${gigabytes(available)} available`
  if (available >= memoryMinBytes) return { name, result: 'ok', says }
  const fix = 'Close other programs. A Kafka of your own (KAFKA_BROKERS) saves the most.'
  // macOS counts as free only what no cache uses, so there a low figure says little.
  const hopeless = available < memoryHopelessBytes && process.platform !== 'darwin'
  return { name, result: hopeless ? 'fail' : 'warn', says: `only ${says}; the shop takes about 1 GB`, fix }
}

/** Who needs which ports. */
type Listening = Pick<Part, 'name' | 'port' | 'morePorts'>

/** Processes of the shop itself may hold its ports. */
export async function checkPorts(shop: Shop, folder: DataFolder): Promise<Check[]> {
  const supervisor = { name: 'the configuration server', port: shop.ports.config }
  const parts: Listening[] = [...shop.services, ...shop.infrastructure, supervisor]
  const own = new Set(recordedProcesses(folder.pids).flatMap((process) => processTree(process).map((row) => row.pid)))
  const running = runningSupervisor(folder)
  if (running !== undefined) own.add(running.pid)
  const uses = await portsInUse(parts.flatMap(portsOf))
  const foreign = uses.filter(({ pid }) => pid === undefined || !own.has(pid))
  if (foreign.length > 0)
    return parts.flatMap((part) => portsOf(part).flatMap((port) => takenPort(part, port, foreign)))
  const says =
    uses.length > 0
      ? `${uses.length} held by processes of this shop, the rest free`
      : `${parts.flatMap(portsOf).length} free`
  return [{ name: 'Ports', result: 'ok', says }]
}

function takenPort(part: Listening, port: number, uses: readonly PortUse[]): Check[] {
  const use = uses.find((candidate) => candidate.port === port)
  if (use === undefined) return []
  const who =
    use.pid === undefined
      ? 'another process (of another user, or outside this system)'
      : `pid ${use.pid}: ${commandOf(use.pid)}`
  return [
    {
      name: `Port ${port}`,
      result: 'fail',
      says: `${part.name} needs it, and it is used by ${who}`,
      fix: 'End that process, or move all ports of the shop: npm start -- --port-offset 1000',
    },
  ]
}

/** `running`: a supervisor has them in its care. */
export function checkStale(folder: DataFolder, running: boolean): Check {
  const name = 'Earlier starts'
  const left = recordedProcesses(folder.pids)
  if (running || left.length === 0) return { name, result: 'ok', says: 'nothing left of them' }
  const list = left.map((process) => `${process.part} (pid ${process.pid})`).join(', ')
  return {
    name,
    result: 'warn',
    says: `still running: ${list}`,
    fix: 'Nothing to do: the next npm start ends them in order; so does npm run reset.',
  }
}

function portsOf(part: Listening): number[] {
  return [part.port, ...(part.morePorts ?? [])]
}

function commandOf(pid: number): string {
  const command = commandLine(pid)
  return command.length > 100 ? `${command.slice(0, 100)}...` : command
}

function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path))
}

function gigabytes(bytes: number): string {
  return `${(bytes / GiB).toFixed(1)} GB`
}
