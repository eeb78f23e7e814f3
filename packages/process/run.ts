import { collectConfiguration, type Configuration } from './configuration.ts'
import { NoConfiguration } from './config-values.ts'
import { BadEnvironment } from './env.ts'
import { giveBackMemory } from './give-back-memory.ts'

/** Something that runs until it is told to stop. */
export interface Running {
  /** Ends gracefully; called once. Correctness must not depend on it: SIGKILL is the other way out. */
  stop(): Promise<void>
}

// Longer than every bounded wait of a shutdown together; shorter than what orchestrators grant (30 s in Kubernetes).
const HARD_STOP_MS = 25_000

/**
 * A process around one service: find its configuration, start, wait for SIGTERM or SIGINT, stop, exit by itself.
 * `application` is the name under which a configuration server knows it, and its prefix in lower case.
 */
export async function run(application: string, start: (env: NodeJS.ProcessEnv) => Promise<Running>): Promise<void> {
  const stopAsked = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })

  let configuration: Configuration | undefined
  let running: Running
  let hasBegun = false
  // Nothing has begun yet that would have to be ended.
  void stopAsked.then(() => hasBegun || process.exit(0))
  try {
    configuration = await collectConfiguration(application, process.env, (text) => console.error(text))
    hasBegun = true
    running = await start(configuration.env)
  } catch (error) {
    console.error(wordsFor(error, configuration))
    // What was begun before the failure (a pool, a reconnecting client) would keep half a service alive.
    process.exit(1)
  }

  // After the start, which compiles schemas and opens connections: before it, the order service kept 27 MB more.
  giveBackMemory()

  await stopAsked
  setTimeout(() => process.exit(1), HARD_STOP_MS).unref()
  await running.stop()
  // Clients that were given up on (a broker that hangs) leave sockets and timers, which would keep the process.
  process.exit(0)
}

/** A sentence where a person has to correct something; the error itself, with its stack, where it is a fault of ours. */
function wordsFor(error: unknown, configuration: Configuration | undefined): unknown {
  if (error instanceof NoConfiguration) return error.message
  if (error instanceof BadEnvironment) {
    return `${error.message}\nLooked in: ${configuration?.places.join('; then ') ?? 'the environment'}.`
  }
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number }
  if (code === 'EADDRINUSE') return `The port ${port} of ${address} is taken by another process.`
  if (code === 'EADDRNOTAVAIL') return `This machine does not have the address ${address} (HTTP_HOST).`
  return error
}
