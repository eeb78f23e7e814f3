import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { endChild } from '@timesale/process/child'
import { track } from './cleanup.ts'

/** One of bench/programs/ as a child process that talks to us. */
export interface Program<Incoming, Outgoing> extends AsyncDisposable {
  readonly pid: number
  /** The first message that `pick` makes something of; rejects when the program ends before. */
  next<T>(pick: (message: Incoming) => T | undefined): Promise<T>
  send(message: Outgoing): void
}

/** Ends with SIGTERM when disposed of: what the programs do must not need an end. */
export function startProgram<Incoming, Outgoing = never>(
  name: string,
  args: readonly string[],
): Promise<Program<Incoming, Outgoing>> {
  const child = fork(join(import.meta.dirname, 'programs', `${name}.ts`), [...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  return track(
    Promise.resolve({
      pid: child.pid ?? 0,
      next: (pick) => nextMessage(child, name, (message) => pick(message as Incoming)),
      send: (message) => void (child.connected && child.send(message as object)),
      [Symbol.asyncDispose]: () => endChild(child, 'SIGTERM'),
    }),
  )
}

function nextMessage<T>(child: ChildProcess, name: string, pick: (message: unknown) => T | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const listen = (message: unknown): void => {
      const picked = pick(message)
      if (picked === undefined) return
      child.off('message', listen)
      resolve(picked)
    }
    child.on('message', listen)
    child.once('error', reject)
    child.once('exit', (code, signal) => reject(new Error(`${name} ended before its time: ${signal ?? code}`)))
  })
}
