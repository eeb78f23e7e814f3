import { fork } from 'node:child_process'
import { once } from 'node:events'
import { isOver } from '@timesale/process/child'
import { within } from '@timesale/process/deadline'

/** A program of an experiment in a process of its own, which tells how far it is and may be killed at any moment. */
export interface ChildProgram<Told> extends AsyncDisposable {
  /**
   * What `find` makes of the first message, from now on, of which it makes anything: what was said before is not kept. Rejects
   * when the program ends before, or says nothing like it in time.
   */
  heard<Found>(what: string, find: (message: Told) => Found | undefined | false): Promise<Found>
  /** Reaches nobody when the program has ended: whoever waits for it hears of that. */
  send(message: object): void
  signal(signal: NodeJS.Signals): void
  /** SIGKILL. Gone when this resolves; false where it had come to its end before. */
  kill(): Promise<boolean>
  /** Resolves when it has come to its end by itself; rejects when that was no good one, or does not come in time. */
  finished(): Promise<void>
}

const WITHIN_MS = 60_000

/**
 * `file` is given one argument, as JSON. It must end itself on `disconnect`: when we die, nobody else ends it. `hear` is told
 * every message as it comes.
 */
export function startChild<Told>(file: string, given: object, hear?: (message: Told) => void): ChildProgram<Told> {
  const child = fork(file, [JSON.stringify(given)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  // Always there, as Node would keep what is said while nobody listens, and tell it to whoever listens next. Both ends are
  // compiled together.
  child.on('message', (message) => hear?.(message as Told))
  // One that cannot be started is told to those who wait for its exit. Without a listener it would end the experiment.
  child.on('error', () => undefined)
  // An exit is for those who wait for it, and an error of starting is one too.
  const gone = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  gone.catch(() => undefined)
  const timely = <T>(what: string, work: Promise<T>): Promise<T> =>
    within(WITHIN_MS, work, () => new Error(`Not within ${WITHIN_MS} ms: ${what}`))
  const kill = async (): Promise<boolean> => {
    if (isOver(child)) return false
    child.kill('SIGKILL')
    const [, signal] = await gone
    return signal === 'SIGKILL'
  }
  return {
    async heard<Found>(what: string, find: (message: Told) => Found | undefined | false) {
      const { promise, resolve, reject } = Promise.withResolvers<Found>()
      const listen = (message: unknown): void => {
        const found = find(message as Told)
        if (found !== undefined && found !== false) resolve(found)
      }
      child.on('message', listen)
      gone.then(([code, signal]) => reject(new Error(`It ended (${signal ?? code}) before this: ${what}`)), reject)
      try {
        return await timely(what, promise)
      } finally {
        child.off('message', listen)
      }
    },
    // With a callback a closed channel is told to it, and to nobody else.
    send: (message) => void child.send(message, () => undefined),
    signal: (signal) => void child.kill(signal),
    kill,
    async finished() {
      const [code, signal] = await timely('the end of the program', gone)
      if (code !== 0) throw new Error(`The program ended with ${signal ?? code}`)
    },
    async [Symbol.asyncDispose]() {
      await kill()
    },
  }
}
