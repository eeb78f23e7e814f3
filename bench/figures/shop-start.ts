import { findProcess, memoryBytes, processTree } from '@timesale/local/supervisor/process-table'
import { startLocalShop, type LocalShop } from '../../e2e/local-shop.ts'
import { track } from '../cleanup.ts'
import { WorkMissing } from '../counted.ts'
import type { Progress, Samples } from '../measure.ts'

const MEGABYTE = 1_000_000

/** What a shop takes to start and to stand there, as `npm start` makes it: from nothing, and again on the same data. */
export async function measureShopStart(
  asked: ReadonlySet<string>,
  rounds: number,
  progress: Progress,
): Promise<Samples> {
  const samples = new Map<string, number[]>()
  const sampled = (side: string, round: number, value: number): void => {
    if (!asked.has(side)) return
    const values = [...(samples.get(side) ?? []), value]
    samples.set(side, values)
    progress.sampled(side, round, value, values)
  }
  for (let round = 1; round <= rounds; round += 1) {
    const began = performance.now()
    await using shop = await track(startLocalShop())
    sampled('first-start', round, secondsSince(began))
    if (asked.has('memory')) sampled('memory', round, await memoryOf(shop, progress))
    if (!asked.has('warm-start')) continue
    await shop.stop()
    const beganAgain = performance.now()
    await shop.start()
    sampled('warm-start', round, secondsSince(beganAgain))
  }
  return samples
}

/** Everything below the supervisor, and itself: megabytes of PSS, where pages that processes share count once. */
async function memoryOf(shop: LocalShop, progress: Progress): Promise<number> {
  const parts = await shop.status()
  const supervisor = findProcess(shop.supervisor.pid ?? 0)
  const bytes = supervisor === undefined ? 0 : memoryBytes(processTree(supervisor))
  if (bytes === 0 || parts.some(({ memoryBytes: own }) => own === 0))
    throw new WorkMissing('memory: a part does not run')
  const told = parts.map((part) => `${part.name} ${Math.round(part.memoryBytes / MEGABYTE)}`)
  progress.say(`memory in MB: ${told.join(', ')}`)
  return bytes / MEGABYTE
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1000
}
