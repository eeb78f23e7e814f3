import { findProcess, processTree, type ProcessRow } from '@timesale/local/supervisor/process-table'

/**
 * SIGSTOPs a process and all below it, until disposed of. A shop that is stopped and started again would be measured while
 * its programs are still being compiled: half of what a broker used in its first half minute was its compiler. Not for longer
 * than five seconds: after ten a broker takes a consumer for dead.
 */
export function pause(pid: number): AsyncDisposable {
  const root = findProcess(pid)
  const rows = root === undefined ? [] : processTree(root)
  // The supervisor first and last: it would take parts that stand still for parts that hang.
  send(rows, 'SIGSTOP')
  return {
    [Symbol.asyncDispose]: () => {
      send(rows.toReversed(), 'SIGCONT')
      return Promise.resolve()
    },
  }
}

function send(rows: readonly ProcessRow[], signal: NodeJS.Signals): void {
  for (const { pid } of rows) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has ended meanwhile.
    }
  }
}
