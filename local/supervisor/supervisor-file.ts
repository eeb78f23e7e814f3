import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readJson, type DataFolder } from '../shop/data-folder.ts'
import { findProcess, isAlive, type ProcessId } from './process-table.ts'

/** Who runs the shop of a data folder, and how to talk to it. The file is the lock of the folder as well. */
export interface SupervisorFile extends ProcessId {
  readonly port: number
  readonly token: string
}

/** The supervisor that runs on this data now, or undefined. */
export function runningSupervisor(folder: DataFolder): SupervisorFile | undefined {
  const found = readSupervisorFile(folder.supervisor)
  return found !== undefined && isAlive(found) ? found : undefined
}

/** Takes the data folder for this process; of two at once one gets it. Gives back the holder when it is taken. */
export function claim(folder: DataFolder, control: { port: number; token: string }): SupervisorFile | undefined {
  const self = findProcess(process.pid)
  if (self === undefined) throw new Error('This process cannot see itself in the process table.')
  const mine: SupervisorFile = { pid: self.pid, startTime: self.startTime, ...control }
  const draft = `${folder.supervisor}.${process.pid}`
  writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 })
  try {
    for (;;) {
      if (linked(draft, folder.supervisor)) return undefined
      const holder = runningSupervisor(folder)
      if (holder !== undefined) return holder
      removeStale(folder)
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

export function release(folder: DataFolder): void {
  const holder = readSupervisorFile(folder.supervisor)
  if (holder?.pid === process.pid) rmSync(folder.supervisor, { force: true })
}

// A link appears whole, and fails where there is a file already.
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/**
 * Moved away before it is deleted: should another process have replaced the stale file by its own since we looked, then
 * it is that one which was moved, and it is put back.
 */
function removeStale(folder: DataFolder): void {
  const away = `${folder.supervisor}.stale.${process.pid}`
  try {
    renameSync(folder.supervisor, away)
  } catch {
    return
  }
  const moved = readSupervisorFile(away)
  if (moved !== undefined && isAlive(moved)) linked(away, folder.supervisor)
  rmSync(away, { force: true })
}

function readSupervisorFile(path: string): SupervisorFile | undefined {
  const value = readJson(path)
  if (typeof value !== 'object' || value === null) return undefined
  const { pid, startTime, port, token } = value as Partial<Record<keyof SupervisorFile, unknown>>
  if (typeof pid !== 'number' || typeof startTime !== 'string') return undefined
  if (typeof port !== 'number' || typeof token !== 'string') return undefined
  return { pid, startTime, port, token }
}
