import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Part } from '../part.ts'

/** A part that runs without a supervisor, for the tests of the parts themselves. */
export interface StartedPart extends AsyncDisposable {
  readonly pid: number
  /** All that it has written. */
  output(): string
  /** Resolves when the process is gone. */
  end(signal: NodeJS.Signals): Promise<void>
}

/** Rejects with the part's own words when it ends before it is ready. */
export async function startPart(part: Part, readyWithinMs = 20_000): Promise<StartedPart> {
  for (const until = performance.now() + readyWithinMs; ; await sleep(100)) {
    try {
      return await startOnce(part, readyWithinMs)
    } catch (error) {
      // Sessions of a PostgreSQL that was killed outlive it by some milliseconds, and so long they let no other one in.
      const passes = error instanceof Error && /pre-existing shared memory block/.test(error.message)
      if (!passes || performance.now() > until) throw error
    }
  }
}

async function startOnce(part: Part, readyWithinMs: number): Promise<StartedPart> {
  await part.prepare()

  const { file, args, cwd, env, uid, gid } = await part.launch()
  const asUser = uid === undefined || gid === undefined ? {} : { uid, gid }
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], ...asUser })
  let output = ''

  child.stdout.on('data', (data) => (output += data))
  child.stderr.on('data', (data) => (output += data))

  const end = async (signal: NodeJS.Signals) => {
    if (isOver(child)) return

    const gone = once(child, 'exit')

    child.kill(signal)
    await gone
  }

  for (const until = performance.now() + readyWithinMs; !(await part.ready()); await sleep(20)) {
    if (isOver(child) || performance.now() > until) {
      await end('SIGKILL')
      throw new Error(`${part.name} did not become ready. ${output}`)
    }
  }

  return { pid: child.pid ?? 0, output: () => output, end, [Symbol.asyncDispose]: () => end('SIGKILL') }
}

/** Ports that nobody listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere))
  const ports = servers.map((server) => {
    const address = server.address()

    return typeof address === 'object' && address ? address.port : 0
  })

  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))

  return ports
}

function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function listenAnywhere(): Promise<Server> {
  const server = createServer().listen(0, '127.0.0.1')

  await once(server, 'listening')

  return server
}
