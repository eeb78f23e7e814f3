import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** Whether it has exited or was killed. */
export function isOver({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

/** Resolves when it is gone, at once where it is already. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (isOver(child)) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}
