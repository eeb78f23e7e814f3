import { readdirSync, readFileSync } from 'node:fs'
import { findProcess, processTree } from '@timesale/local/supervisor/process-table'

/** Microseconds by process id. */
type CpuTimes = ReadonlyMap<number, number>

/**
 * What these processes and all below them have used so far. To the nanosecond, since twenty pages take less than a tick of the clock by
 * which `ps` counts. Empty where the system has no /proc.
 */
export function cpuTimes(pids: readonly number[]): CpuTimes {
  const trees = pids.flatMap((pid) => {
    const root = findProcess(pid)
    return root === undefined ? [] : processTree(root)
  })
  return new Map(trees.flatMap(({ pid }) => ownCpuUs(pid)))
}

/** Microseconds from one look to the next. What has ended meanwhile is left out: a server tidies up now and then. */
export function cpuBetween(before: CpuTimes, after: CpuTimes): number {
  return [...after].reduce((sum, [pid, us]) => sum + us - (before.get(pid) ?? 0), 0)
}

function ownCpuUs(pid: number): [pid: number, us: number][] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).map((thread) => {
      const [ranNs] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
      return Number(ranNs) / 1000
    })
    return [[pid, threads.reduce((sum, us) => sum + us, 0)]]
  } catch {
    return []
  }
}
