import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
/** What is fetched, made at run time, or git's. */
const NOT_SOURCES = new Set(['node_modules', '.git', '.timesale', '.cache', '.venv'])

/**
 * The clone once more in a folder of its own, to be changed at will. What npm has installed is shared; only the links to the
 * workspaces lead into the second one.
 */
export async function secondClone(): Promise<string> {
  const clone = await mkdtemp(join(tmpdir(), 'timesale-clone-'))
  // PostgreSQL runs as a user of its own where we are root.
  await chmod(clone, 0o755)
  const isSource = (path: string): boolean =>
    !NOT_SOURCES.has(basename(path)) && !basename(path).startsWith('.installing')
  for (const entry of await readdir(ROOT)) {
    if (isSource(entry)) await cp(join(ROOT, entry), join(clone, entry), { recursive: true, filter: isSource })
  }
  await mkdir(join(clone, 'node_modules'))
  const modules = await readdir(join(ROOT, 'node_modules'))
  for (const entry of modules) {
    const [from, to] = [join(ROOT, 'node_modules', entry), join(clone, 'node_modules', entry)]
    if (entry === '@timesale') await cp(from, to, { recursive: true, verbatimSymlinks: true })
    // npm's notes on what is installed, and ours: files that a command may write anew.
    else if (entry.endsWith('lock') || entry.endsWith('lock.json')) await copyFile(from, to)
    else if (entry !== '.cache') await symlink(from, to)
  }
  return clone
}
