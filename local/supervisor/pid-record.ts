import { readJson, writeJson } from '../shop/data-folder.ts'
import { isAlive, type ProcessId } from './process-table.ts'
import type { Part } from '../part.ts'

/** A process that was started, with all that is needed to end it properly without knowing the shop it belonged to. */
export interface RecordedProcess extends ProcessId {
  readonly part: string
  readonly kind: Part['kind']
  readonly stopSignal: NodeJS.Signals
  readonly stopTimeoutMs: number
}

/** The processes of the shop on disk, for the next start should this supervisor be killed. */
export class PidRecord {
  readonly #path: string
  readonly #processes = new Map<string, RecordedProcess>()

  constructor(path: string) {
    this.#path = path
    this.#write()
  }

  set(process: RecordedProcess): void {
    this.#processes.set(process.part, process)
    this.#write()
  }

  delete(part: string): void {
    if (this.#processes.delete(part)) this.#write()
  }

  #write(): void {
    writeJson(this.#path, [...this.#processes.values()])
  }
}

/** The processes of the record that live and are still the ones that were started. */
export function recordedProcesses(path: string): RecordedProcess[] {
  const value = readJson(path)
  return Array.isArray(value) ? value.filter(isRecordedProcess).filter(isAlive) : []
}

function isRecordedProcess(value: unknown): value is RecordedProcess {
  const { pid, startTime, part, stopSignal, stopTimeoutMs, kind } = (value ?? {}) as Partial<
    Record<keyof RecordedProcess, unknown>
  >
  return (
    Number.isInteger(pid) &&
    Number(pid) > 1 &&
    typeof startTime === 'string' &&
    typeof part === 'string' &&
    typeof kind === 'string' &&
    typeof stopSignal === 'string' &&
    typeof stopTimeoutMs === 'number'
  )
}
