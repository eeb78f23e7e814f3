import assert from 'node:assert/strict'
import { ACCESS_TOKEN_S, type SigningKeyView } from '@timesale/contracts/account-api'
import type { Sql, Tx } from '@timesale/postgres/sql'
import type { SigningKey } from '../signing-key.ts'

/** A key signs for so long. */
const SIGNS_DAYS = 30
/** A retired key verifies for as long as its last token lives, and 20 minutes more for whoever is late. */
const VERIFIES_S = ACCESS_TOKEN_S + 20 * 60

export interface SealedKey {
  readonly kid: string
  readonly sealed: Buffer
  /** It has signed for long enough. */
  readonly isDue: boolean
}

/** The key that signs; undefined where there is none yet. */
export async function findSigningKey(sql: Sql): Promise<SealedKey | undefined> {
  const [row] = await sql<{ kid: string; private_jwk_sealed: Buffer; is_due: boolean }>`
    select kid, private_jwk_sealed, created_at <= now() - make_interval(days => ${SIGNS_DAYS}) as is_due
    from signing_keys
    where retired_at is null
    order by created_at desc
    limit 1`
  return row === undefined ? undefined : { kid: row.kid, sealed: row.private_jwk_sealed, isDue: row.is_due }
}

/** What tokens are verified with, the newest first. */
export async function listPublicKeys(sql: Sql): Promise<SigningKey['publicJwk'][]> {
  const rows = await sql<{ public_jwk: SigningKey['publicJwk'] }>`
    select public_jwk
    from signing_keys
    where retired_at is null or retired_at > now() - make_interval(secs => ${VERIFIES_S})
    order by created_at desc`
  return rows.map((row) => row.public_jwk)
}

/** Until the end of the transaction nobody else changes which key signs. */
export async function lockSigningKeys(tx: Tx): Promise<void> {
  await tx`select pg_advisory_xact_lock(hashtext('timesale: signing keys'))`
}

/** From its commit this key signs, and no other one. */
export async function replaceSigningKey(tx: Tx, key: SigningKey, sealed: Buffer): Promise<SigningKeyView> {
  await tx`update signing_keys set retired_at = now() where retired_at is null`
  const [row] = await tx<{ created_at: Date }>`
    insert into signing_keys (kid, public_jwk, private_jwk_sealed)
    values (${key.kid}, ${JSON.stringify(key.publicJwk)}::text::jsonb, ${sealed})
    returning created_at`
  assert(row, 'An insert gives back its row.')
  return { kid: key.kid, createdAt: row.created_at.toISOString() }
}

export async function deleteOldKeys(write: Sql): Promise<void> {
  await write`delete from signing_keys where retired_at <= now() - make_interval(secs => ${VERIFIES_S})`
}
