import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { randomInt } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isTaken } from '@timesale/testkit/infrastructure'
import {
  databaseServices,
  portsWithOffset,
  serviceNames,
  type DatabaseService,
  type ServiceName,
} from '@timesale/local/shop/ports'
import { localSuperuser } from '@timesale/local/infrastructure/postgres'

const ROOT = join(import.meta.dirname, '..')

/** A shop as `npm start` makes it, in a folder and on ports of its own. */
export interface LocalShop extends AsyncDisposable {
  readonly folder: string
  readonly offset: number
  readonly brokers: string
  url(service: ServiceName): string
  /** As the superuser: the checker looks past the services. */
  databaseUrl(service: DatabaseService): string
  /** A command of the local shop, as behind `npm run NAME -- …`: its standard output. */
  run(command: string, ...args: string[]): Promise<string>
  status(): Promise<PartStatus[]>
  /** What the supervisor has written so far. */
  output(): string
  readonly supervisor: ChildProcess
  /** Ctrl-C. */
  stop(): Promise<number | null>
  /** Again, on the same data. */
  start(): Promise<void>
}

interface PartStatus {
  readonly name: string
  readonly pid: number | null
  readonly port: number
  readonly state: string
  readonly memoryBytes: number
}

const OPEN_WITHIN_MS = 120_000

/** Of this clone, or of another one. */
export async function startLocalShop(clone = ROOT): Promise<LocalShop> {
  const folder = await mkdtemp(join(tmpdir(), 'timesale-shop-'))
  await chmod(folder, 0o755)
  const offset = await freeOffset()
  const ports = portsWithOffset(offset)
  let supervisor: ChildProcess | undefined
  let output = ''

  const start = async (): Promise<void> => {
    output = ''
    const args = [join(clone, 'local/commands/start.ts'), '--data', folder, '--port-offset', String(offset)]
    const child = spawn(process.execPath, args, {
      cwd: clone,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: withoutOwnServers(),
    })
    supervisor = child
    const opened = new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`The shop did not open.\n${output}`)), OPEN_WITHIN_MS)
      const listen = (data: Buffer): void => {
        output += data.toString()
        if (!output.includes('The shop is open')) return
        clearTimeout(late)
        resolve()
      }
      child.stdout?.on('data', listen)
      child.stderr?.on('data', listen)
      child.once('exit', () => {
        clearTimeout(late)
        reject(new Error(`The shop ended before it opened.\n${output}`))
      })
    })
    await opened
  }
  const stop = async (): Promise<number | null> => {
    const child = supervisor
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const gone = once(child, 'exit')
    child.kill('SIGINT')
    await gone
    return child.exitCode
  }
  const run = async (command: string, ...args: string[]): Promise<string> => {
    const file = join(clone, 'local/commands', `${command}.ts`)
    const { stdout } = await promisify(execFile)(process.execPath, [file, ...args], {
      cwd: clone,
      maxBuffer: 1 << 28,
      env: { ...withoutOwnServers(), TIMESALE_DATA: folder },
    })
    return stdout
  }

  await start()
  return {
    folder,
    offset,
    brokers: `127.0.0.1:${ports.broker(1).internal}`,
    url: (service) => `http://127.0.0.1:${ports.service(service)}`,
    databaseUrl: (service) =>
      `postgres://${localSuperuser.user}:${localSuperuser.password}@127.0.0.1:${ports.database(service)}/${service}_local`,
    run,
    status: async () => JSON.parse(await run('status', '--json')) as PartStatus[],
    output: () => output,
    get supervisor() {
      if (supervisor === undefined) throw new Error('The shop was never started.')
      return supervisor
    },
    stop,
    start,
    async [Symbol.asyncDispose]() {
      await stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Every port a shop with this offset listens on. */
export function allPorts(offset: number): number[] {
  const ports = portsWithOffset(offset)
  const broker = ports.broker(1)
  return [
    ...serviceNames.map((name) => ports.service(name)),
    ...databaseServices.map((name) => ports.database(name)),
    ...[broker.internal, broker.outside, broker.controller, ports.redis, ports.config],
  ]
}

export async function openPorts(ports: readonly number[]): Promise<number[]> {
  const open = await Promise.all(ports.map(isTaken))
  return ports.filter((_port, index) => open[index])
}

// A person's own servers must not be what is tested here.
function withoutOwnServers(): NodeJS.ProcessEnv {
  const own = /^(KAFKA_BROKERS|REDIS_URL|.*DB_URL|.*DB_ADMIN_URL|TIMESALE_DATA|NODE_TEST_CONTEXT)$/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)))
}

async function freeOffset(): Promise<number> {
  for (;;) {
    // All ports stay below the ephemeral range.
    const offset = randomInt(100, 220) * 100
    if ((await openPorts(allPorts(offset))).length === 0) return offset
  }
}
