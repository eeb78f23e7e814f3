import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

export interface OsUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** Whom PostgreSQL runs as: it refuses to run as root. Undefined means the user who runs this. */
export async function postgresUser(): Promise<OsUser | undefined> {
  if (!isRoot()) return undefined

  const found = parsePasswd(await readFile('/etc/passwd', 'utf8'))

  if (found) return found

  // Containers often have root alone.
  try {
    await promisify(execFile)('useradd', [
      '--system',
      '--user-group',
      '--no-create-home',
      '--shell',
      '/bin/false',
      'postgres',
    ])
  } catch (cause) {
    // Another process that starts at this moment may have been quicker.
    const made = parsePasswd(await readFile('/etc/passwd', 'utf8'))

    if (made) return made
    throw new Error(
      'PostgreSQL refuses to run as root, and there is no OS user "postgres" to run it as, nor could one be made with useradd. Make one, or start as another user than root.',
      { cause },
    )
  }

  const made = parsePasswd(await readFile('/etc/passwd', 'utf8'))

  if (!made)
    throw new Error('useradd made a user "postgres" that /etc/passwd does not show. Start as another user than root.')

  return made
}

/** macOS comes with a user of that name behind an underscore. */
export function parsePasswd(text: string): OsUser | undefined {
  const users = text.split('\n').map((line) => line.split(':'))
  const [name, , uid, gid] =
    users.find(([user]) => user === 'postgres') ?? users.find(([user]) => user === '_postgres') ?? []

  return name !== undefined && uid && gid ? { name, uid: Number(uid), gid: Number(gid) } : undefined
}

/** Whether the user can get to a folder, which takes the right to pass through each of those above it. */
export async function canReach(folder: string, user: OsUser): Promise<boolean> {
  // The kernel is asked instead of the mode bits: access lists and read-only mounts have a say as well.
  const asked = promisify(execFile)('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], {
    uid: user.uid,
    gid: user.gid,
    cwd: '/',
  })

  return asked.then(
    () => true,
    () => false,
  )
}
