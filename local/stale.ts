import type { DataFolder } from './data-folder.ts'
import { endProcess } from './end-process.ts'
import { recordedProcesses, type RecordedProcess } from './pid-record.ts'
import { inStoppingOrder } from './stopping-order.ts'

/** Processes of an earlier start whose supervisor was killed. Only to be asked when no supervisor runs. */
export function staleProcesses(folder: DataFolder): RecordedProcess[] {
  return recordedProcesses(folder.pids)
}

/** Ends them as the supervisor would have: gracefully and in order, so that PostgreSQL and Kafka close their files. */
export async function endStale(folder: DataFolder, say: (text: string) => void): Promise<void> {
  for (const group of inStoppingOrder(staleProcesses(folder), (process) => process.kind)) {
    await Promise.all(
      group.map(async (process) => {
        const how = await endProcess(process, { signal: process.stopSignal, timeoutMs: process.stopTimeoutMs })
        say(`${how === 'ended' ? 'Ended' : 'Killed'} ${process.part} of an earlier start (pid ${process.pid}).`)
      }),
    )
  }
}
