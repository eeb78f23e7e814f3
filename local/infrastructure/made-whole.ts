import { randomUUID } from 'node:crypto'
import { chmod, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** The file appears whole or not at all, whoever is killed meanwhile; of two writers the later one wins. */
export async function writeWhole(path: string, content: Uint8Array | string, mode = 0o644): Promise<void> {
  const half = halfMade(path)

  try {
    const file = await open(half, 'wx', mode)

    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }

    await rename(half, path)
  } catch (error) {
    await rm(half, { force: true })
    throw error
  }
}

/**
 * The same for a folder. `make` gets a scratch folder of its own beside it, and says what in there is to become the folder.
 * A name for each attempt, because a program started by one that was killed may still be writing.
 */
export async function makeWhole(path: string, make: (scratch: string) => Promise<string>): Promise<void> {
  const scratch = halfMade(path)

  await mkdir(scratch)
  // Whatever the umask is: a program that runs as another user may have to get in.
  await chmod(scratch, 0o711)

  try {
    await rename(await make(scratch), path)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** What is left of attempts at this path whose makers were killed. A young one may be another process's work, unless the path is ours alone. */
export async function removeHalfMade(path: string, olderThanMs: number): Promise<void> {
  const like = basename(halfMade(path))
  const prefix = like.slice(0, -randomPartLength)

  for (const name of await readdir(dirname(path))) {
    if (name.length === like.length && name.startsWith(prefix) && name.endsWith(suffix))
      await removeOld(join(dirname(path), name), olderThanMs)
  }
}

async function removeOld(path: string, olderThanMs: number): Promise<void> {
  const found = await stat(path).catch(() => undefined)

  // One that is still written to may resist; it does no harm where it is.
  if (found && Date.now() - found.mtimeMs >= olderThanMs)
    await rm(path, { recursive: true, force: true }).catch(() => undefined)
}

export function halfMade(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomUUID()}${suffix}`)
}

const suffix = '.half-made'
const randomPartLength = 36 + suffix.length
