import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomInt } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Complaint } from '@timesale/local/commands/command-line'
import { findDataFolder } from '@timesale/local/shop/data-folder'
import { databaseServices, portsWithOffset, serviceNames } from '@timesale/local/shop/ports'
import { makeSecrets } from '@timesale/local/shop/secrets'
import { describeShop } from '@timesale/local/shop/shop'
import { isOver } from '@timesale/process/child'

const ROOT = join(import.meta.dirname, '..')
const OPEN_WITHIN_MS = 180_000
const SHOWN_LINES = 20

/** A shop that is there for one sale: in a temporary folder, on free ports, gone afterwards. */
export interface OwnShop extends AsyncDisposable {
  readonly folder: string
}

/** What it will consist of. */
export async function ownShopParts(env: NodeJS.ProcessEnv): Promise<{ name: string; state: string }[]> {
  const settings = { portOffset: 0, brokers: 1 as const }
  const shop = describeShop({ settings, folder: await findDataFolder(tmpdir()), secrets: makeSecrets(), env })
  return [
    ...[...shop.services, ...shop.infrastructure].map(({ name }) => ({ name, state: 'stopped' })),
    ...shop.external.map(({ name }) => ({ name, state: 'external' })),
  ]
}

export function ownShopNeedsToken(env: NodeJS.ProcessEnv): boolean {
  return (env['ORDER_AUTH_MODE'] || env['AUTH_MODE']) === 'token'
}

/** Starts one as `npm start` would. Rejects with a Complaint when it does not open. */
export async function startOwnShop(signal: AbortSignal): Promise<OwnShop> {
  const folder = await mkdtemp(join(tmpdir(), 'timesale-sale-'))
  // PostgreSQL runs as a user of its own where we are root.
  await chmod(folder, 0o755)
  const args = [join(ROOT, 'local/commands/start.ts'), '--data', folder, '--port-offset', String(await freeOffset())]
  // A process group of its own: Ctrl-C is for us, who stop it in order. It stops by itself should we be gone.
  const child = spawn(process.execPath, args, { cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  const stop = async (): Promise<void> => {
    if (!isOver(child)) {
      child.kill('SIGINT')
      await exited
    }
    await rm(folder, { recursive: true, force: true })
  }

  let output = ''
  const opened = new Promise<boolean>((resolve) => {
    const listen = (data: Buffer): void => {
      output = (output + data.toString()).slice(-100_000)
      if (output.includes('The shop is open')) resolve(true)
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('exit', () => resolve(false))
    if (signal.aborted) resolve(false)
    signal.addEventListener('abort', () => resolve(false), { once: true })
    setTimeout(() => resolve(false), OPEN_WITHIN_MS).unref()
  })
  if (await opened) return { folder, [Symbol.asyncDispose]: stop }
  await stop()
  signal.throwIfAborted()
  const end = output.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n')
  throw new Complaint(
    `The shop for the sale did not open. npm run doctor says what is in the way. Its last words:\n${end}`,
  )
}

// All ports of a shop stay below the ephemeral range with these.
async function freeOffset(): Promise<number> {
  for (;;) {
    const offset = randomInt(100, 220) * 100
    const ports = portsWithOffset(offset)
    const { internal, outside, controller } = ports.broker(1)
    const all = [
      ...serviceNames.map((name) => ports.service(name)),
      ...databaseServices.map((name) => ports.database(name)),
      ...[internal, outside, controller, ports.redis, ports.config],
    ]
    const taken = await Promise.all(all.map(isTaken))
    if (!taken.includes(true)) return offset
  }
}

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
