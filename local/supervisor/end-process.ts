import { setTimeout as sleep } from 'node:timers/promises'
import { findProcess, isAlive, processTree, type ProcessId, type ProcessRow } from './process-table.ts'

const POLL_MS = 50
// A killed process is gone at once, unless the kernel waits for a disk.
const KILLED_WITHIN_MS = 5000

/** Asks a process to end, waits, and kills it with all below it when it does not. */
export async function endProcess(
  id: ProcessId,
  how: { signal: NodeJS.Signals; timeoutMs: number; hurry?: AbortSignal },
): Promise<'ended' | 'killed'> {
  const tree = processTree(id)
  signalProcess(id, how.signal)
  // A paused process would take the signal only once it is continued.
  for (const row of tree) signalProcess(row, 'SIGCONT')
  const ended = await goneWithin(id, how.timeoutMs, how.hurry)
  if (ended) {
    killAll(tree)
    return 'ended'
  }
  await killTree(id)
  return 'killed'
}

/** SIGKILL for the process, its group and its tree. */
export async function killTree(id: ProcessId): Promise<void> {
  const tree = processTree(id)
  if (tree.length === 0) return
  killGroup(id.pid)
  killAll(tree)
  await goneWithin(id, KILLED_WITHIN_MS)
}

/** What is left of the process group of a leader that has died. */
export function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // The group is empty: the normal case.
  }
}

/**
 * Stops the whole tree, as a group signal would miss the members that lead sessions of their own (PostgreSQL's
 * backends). Parents go first, so that they cannot start another child behind our back; walked again until nothing is new.
 */
export function pauseTree(id: ProcessId): void {
  const paused = new Set<number>()
  for (;;) {
    const added = processTree(id).filter((row) => !paused.has(row.pid))
    if (added.length === 0) return
    for (const row of added) {
      signalProcess(row, 'SIGSTOP')
      paused.add(row.pid)
    }
  }
}

export function resumeTree(id: ProcessId): void {
  for (const row of processTree(id)) signalProcess(row, 'SIGCONT')
}

/** Kills whatever this process has still below it. Synchronous, for the very end. */
export function endDescendants(): void {
  const self = findProcess(process.pid)
  if (self !== undefined) killAll(processTree(self).filter((row) => row.pid !== process.pid))
}

function signalProcess(id: ProcessId, signal: NodeJS.Signals): void {
  if (!isAlive(id)) return
  try {
    process.kill(id.pid, signal)
  } catch (error) {
    // ESRCH: it ended between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function killAll(rows: readonly ProcessRow[]): void {
  for (const row of rows) signalProcess(row, 'SIGKILL')
}

async function goneWithin(id: ProcessId, timeoutMs: number, hurry?: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (isAlive(id)) {
    if (performance.now() > deadline || hurry?.aborted === true) return false
    await sleep(POLL_MS)
  }
  return true
}
