import { setTimeout as sleep } from 'node:timers/promises'
import { Complaint } from '@timesale/local/commands/command-line'
import type { PartStatus } from '@timesale/local/supervisor/supervisor'
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

/** Throws a Complaint where one of these is down already: it could not be killed, and would not come back by itself. */
export function checkRunning(
  parts: readonly string[],
  there: readonly { readonly name: string; readonly state: string }[],
): void {
  for (const { name, state } of there) {
    if (!parts.includes(name) || state === 'running') continue
    const mend = { stopped: 'start', paused: 'resume' }[state]
    throw new Complaint(
      `--kill: ${name} is ${state}, so it cannot be killed. ` +
        (mend === undefined ? 'npm run status says when it runs.' : `npm run part -- ${mend} ${name} brings it back.`),
    )
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
 * A part that is just down is killed as soon as it is up. Resolves with what could not be killed, and why.
 */
export async function killDuring(
  shop: Pick<SaleShop, 'parts'>,
  options: {
    readonly parts: readonly string[]
    /** Before the rush begins. */
    readonly waitMs: number
    readonly rushMs: number
    readonly signal: AbortSignal
    readonly onKill: (kill: Kill) => void
  },
): Promise<string[]> {
  const began = performance.now()
  const moments = killMoments(options.parts.length)
  const failed: string[] = []
  for (const [index, part] of options.parts.entries()) {
    const due = options.waitMs + (moments[index] ?? 0) * options.rushMs
    await sleep(Math.max(0, began + due - performance.now()), undefined, { signal: options.signal })
    const complaint = await killWhenUp(shop, part, options.signal)
    if (complaint === undefined) {
      options.onKill({ part, atSeconds: Math.round((performance.now() - began) / 100) / 10 })
    } else failed.push(complaint)
  }
  return failed
}

const UP_WITHIN_MS = 60_000
const ASK_EVERY_MS = 200

/** Why a part could not be killed within a minute; undefined where it was. */
export async function killWhenUp(
  shop: Pick<SaleShop, 'parts'>,
  part: string,
  signal: AbortSignal,
  withinMs = UP_WITHIN_MS,
): Promise<string | undefined> {
  for (const end = performance.now() + withinMs; ;) {
    const found = (await partsNow(shop))?.find(({ name }) => name === part)
    if (found?.state === 'running' && found.pid !== null && kill(found.pid)) return undefined
    if (performance.now() > end) return `${part} was ${found?.state ?? 'not to be seen'}, and was not killed`
    await sleep(ASK_EVERY_MS, undefined, { signal })
  }
}

/** Resolves when all of these run again, with those that do not after a minute. */
export async function waitForReturn(
  shop: Pick<SaleShop, 'parts'>,
  parts: readonly string[],
  signal: AbortSignal,
  withinMs = UP_WITHIN_MS,
): Promise<readonly string[]> {
  if (parts.length === 0) return []
  for (const end = performance.now() + withinMs; ;) {
    const all = await partsNow(shop)
    const down = parts.filter((part) => all?.find(({ name }) => name === part)?.state !== 'running')
    if (down.length === 0 || performance.now() > end) return down
    await sleep(ASK_EVERY_MS, undefined, { signal })
  }
}

// The supervisor may be late on a machine that is busy with a rush: then nothing is known yet.
async function partsNow(shop: Pick<SaleShop, 'parts'>): Promise<readonly PartStatus[] | undefined> {
  try {
    return await shop.parts()
  } catch (error) {
    if (error instanceof Complaint) return undefined
    throw error
  }
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL')
    return true
  } catch (error) {
    // It died by itself since the supervisor was asked.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
