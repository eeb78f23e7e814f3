import { BadEnvironment } from './env.ts'
import { giveBackMemory } from './give-back-memory.ts'

/** Something that runs until it is told to stop. */
export interface Running {
  /** Ends gracefully; called once. Correctness must not depend on it: SIGKILL is the other way out. */
  stop(): Promise<void>
}

// Longer than every bounded wait of a shutdown together; shorter than what orchestrators grant (30 s in Kubernetes).
const HARD_STOP_MS = 25_000

/** A process around one service: start, wait for SIGTERM or SIGINT, stop, exit by itself. */
export async function run(start: () => Promise<Running>): Promise<void> {
  const stopAsked = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })

  let running: Running
  try {
    running = await start()
  } catch (error) {
    console.error(error instanceof BadEnvironment ? error.message : error)
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
