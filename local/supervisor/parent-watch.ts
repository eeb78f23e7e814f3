import { commandLine, findProcess, isAlive, type ProcessId } from './process-table.ts'

const POLL_MS = 500

/**
 * Calls once when whoever started us is gone: npm dies of a SIGTERM without passing it on, and a closed terminal takes
 * npm along. Between npm and us there may be a `sh -c` that outlives npm, so behind a shell its parent counts too.
 */
export function watchParents(onGone: () => void): () => void {
  const watched = parentsToWatch()
  if (watched.length === 0) return () => {}
  const timer = setInterval(() => {
    if (watched.every(isAlive)) return
    clearInterval(timer)
    onGone()
  }, POLL_MS)
  timer.unref()
  return () => clearInterval(timer)
}

function parentsToWatch(): ProcessId[] {
  const parent = parentOf(process.pid)
  if (parent === undefined) return []
  const grandparent = isShellCommand(commandLine(parent.pid)) ? parentOf(parent.pid) : undefined
  return grandparent === undefined ? [parent] : [parent, grandparent]
}

// Process 1 never ends: with it as parent we were left alone already, or started by an init that stops us itself.
function parentOf(pid: number): ProcessId | undefined {
  const row = findProcess(pid)
  const parent = row === undefined || row.parent <= 1 ? undefined : findProcess(row.parent)
  return parent === undefined ? undefined : { pid: parent.pid, startTime: parent.startTime }
}

export function isShellCommand(command: string): boolean {
  return /^(\S*\/)?(sh|bash|dash|zsh|ash) (-\S+ )*-\S*c /.test(command)
}
