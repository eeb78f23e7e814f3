import { setTimeout as sleep } from 'node:timers/promises'
import { WorkMissing } from './counted.ts'
import { drainRate, type Look } from './statistics.ts'

/**
 * Looks at `done` until it is `total`, and says how many a second that was (see drainRate). `done` must be cheap: it is asked
 * all the time, on the machine that does the work.
 */
export async function watchDrain(
  what: string,
  options: { total: number; done: () => Promise<number>; everyMs: number; withinMs: number },
): Promise<number> {
  const { total, done, everyMs, withinMs } = options
  const looks: Look[] = []
  const end = performance.now() + withinMs
  for (;;) {
    const asked = performance.now()
    looks.push({ done: await done(), atMs: (asked + performance.now()) / 2 })
    const last = looks.at(-1)?.done ?? 0
    if (last >= total) return drainRate(looks, total)
    if (performance.now() > end) throw new WorkMissing(`${what}: ${last} of ${total} within ${withinMs / 1000} s`)
    await sleep(everyMs)
  }
}
