import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { isOver } from '@timesale/process/child'
import type { Part } from '../part.ts'
import { endProcess, killTree } from '../supervisor/end-process.ts'
import { findProcess } from '../supervisor/process-table.ts'

/** PostgreSQL itself kills sessions that have not ended after 5 s. */
const ENDED_WITHIN_MS = 10_000

/**
 * A part that runs without a supervisor, for tests and experiments. Disposing of it ends it for good, also where it hangs: its data
 * is of no use to anybody any longer.
 */
export interface StartedPart extends AsyncDisposable {
  readonly pid: number
  /** All that it has written. */
  output(): string
  /** Resolves when the process is gone. */
  end(signal: NodeJS.Signals): Promise<void>
}

/** Rejects with the part's own words when it ends before it is ready. */
export async function startPart(part: Part, readyWithinMs = 60_000): Promise<StartedPart> {
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
    const running = findProcess(child.pid ?? 0)

    // With all below it, as the supervisor kills: sessions of a PostgreSQL outlive it by some milliseconds, and still answer.
    if (running && signal === 'SIGKILL') await killTree(running)
    else child.kill(signal)
    await gone
  }

  // A PostgreSQL that is killed leaves a MiB in /dev/shm each time, which is 64 MB in many a container. With SIGQUIT it ends as
  // quickly, writes nothing, and tidies up.
  const discard = async () => {
    if (part.kind !== 'database') return end('SIGKILL')
    if (isOver(child)) return

    const gone = once(child, 'exit')
    const running = findProcess(child.pid ?? 0)

    // Gone already where it is not found: then its exit is about to be told.
    if (running) await endProcess(running, { signal: 'SIGQUIT', timeoutMs: ENDED_WITHIN_MS })
    await gone
  }

  for (const until = performance.now() + readyWithinMs; !(await part.ready()); await sleep(20)) {
    if (isOver(child) || performance.now() > until) {
      await discard()
      throw new Error(`${part.name} did not become ready. ${output}`)
    }
  }

  return { pid: child.pid ?? 0, output: () => output, end, [Symbol.asyncDispose]: discard }
}
