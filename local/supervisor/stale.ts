import type { DataFolder } from '../shop/data-folder.ts'
import { endProcess } from './end-process.ts'
import { recordedProcesses } from './pid-record.ts'
import { inStoppingOrder } from './stopping-order.ts'

/**
 * Ends what a killed supervisor left, as it would have done itself: gracefully and in order, so that PostgreSQL and Kafka
 * close their files. Only to be done while no supervisor runs.
 */
export async function endStale(folder: DataFolder, say: (text: string) => void): Promise<void> {
  for (const group of inStoppingOrder(recordedProcesses(folder.pids), (process) => process.kind)) {
    await Promise.all(
      group.map(async (process) => {
        const how = await endProcess(process, { signal: process.stopSignal, timeoutMs: process.stopTimeoutMs })
        say(`${how === 'ended' ? 'Ended' : 'Killed'} ${process.part} of an earlier start (pid ${process.pid}).`)
      }),
    )
  }
}
