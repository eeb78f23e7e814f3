import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Complaint } from '../commands/command-line.ts'
import { defaultDataDir } from '../infrastructure/postgres.ts'

export const cloneRoot = resolve(import.meta.dirname, '../..')

/** The one folder in which a local shop keeps everything that it may lose together. */
export interface DataFolder {
  readonly path: string
  readonly settings: string
  readonly secrets: string
  readonly pids: string
  readonly supervisor: string
  /** The demo operator's access token, for the commands. */
  readonly operatorSession: string
  readonly catalogueMarker: string
  readonly logs: string
  log(part: string): string
  /** Where a part keeps its own data. */
  part(name: string): string
}

/** `--data`, then TIMESALE_DATA, then the folder beside the clone. */
export async function findDataFolder(asked: string | undefined): Promise<DataFolder> {
  const path = asked ?? process.env['TIMESALE_DATA']
  return path === undefined || path === '' ? await usualDataFolder() : dataFolder(resolve(path))
}

/** The one that commands take without being told. */
export async function usualDataFolder(): Promise<DataFolder> {
  return dataFolder(await defaultDataDir(cloneRoot))
}

function dataFolder(path: string): DataFolder {
  const logs = join(path, 'logs')
  return {
    path,
    settings: join(path, 'settings.json'),
    secrets: join(path, 'secrets.json'),
    pids: join(path, 'pids.json'),
    supervisor: join(path, 'supervisor.json'),
    operatorSession: join(path, 'operator-session.json'),
    catalogueMarker: join(path, 'catalogue-on-sale'),
    logs,
    log: (part) => join(logs, `${part}.log`),
    part: (name) => join(path, name),
  }
}

/** Refuses a folder of somebody else's files, which a later reset would otherwise wipe. */
export function openDataFolder(folder: DataFolder): void {
  const strangers = entriesOf(folder.path).filter((entry) => !isOurs(entry))
  if (strangers.length > 0) {
    throw new Complaint(
      `${folder.path} holds other files (${strangers.slice(0, 3).join(', ')}${strangers.length > 3 ? ', ...' : ''}).\n` +
        'Name an empty or a new folder with --data DIR.',
    )
  }
  // The OS user of PostgreSQL has to pass through; what is secret in it has a mode of its own.
  mkdirSync(folder.logs, { recursive: true, mode: 0o755 })
}

/** Deletes what a shop made and nothing else; gives back the names of what it left alone. */
export async function wipeDataFolder(folder: DataFolder): Promise<string[]> {
  const entries = entriesOf(folder.path)
  for (const entry of entries.filter(isOurs)) await rm(join(folder.path, entry), { recursive: true, force: true })
  return entries.filter((entry) => !isOurs(entry))
}

function isOurs(entry: string): boolean {
  return /^(\.?(settings|secrets|pids|supervisor|operator-session)\.json(\..*)?|catalogue-on-sale|logs|compiled|(postgres|kafka)(-.+)?|redis|\..+\.half-made|\.DS_Store)$/.test(
    entry,
  )
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return []
    if (code === 'ENOTDIR') throw new Complaint(`${path} is not a folder.`)
    throw error
  }
}

/** The content, or undefined where there is no file or only half of one. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** Whole or not at all, also when the writer is killed meanwhile; synchronous, so that nothing happens in between. */
export function writeJson(path: string, value: unknown, mode = 0o644): void {
  const half = `${path}.${process.pid}`
  writeFileSync(half, `${JSON.stringify(value, null, 2)}\n`, { mode })
  renameSync(half, path)
}
