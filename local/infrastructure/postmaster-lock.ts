import { execFile } from 'node:child_process'
import { chown, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { writeWhole } from './made-whole.ts'

/**
 * After a kill -9 the server's lock file names a pid that is no longer its own. PostgreSQL starts all the same when no such
 * process lives, but not when the number was given to another one, and that happens: after a restart of a container its
 * processes get much the same numbers as before, in another order.
 *
 * So a pid that is not this folder's server is replaced with our own, as PostgreSQL knows that its parent is no server. The
 * rest of the file stays, for it names the shared memory by which PostgreSQL tells whether orphans of the old server live.
 */
export async function disownStaleLock(dataDir: string): Promise<void> {
  const file = join(dataDir, 'postmaster.pid')
  const lock = await readFile(file, 'utf8').catch(() => undefined)

  if (lock === undefined) return

  const [pid = '', ...rest] = lock.split('\n')

  if (!/^\d+$/.test(pid) || (await commandOf(Number(pid))).includes(dataDir)) return

  const { uid, gid } = await stat(file)

  await writeWhole(file, [`${process.pid}`, ...rest].join('\n'), 0o600)
  await chown(file, uid, gid)
}

/** Empty when there is no such process. */
async function commandOf(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')

  return promisify(execFile)('ps', ['-o', 'command=', '-p', `${pid}`]).then(
    ({ stdout }) => stdout,
    () => '',
  )
}
