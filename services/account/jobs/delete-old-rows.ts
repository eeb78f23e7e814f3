import type { Sql } from '@timesale/postgres/sql'
import { deleteOldRevocations } from '../db/revoked-sessions.ts'
import { deleteExpired } from '../db/sessions.ts'
import { deleteOldKeys } from '../db/signing-keys.ts'

/** What nobody can use any more. Everything that asks looks at the times too, so it does not matter when this runs. */
export async function deleteOldRows(write: Sql): Promise<void> {
  await deleteExpired(write)
  await deleteOldRevocations(write)
  await deleteOldKeys(write)
}
