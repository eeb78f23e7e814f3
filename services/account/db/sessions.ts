import type { Role } from '@timesale/contracts/roles'
import type { SessionView } from '@timesale/contracts/account-api'
import type { Sql, Tx } from '@timesale/postgres/sql'
import { REFRESH_TOKEN_DAYS, SESSION_DAYS, SESSIONS_MAX, type Grant, type RevokedSession } from '../session.ts'
import { REVOKED_FOR_S, toRevoked, type RevokedRow } from './revoked-sessions.ts'

interface GrantRow {
  account_id: string
  name: string
  roles: Role[]
  issued_at_s: number
}

/**
 * Begins a session. The account is locked against a change of its roles, which could otherwise miss a session that is
 * about to be there.
 */
export async function insertSession(
  tx: Tx,
  session: { accountId: string; sessionId: string; sid: string; tokenHash: Buffer },
): Promise<Grant | undefined> {
  const [account] = await tx<GrantRow>`
    select account_id, name, roles, floor(extract(epoch from now()))::float8 as issued_at_s
    from accounts
    where account_id = ${session.accountId}
    for share`
  if (account === undefined) return undefined
  await tx`
    insert into sessions (session_id, account_id, sid, ends_at)
    values (${session.sessionId}, ${session.accountId}, ${session.sid}, now() + make_interval(days => ${SESSION_DAYS}))`
  await insertRefreshToken(tx, session.sessionId, session.tokenHash)
  return toGrant(account, session.sid)
}

/** Those beyond the newest hundred of an account. */
export async function endOldestSessions(tx: Tx, accountId: string): Promise<RevokedSession[]> {
  const rows = await tx<RevokedRow>`
    with ended as (
      delete from sessions
      where session_id in (
        select session_id from sessions
        where account_id = ${accountId}
        order by started_at desc, session_id desc
        offset ${SESSIONS_MAX}
      )
      returning sid
    )
    insert into revoked_sessions (sid, until)
    select sid, now() + make_interval(secs => ${REVOKED_FOR_S}) from ended
    returning sid, (extract(epoch from until) * 1000)::float8 as until_ms`
  return rows.map(toRevoked)
}

/** The session that a refresh token belongs to, locked: whatever happens to it happens one after the other. */
export async function lockSessionOf(
  tx: Tx,
  tokenHash: Buffer,
): Promise<{ sessionId: string; accountId: string; sid: string; isOver: boolean } | undefined> {
  const [row] = await tx<{ session_id: string; account_id: string; sid: string; is_over: boolean }>`
    select session_id, account_id, sid, ends_at <= now() as is_over
    from sessions
    where session_id = (select session_id from refresh_tokens where token_hash = ${tokenHash})
    for update`
  if (row === undefined) return undefined
  return { sessionId: row.session_id, accountId: row.account_id, sid: row.sid, isOver: row.is_over }
}

/** What became of a refresh token: it was good until now, or is too old, or was used before. In a locked session. */
export async function useRefreshToken(tx: Tx, tokenHash: Buffer): Promise<'used' | 'expired' | 'used-before'> {
  const used = await tx`
    update refresh_tokens set used_at = now()
    where token_hash = ${tokenHash} and used_at is null and expires_at > now()
    returning 1`
  if (used.length === 1) return 'used'
  const [row] = await tx<{ was_used: boolean }>`
    select used_at is not null as was_used from refresh_tokens where token_hash = ${tokenHash}`
  return row?.was_used === true ? 'used-before' : 'expired'
}

/** A locked session gets its next refresh token. Roles are read after the lock, so a change is seen or sees this session. */
export async function refreshSession(
  tx: Tx,
  session: { sessionId: string; accountId: string; sid: string },
  tokenHash: Buffer,
): Promise<Grant | undefined> {
  await tx`update sessions set refreshed_at = now() where session_id = ${session.sessionId}`
  await insertRefreshToken(tx, session.sessionId, tokenHash)
  const [account] = await tx<GrantRow>`
    select account_id, name, roles, floor(extract(epoch from now()))::float8 as issued_at_s
    from accounts
    where account_id = ${session.accountId}`
  return account === undefined ? undefined : toGrant(account, session.sid)
}

/** Ends a session of this account; of anybody, where `owner` is undefined. */
export async function endSession(
  sql: Sql,
  { sessionId, owner }: { sessionId: string; owner: string | undefined },
): Promise<RevokedSession[]> {
  const rows = await sql<RevokedRow>`
    with ended as (
      delete from sessions
      where session_id = ${sessionId} and account_id = coalesce(${owner}, account_id)
      returning sid
    )
    insert into revoked_sessions (sid, until)
    select sid, now() + make_interval(secs => ${REVOKED_FOR_S}) from ended
    returning sid, (extract(epoch from until) * 1000)::float8 as until_ms`
  return rows.map(toRevoked)
}

/**
 * Ends the session of this name, and the one that a refresh token was given to, be it used or not; nothing where it is
 * somebody else's.
 */
export async function endSessionOf(
  write: Sql,
  about: { sid: string | undefined; tokenHash: Buffer | undefined; owner: string | undefined },
): Promise<RevokedSession[]> {
  const rows = await write<RevokedRow>`
    with ended as (
      delete from sessions
      where session_id in (
          select session_id from sessions where sid = ${about.sid ?? null}
          union all
          select session_id from refresh_tokens where token_hash = ${about.tokenHash ?? null}
        )
        and account_id = coalesce(${about.owner}, account_id)
      returning sid
    )
    insert into revoked_sessions (sid, until)
    select sid, now() + make_interval(secs => ${REVOKED_FOR_S}) from ended
    returning sid, (extract(epoch from until) * 1000)::float8 as until_ms`
  return rows.map(toRevoked)
}

export async function endAllSessions(write: Sql, accountId: string): Promise<RevokedSession[]> {
  const rows = await write<RevokedRow>`
    with ended as (delete from sessions where account_id = ${accountId} returning sid)
    insert into revoked_sessions (sid, until)
    select sid, now() + make_interval(secs => ${REVOKED_FOR_S}) from ended
    returning sid, (extract(epoch from until) * 1000)::float8 as until_ms`
  return rows.map(toRevoked)
}

/** Sessions and keys of an account go on under other names; what was signed under the old ones is to be refused. */
export async function renameSessions(tx: Tx, accountId: string): Promise<RevokedSession[]> {
  const rows = await tx<RevokedRow>`
    with open_sessions as (
      select session_id, sid from sessions where account_id = ${accountId} for update
    ), keys as (
      select key_id, sid from api_keys where account_id = ${accountId} for update
    ), renamed_sessions as (
      update sessions set sid = gen_random_uuid()::text
      from open_sessions
      where sessions.session_id = open_sessions.session_id
      returning open_sessions.sid
    ), renamed_keys as (
      update api_keys set sid = gen_random_uuid()::text
      from keys
      where api_keys.account_id = ${accountId} and api_keys.key_id = keys.key_id
      returning keys.sid
    )
    insert into revoked_sessions (sid, until)
    select sid, now() + make_interval(secs => ${REVOKED_FOR_S})
    from (select sid from renamed_sessions union all select sid from renamed_keys) as renamed
    returning sid, (extract(epoch from until) * 1000)::float8 as until_ms`
  return rows.map(toRevoked)
}

/** The newest first. */
export async function listSessions(sql: Sql, accountId: string): Promise<SessionView[]> {
  const rows = await sql<{ session_id: string; started_at: Date; refreshed_at: Date; ends_at: Date }>`
    select session_id, started_at, refreshed_at, ends_at
    from sessions
    where account_id = ${accountId} and ends_at > now()
    order by started_at desc, session_id desc`
  return rows.map((row) => ({
    sessionId: row.session_id,
    startedAt: row.started_at.toISOString(),
    refreshedAt: row.refreshed_at.toISOString(),
    endsAt: row.ends_at.toISOString(),
  }))
}

/** What is over by itself. A session that ends by its age needs no revocation: its last refresh was before that. */
export async function deleteExpired(write: Sql): Promise<void> {
  await write`delete from sessions where ends_at <= now() - make_interval(secs => ${REVOKED_FOR_S})`
  await write`delete from refresh_tokens where expires_at <= now()`
}

async function insertRefreshToken(tx: Tx, sessionId: string, tokenHash: Buffer): Promise<void> {
  await tx`
    insert into refresh_tokens (token_hash, session_id, expires_at)
    values (${tokenHash}, ${sessionId}, now() + make_interval(days => ${REFRESH_TOKEN_DAYS}))`
}

function toGrant(row: GrantRow, sid: string): Grant {
  return {
    accountId: row.account_id,
    name: row.name,
    roles: row.roles,
    sid,
    isApiKey: false,
    issuedAtS: row.issued_at_s,
  }
}
