import { setTimeout as sleep } from 'node:timers/promises'
import { Complaint } from '@timesale/local/commands/command-line'
import type { SaleShop } from './sale-shop.ts'

/** A part that was killed, in seconds after the first buyer. */
export interface Kill {
  readonly part: string
  readonly atSeconds: number
}

/** Throws a Complaint that names the parts there are. */
export function checkParts(
  parts: readonly string[],
  there: readonly { readonly name: string; readonly state: string }[],
): void {
  for (const part of parts) {
    const found = there.find(({ name }) => name === part)
    if (found === undefined) {
      throw new Complaint(`--kill: There is no part '${part}'. There are: ${there.map(({ name }) => name).join(', ')}.`)
    }
    if (found.state === 'external') {
      throw new Complaint(`${part} is a server of your own, which is not killed here. Leave it out of --kill.`)
    }
  }
}

/** The first kill comes while units are still being sold, the last before three quarters of the rush are over. */
const FIRST = 0.03
const LAST = 0.75

/** When each of so many kills is due, as a share of the rush. */
export function killMoments(count: number): number[] {
  return Array.from({ length: count }, (_none, index) => FIRST + ((LAST - FIRST) * index) / Math.max(1, count))
}

/**
 * Kills parts one after the other, with SIGKILL and past the supervisor, which finds them dead and starts them again.
 * A part that is just down is killed as soon as it is up.
 */
export async function killDuring(
  shop: SaleShop,
  options: {
    readonly parts: readonly string[]
    /** Before the rush begins. */
    readonly waitMs: number
    readonly rushMs: number
    readonly signal: AbortSignal
    readonly onKill: (kill: Kill) => void
  },
): Promise<void> {
  const began = performance.now()
  const moments = killMoments(options.parts.length)
  for (const [index, part] of options.parts.entries()) {
    const due = options.waitMs + (moments[index] ?? 0) * options.rushMs
    await sleep(Math.max(0, began + due - performance.now()), undefined, { signal: options.signal })
    await killWhenUp(shop, part, options.signal)
    options.onKill({ part, atSeconds: Math.round((performance.now() - began) / 100) / 10 })
  }
}

const UP_WITHIN_MS = 60_000

async function killWhenUp(shop: SaleShop, part: string, signal: AbortSignal): Promise<void> {
  const end = performance.now() + UP_WITHIN_MS
  for (;;) {
    const found = (await shop.parts()).find(({ name }) => name === part)
    if (found?.state === 'running' && found.pid !== null) {
      process.kill(found.pid, 'SIGKILL')
      return
    }
    if (performance.now() > end) throw new Complaint(`${part} is ${found?.state ?? 'gone'} and cannot be killed.`)
    await sleep(200, undefined, { signal })
  }
}

/** Resolves when all of these run again, with those that do not after a minute. */
export async function waitForReturn(
  shop: SaleShop,
  parts: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const end = performance.now() + UP_WITHIN_MS
  for (;;) {
    const down = (await shop.parts()).filter(({ name, state }) => parts.includes(name) && state !== 'running')
    if (down.length === 0 || performance.now() > end) return down.map(({ name }) => name)
    await sleep(200, undefined, { signal })
  }
}
