import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { canReach, postgresUser } from './os-user.ts'

/** Inside the clone, unless PostgreSQL must run as another user who cannot get there. */
export async function defaultDataDir(cloneRoot: string): Promise<string> {
  const clone = await realpath(cloneRoot)
  const user = await postgresUser()

  if (!user || (await canReach(clone, user))) return join(clone, '.timesale')

  return join('/var/lib/timesale', createHash('sha256').update(clone).digest('hex').slice(0, 12))
}
