import { ACCESS_TOKEN_S } from '@timesale/contracts/account-api'
import type { Sql } from '@timesale/postgres/sql'
import type { RevokedSession } from '../session.ts'

/** As long as a token lives, and a minute for clocks that differ. */
export const REVOKED_FOR_S = ACCESS_TOKEN_S + 60

export interface RevokedRow {
  sid: string
  until_ms: number
}

/** All that still matter, and when that was so by the database's clock, milliseconds since the epoch. */
export async function findRevokedSessions(sql: Sql): Promise<{ atMs: number; revoked: RevokedSession[] }> {
  const rows = await sql<{ at_ms: number; sid: string | null; until_ms: number | null }>`
    select (extract(epoch from clock.at) * 1000)::float8 as at_ms, sid,
      (extract(epoch from until) * 1000)::float8 as until_ms
    from (select now() as at) as clock
    left join revoked_sessions on until > clock.at`
  const revoked = rows.flatMap(({ sid, until_ms: untilMs }) =>
    sid === null || untilMs === null ? [] : [{ sid, untilMs }],
  )
  return { atMs: rows[0]?.at_ms ?? 0, revoked }
}

export async function deleteOldRevocations(write: Sql): Promise<void> {
  await write`delete from revoked_sessions where until <= now()`
}

export function toRevoked(row: RevokedRow): RevokedSession {
  return { sid: row.sid, untilMs: row.until_ms }
}
