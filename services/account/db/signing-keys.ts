import assert from 'node:assert/strict'
import { ACCESS_TOKEN_S, KEYS_FETCHED_EVERY_S, type SigningKeyView } from '@timesale/contracts/account-api'
import type { Sql, Tx } from '@timesale/postgres/sql'
import type { SigningKey } from '../signing-key.ts'

/** A new key is made so long after the last one. */
const SIGNS_DAYS = 30
/** A new key is published for so long before it signs: whoever verifies may miss it once. */
const PUBLISHED_FIRST_S = 2 * KEYS_FETCHED_EVERY_S
/** A retired key verifies for as long as its last token lives, and 20 minutes more for whoever is late. */
const VERIFIES_S = ACCESS_TOKEN_S + 20 * 60

export interface SealedKey {
  readonly kid: string
  readonly sealed: Buffer
  /** It has signed for long enough, and no other one waits for its turn. */
  readonly isDue: boolean
}

/** The key that signs; undefined where there is none yet. */
export async function findSigningKey(sql: Sql): Promise<SealedKey | undefined> {
  const [row] = await sql<{ kid: string; private_jwk_sealed: Buffer; is_due: boolean }>`
    select kid, private_jwk_sealed,
      (select max(created_at) from signing_keys) <= now() - make_interval(days => ${SIGNS_DAYS}) as is_due
    from signing_keys
    where signs_from <= now() and (retired_at is null or retired_at > now())
    order by signs_from desc
    limit 1`
  return row === undefined ? undefined : { kid: row.kid, sealed: row.private_jwk_sealed, isDue: row.is_due }
}

/** What tokens are verified with, or soon will be; the newest first. */
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

/** This key signs after the one before, when everybody must have seen it; at once where it is the first one. */
export async function addSigningKey(tx: Tx, key: SigningKey, sealed: Buffer): Promise<SigningKeyView> {
  const before = await tx`
    update signing_keys set retired_at = now() + make_interval(secs => ${PUBLISHED_FIRST_S})
    where retired_at is null
    returning 1`
  const waitS = before.length > 0 ? PUBLISHED_FIRST_S : 0
  const [row] = await tx<{ created_at: Date; signs_from: Date }>`
    insert into signing_keys (kid, public_jwk, private_jwk_sealed, signs_from)
    values (${key.kid}, ${JSON.stringify(key.publicJwk)}::text::jsonb, ${sealed},
      now() + make_interval(secs => ${waitS}))
    returning created_at, signs_from`
  assert(row, 'An insert gives back its row.')
  return { kid: key.kid, createdAt: row.created_at.toISOString(), signsFrom: row.signs_from.toISOString() }
}

export async function deleteOldKeys(write: Sql): Promise<void> {
  await write`delete from signing_keys where retired_at <= now() - make_interval(secs => ${VERIFIES_S})`
}
