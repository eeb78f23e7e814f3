import { generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Role } from '@timesale/contracts/roles'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const KEY_ID = 'stand-in'

/** For tests: what a stand-in of the account service publishes. */
export const STAND_IN_KEYS = {
  keys: [{ ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'EdDSA', use: 'sig' }],
}

/** For tests: as whom somebody is logged in there. */
export interface LoggedIn {
  readonly sub: string
  readonly roles: readonly Role[]
  readonly sid?: string
  /** How long the token is good. */
  readonly seconds?: number
}

export async function loggedInAs({ sub, roles, sid, seconds = 900 }: LoggedIn): Promise<{ authorization: string }> {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: 'timesale-account', aud: 'timesale', sub, sid: sid ?? `session-of-${sub}`, roles }
  const token = await new SignJWT({ ...claims, jti: crypto.randomUUID(), iat: now, exp: now + seconds })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: KEY_ID })
    .sign(privateKey)
  return { authorization: `Bearer ${token}` }
}
