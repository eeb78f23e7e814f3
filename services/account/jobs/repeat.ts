import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@timesale/telemetry/logger'

export interface Repeated {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

/** Does `work` now and again `everyMs` after each end, whatever becomes of it. A failure is logged once while it lasts. */
export function repeat(options: {
  readonly what: string
  readonly everyMs: number
  readonly logger: Logger
  readonly work: () => Promise<unknown>
}): Repeated {
  const { what, everyMs, logger, work } = options
  const stopped = new AbortController()
  const run = async (): Promise<void> => {
    let failing = false
    while (!stopped.signal.aborted) {
      try {
        await work()
        if (failing) logger.info(`${what}: works again`)
        failing = false
      } catch (error) {
        if (!failing) logger.warn({ err: error }, `${what}: failed; trying again`)
        failing = true
      }
      await sleep(everyMs, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  }
  const ended = run()
  return {
    stop: () => {
      stopped.abort()
      return ended
    },
  }
}
