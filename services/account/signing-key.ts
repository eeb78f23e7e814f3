import { createCipheriv, createDecipheriv, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import type { JWK } from 'jose'

export interface SigningKey {
  readonly kid: string
  /** With `kid`, `alg` and `use`, as it stands in a JWKS. */
  readonly publicJwk: JWK
  readonly privateJwk: JWK
}

const CIPHER = 'aes-256-gcm'
/** NIST SP 800-38D, 5.2.1.1 and 8.2.2: 96 random bits, for far fewer than 2^32 keys. */
const IV_BYTES = 12
const TAG_BYTES = 16

/** A new Ed25519 key (RFC 8037). */
export function makeSigningKey(): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const kid = randomUUID()
  const about = { kid, alg: 'EdDSA', use: 'sig' }
  return {
    kid,
    publicJwk: { ...(publicKey.export({ format: 'jwk' }) as JWK), ...about },
    privateJwk: { ...(privateKey.export({ format: 'jwk' }) as JWK), ...about },
  }
}

/** AES-256-GCM: what is sealed under one kid opens under no other. */
export function seal(key: SigningKey, secret: Buffer): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, secret, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(key.kid))
  const text = Buffer.concat([cipher.update(JSON.stringify(key.privateJwk)), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), text])
}

/** Throws where the secret is another one, or something was changed. */
export function unseal(kid: string, sealed: Buffer, secret: Buffer): JWK {
  const iv = sealed.subarray(0, IV_BYTES)
  const tag = sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)
  const decipher = createDecipheriv(CIPHER, secret, iv, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(kid))
    .setAuthTag(tag)
  const text = Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
  return JSON.parse(text.toString()) as JWK
}
