import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { exportJWK, SignJWT } from 'jose'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const KEY_ID = 'bench-account'
const LIVES_S = 900

/** What the account service would publish, if it were ours: a JSON Web Key Set. */
export async function publicKeys(): Promise<string> {
  return JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'EdDSA', use: 'sig' }] })
}

/** `authorization` headers of so many accounts, as the account service would give them out; good for a quarter of an hour. */
export async function authorizationsOf(accounts: number): Promise<string[]> {
  const now = Math.floor(Date.now() / 1000)
  return await Promise.all(
    Array.from({ length: accounts }, async (_, number) => {
      const token = await new SignJWT({ sid: randomUUID(), roles: ['buyer'] })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: KEY_ID })
        .setIssuer('timesale-account')
        .setAudience('timesale')
        .setSubject(`bench-buyer-${String(number).padStart(5, '0')}`)
        .setIssuedAt(now)
        .setExpirationTime(now + LIVES_S)
        .setJti(randomUUID())
        .sign(privateKey)
      return `Bearer ${token}`
    }),
  )
}
