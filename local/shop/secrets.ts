import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { readJson, writeJson, type DataFolder } from './data-folder.ts'

/** What the parts of a local shop keep from everybody else; made once for each data folder. */
export interface Secrets {
  /** A private Ed25519 key as a JSON Web Key: the gateway signs with it what it tells the services. */
  readonly gatewaySigningKey: string
  /** Its public half, as a JSON Web Key Set. */
  readonly internalKeys: string
  /** 32 bytes in base64url: the account service encrypts with it what it must keep and nobody may read. */
  readonly accountKeySecret: string
  /** Of the configuration server, which hands out all of these. */
  readonly configPassword: string
}

/** Those of the folder. What an older version of the shop did not have yet is added; what is there stays. */
export function openSecrets(folder: DataFolder): Secrets {
  const kept = (readJson(folder.secrets) ?? {}) as Partial<Secrets>
  const { gatewaySigningKey, internalKeys, ...others } = kept
  // Two halves of one pair.
  const pair = gatewaySigningKey === undefined || internalKeys === undefined ? {} : { gatewaySigningKey, internalKeys }
  const secrets = { ...makeSecrets(), ...others, ...pair }
  if (Object.keys(secrets).length > Object.keys(kept).length) writeJson(folder.secrets, secrets, 0o600)
  return secrets
}

export function makeSecrets(): Secrets {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const kid = randomUUID()
  return {
    gatewaySigningKey: JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid }),
    internalKeys: JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' }] }),
    accountKeySecret: randomBytes(32).toString('base64url'),
    configPassword: randomBytes(24).toString('base64url'),
  }
}
