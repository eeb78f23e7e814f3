import { readFileSync } from 'node:fs'
import { findProcess, processTree } from '@timesale/local/supervisor/process-table'

// Linux counts in ticks of 10 ms, whatever its own clock is (USER_HZ).
const TICK_US = 10_000

/**
 * Microseconds of CPU that a process and all below it have used so far, with children that have ended. 0 where the system
 * has no /proc.
 */
export function cpuUs(pid: number): number {
  const root = findProcess(pid)
  if (root === undefined) return 0
  return processTree(root).reduce((sum, row) => sum + ownCpuUs(row.pid), 0)
}

function ownCpuUs(pid: number): number {
  try {
    return parseCpuTicks(readFileSync(`/proc/${pid}/stat`, 'utf8')) * TICK_US
  } catch {
    return 0
  }
}

/** utime + stime of the process, and of those of its children that it has waited for: fields 14 to 17 of its stat. */
export function parseCpuTicks(stat: string): number {
  // The second field is a name, which may hold blanks and parentheses; the third one follows it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0)
}
