import { endDescendants } from './end-process.ts'
import { watchParents } from './parent-watch.ts'
import type { Supervisor } from './supervisor.ts'
import type { Terminal } from '../commands/terminal.ts'

const FORCE_AFTER_MS = 1000

/**
 * Stops the shop on Ctrl-C, SIGTERM, SIGHUP, or when whoever started it is gone. Signals within a second count as one:
 * both the terminal and npm pass a Ctrl-C on. A later one means it: everything is killed.
 */
export function stopWhenAsked(
  supervisor: Supervisor,
  terminal: Terminal,
): { asked: Promise<void>; exitCode: () => number } {
  let firstAt: number | undefined
  let forced = false
  let failed = false
  const { promise: asked, resolve } = Promise.withResolvers<void>()

  const stop = (why: string): void => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      terminal.line(`\n${why}: stopping the shop, services first and databases last. Ctrl-C again kills what is left.`)
      resolve()
      void supervisor.stop()
    } else if (!forced && performance.now() - firstAt > FORCE_AFTER_MS) {
      forced = true
      terminal.line('Killing what is left.')
      supervisor.force()
    }
  }

  process.on('SIGINT', () => stop('Ctrl-C'))
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGHUP', () => stop('The terminal was closed'))
  watchParents(() => firstAt === undefined && stop('Whoever started the shop is gone'))
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      failed = true
      terminal.line(`A bug in the supervisor: ${error instanceof Error ? error.stack : String(error)}`)
      stop('After this error')
    })
  }
  // The last look, for what a preparation under way had started.
  process.on('exit', endDescendants)
  return { asked, exitCode: () => (forced || failed ? 1 : 0) }
}
