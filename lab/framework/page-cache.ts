import { execFile } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const DROPPED_WITHIN_MS = 60_000

/**
 * Has the kernel forget what it keeps in memory of these files, and of no others; needs nobody's permission. Node has no
 * posix_fadvise; GNU dd has. False where there is none. Whether it has helped, `diskBytesOf` tells.
 */
export async function dropFromCache(files: readonly string[]): Promise<boolean> {
  try {
    for (const file of files) {
      // What is not written yet cannot be forgotten.
      await using handle = await open(file, 'r')
      await handle.datasync()
      await promisify(execFile)('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none'], {
        timeout: DROPPED_WITHIN_MS,
      })
    }
    return true
  } catch {
    return false
  }
}

/** What a process has had read from the disk so far, as Linux counts it; undefined elsewhere. */
export async function diskBytesOf(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '')
  const found = /^read_bytes: (\d+)$/m.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}
