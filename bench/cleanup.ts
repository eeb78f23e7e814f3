import { constants } from 'node:os'

// What runs on our behalf, so that Ctrl-C leaves nothing behind. `await using` sees to every other end.

const running = new Set<AsyncDisposable>()
const starting = new Set<Promise<unknown>>()

/** Remembers what is being started until it is disposed of. */
export async function track<T extends AsyncDisposable>(start: Promise<T>): Promise<T> {
  starting.add(start)
  try {
    const resource = await start
    const dispose = resource[Symbol.asyncDispose].bind(resource)
    let disposed: Promise<void> | undefined
    // Once only: a signal may come while it is on its way out already.
    resource[Symbol.asyncDispose] = () =>
      (disposed ??= Promise.resolve(dispose()).finally(() => running.delete(resource)))
    running.add(resource)
    return resource
  } finally {
    starting.delete(start)
  }
}

/** On SIGINT, SIGTERM or SIGHUP: ends everything that is tracked, the newest first, then the process. */
export function cleanUpOnSignals(say: (text: string) => void): void {
  let stopping = false
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping) return
    stopping = true
    say(`${signal}: stopping what was started`)
    // What is half started cannot be ended yet.
    await Promise.allSettled(starting)
    for (const resource of [...running].toReversed()) {
      try {
        await resource[Symbol.asyncDispose]()
      } catch (error) {
        say(`while stopping: ${String(error)}`)
      }
    }
    process.exit(128 + constants.signals[signal])
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, (signal) => void stop(signal))
}
