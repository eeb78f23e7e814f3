import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { halfMade, removeHalfMade } from '../infrastructure/made-whole.ts'
import { cloneRoot } from './data-folder.ts'

export interface ConsoleBuildOptions {
  readonly root?: string
  /** Makes the build in this folder; throws what the builder has to say. */
  readonly make?: (root: string, into: string) => Promise<void>
}

/** Beside the build, what it was made from. Its name is none that the gateway gives out. */
const MARK = '.sources'
const BUILD_MAX_MS = 5 * 60_000
const ABANDONED_AFTER_MS = 15 * 60_000
/** Whatever starts the shop goes first. */
const NICENESS = 10

/**
 * Builds the web console where its sources are others than those of the build that is there. Two at once do the same work
 * twice, and one of the two results stays. Throws what the builder says; what was there before then stays.
 */
export async function buildConsole(options: ConsoleBuildOptions = {}): Promise<'fresh' | 'built'> {
  const { root = cloneRoot, make = viteBuild } = options
  const build = join(root, 'console', 'dist')
  const sources = await sourcesOf(root)
  if ((await readFile(join(build, MARK), 'utf8').catch(() => '')) === sources) return 'fresh'
  await removeHalfMade(build, ABANDONED_AFTER_MS)
  const scratch = halfMade(build)
  await mkdir(scratch)
  try {
    const made = join(scratch, 'made')
    await make(root, made)
    await writeFile(join(made, MARK), sources)
    await replace(build, made, join(scratch, 'before'))
    return 'built'
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function replace(build: string, made: string, before: string): Promise<void> {
  await rename(build, before).catch(orThrow('ENOENT'))
  // There already: another start was quicker, with the same.
  await rename(made, build).catch(orThrow('ENOTEMPTY', 'EEXIST'))
}

function orThrow(...passed: string[]): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (!passed.includes(error.code ?? '')) throw error
  }
}

/** One hash of everything that a build is made from: the console, the contracts that it imports, versions of libraries. */
async function sourcesOf(root: string): Promise<string> {
  const hash = createHash('sha256')
  const folders = await Promise.all(['console', 'contracts'].map((name) => filesBelow(join(root, name))))
  for (const path of [...folders.flat(), join(root, 'package-lock.json')].toSorted()) {
    hash
      .update(relative(root, path))
      .update('\0')
      .update(await readFile(path))
      .update('\0')
  }
  return hash.digest('hex')
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return isMade(entry.name) ? [] : await filesBelow(path)
      return /\.test\.tsx?$/.test(entry.name) ? [] : [path]
    }),
  )
  return found.flat()
}

function isMade(name: string): boolean {
  return name === 'dist' || name === 'node_modules' || name.startsWith('.')
}

async function viteBuild(root: string, into: string): Promise<void> {
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  const building = spawn(process.execPath, [vite, 'build', '--outDir', into, '--logLevel', 'warn'], {
    cwd: join(root, 'console'),
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: BUILD_MAX_MS,
    killSignal: 'SIGKILL',
  })
  let said = ''
  for (const stream of [building.stdout, building.stderr]) stream.on('data', (piece) => (said += String(piece)))
  if (building.pid !== undefined) beNice(building.pid)
  const [code] = (await once(building, 'close')) as [number | null]
  if (code !== 0) throw new Error(stripVTControlCharacters(said).trim() || `vite ended with exit code ${code}`)
}

function beNice(pid: number): void {
  try {
    setPriority(pid, NICENESS)
  } catch {
    // It has ended already, or may not be asked for it.
  }
}
