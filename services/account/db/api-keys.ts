import type { ApiKeyView } from '@timesale/contracts/account-api'
import type { Role } from '@timesale/contracts/roles'
import type { Sql, Tx } from '@timesale/postgres/sql'
import { commonRoles } from '../account.ts'
import type { Grant, RevokedSession } from '../session.ts'
import { REVOKED_FOR_S, toRevoked, type RevokedRow } from './revoked-sessions.ts'

export interface NewApiKey {
  readonly accountId: string
  readonly keyId: string
  readonly keyHash: Buffer
  readonly name: string
  readonly roles: readonly Role[]
  readonly sid: string
}

/** Undefined where the account has a key of this id. */
export async function insertApiKey(tx: Tx, key: NewApiKey): Promise<ApiKeyView | undefined> {
  const [row] = await tx<{ created_at: Date }>`
    insert into api_keys (account_id, key_id, key_hash, name, roles, sid)
    values (${key.accountId}, ${key.keyId}, ${key.keyHash}, ${key.name}, ${key.roles}, ${key.sid})
    on conflict (account_id, key_id) do nothing
    returning created_at`
  if (row === undefined) return undefined
  return { keyId: key.keyId, name: key.name, roles: [...key.roles], createdAt: row.created_at.toISOString() }
}

export async function countApiKeys(tx: Tx, accountId: string): Promise<number> {
  const [row] = await tx<{ count: number }>`
    select count(*)::int as count from api_keys where account_id = ${accountId}`
  return row?.count ?? 0
}

/** By their names. */
export async function listApiKeys(sql: Sql, accountId: string): Promise<ApiKeyView[]> {
  const rows = await sql<{ key_id: string; name: string; roles: Role[]; created_at: Date }>`
    select key_id, name, roles, created_at from api_keys where account_id = ${accountId} order by key_id`
  return rows.map((row) => ({
    keyId: row.key_id,
    name: row.name,
    roles: row.roles,
    createdAt: row.created_at.toISOString(),
  }))
}

export async function deleteApiKey(
  write: Sql,
  { accountId, keyId }: { accountId: string; keyId: string },
): Promise<RevokedSession[]> {
  const rows = await write<RevokedRow>`
    with ended as (delete from api_keys where account_id = ${accountId} and key_id = ${keyId} returning sid)
    insert into revoked_sessions (sid, until)
    select sid, now() + make_interval(secs => ${REVOKED_FOR_S}) from ended
    returning sid, (extract(epoch from until) * 1000)::float8 as until_ms`
  return rows.map(toRevoked)
}

/** What a key is good for now. Roles are read after the key was locked, so a change is seen or sees this token. */
export async function grantByKey(tx: Tx, keyHash: Buffer): Promise<Grant | undefined> {
  const [key] = await tx<{ account_id: string; roles: Role[]; sid: string }>`
    select account_id, roles, sid from api_keys where key_hash = ${keyHash} for share`
  if (key === undefined) return undefined
  const [account] = await tx<{ name: string; roles: Role[]; issued_at_s: number }>`
    select name, roles, floor(extract(epoch from now()))::float8 as issued_at_s
    from accounts
    where account_id = ${key.account_id}`
  if (account === undefined) return undefined
  return {
    accountId: key.account_id,
    name: account.name,
    roles: commonRoles(key.roles, account.roles),
    sid: key.sid,
    isApiKey: true,
    issuedAtS: account.issued_at_s,
  }
}
