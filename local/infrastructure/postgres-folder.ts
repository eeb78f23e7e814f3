import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { makeWhole, removeHalfMade } from './made-whole.ts'
import { canReach, type OsUser } from './os-user.ts'
import type { PostgresBinaries } from './postgres-binaries.ts'

/** The database's superuser on this machine, where the server listens to nobody else. */
export const localSuperuser = { user: 'postgres', password: 'postgres' } as const

/** A server's folder, made by initdb under another name, so that it appears whole or not at all. */
export async function preparePostgresFolder(
  dataDir: string,
  binaries: PostgresBinaries,
  user: OsUser | undefined,
): Promise<void> {
  const version = await readFile(join(dataDir, 'PG_VERSION'), 'utf8').catch(() => undefined)

  if (version === undefined) return makeFolder(dataDir, binaries, user)

  if (version.trim() !== major) {
    throw new Error(
      `${dataDir} was made by PostgreSQL ${version.trim()}, and this is ${major}. Name another folder with --data, or wipe this one: npm run reset`,
    )
  }

  if (user && (await stat(dataDir)).uid !== user.uid)
    await promisify(execFile)('chown', ['-R', `${user.uid}:${user.gid}`, dataDir])
}

const major = '18'

async function makeFolder(dataDir: string, { initdb }: PostgresBinaries, user: OsUser | undefined): Promise<void> {
  if ((await readdir(dataDir).catch(() => [])).length > 0)
    throw new Error(`${dataDir} is not empty, and not a PostgreSQL folder either.`)

  await makeParents(dirname(dataDir), user)
  await removeHalfMade(dataDir, 0)

  await makeWhole(dataDir, async (scratch) => {
    const half = join(scratch, 'data')
    const passwordFile = join(scratch, 'password')

    await mkdir(half, { mode: 0o700 })
    await writeFile(passwordFile, localSuperuser.password, { mode: 0o600 })
    if (user) await Promise.all([half, passwordFile].map((path) => chown(path, user.uid, user.gid)))

    const args = [
      '-D',
      half,
      `--username=${localSuperuser.user}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      ...locale,
      '--no-instructions',
    ]

    // Without TZ, initdb tries every time zone it knows until one fits this machine's clock.
    await promisify(execFile)(initdb, args, {
      cwd: '/',
      env: { LC_ALL: 'C', TZ: 'UTC' },
      ...(user && { uid: user.uid, gid: user.gid }),
    })

    return half
  })
}

/** PostgreSQL's own locale, the same on every system: sorting by code point, upper and lower case for all of Unicode. */
const locale = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']

async function makeParents(parent: string, user: OsUser | undefined): Promise<void> {
  const firstMade = await mkdir(parent, { recursive: true })

  if (!user) return

  // A strict umask of root's must not lock out the server.
  if (firstMade !== undefined) await openFolders(firstMade, parent)

  if (!(await canReach(parent, user))) {
    throw new Error(
      `The OS user ${user.name}, as whom root has to run PostgreSQL, cannot enter ${parent}. Let others pass through the folders above it (chmod o+x), or name another one with --data.`,
    )
  }
}

/** From the upper one down to the lower one. */
async function openFolders(upper: string, lower: string): Promise<void> {
  if (lower !== upper) await openFolders(upper, dirname(lower))
  await chmod(lower, 0o755)
}
