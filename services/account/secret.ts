import { createHash, randomBytes } from 'node:crypto'

const BYTES = 32
const KEY_PREFIX = 'timesale_'

/** 256 random bits: nobody guesses them, so a plain hash is enough to keep them by. */
export function makeRefreshToken(): string {
  return randomBytes(BYTES).toString('base64url')
}

/** The same, with a name in front by which people and scanners of repositories know what they have found. */
export function makeApiKey(): string {
  return KEY_PREFIX + randomBytes(BYTES).toString('base64url')
}

export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
