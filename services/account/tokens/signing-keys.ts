import { importJWK, SignJWT, type CryptoKey, type JSONWebKeySet } from 'jose'
import { ACCESS_TOKEN_S, type SigningKeyView } from '@timesale/contracts/account-api'
import type { Database } from '@timesale/postgres/database'
import type { Tx } from '@timesale/postgres/sql'
import { addSigningKey, findSigningKey, listPublicKeys, lockSigningKeys, type SealedKey } from '../db/signing-keys.ts'
import type { Grant } from '../session.ts'
import { makeSigningKey, seal, unseal } from '../signing-key.ts'

const ISSUER = 'timesale-account'
const AUDIENCE = 'timesale'
/** RFC 9068, 2.1 */
const TYPE = 'at+jwt'
const ALGORITHM = 'EdDSA'

const WRONG_SECRET =
  'the key was encrypted under another ACCOUNT_KEY_SECRET; give that one back, or make a new key, which signs soon: POST /signing-keys'

interface OpenKey {
  readonly kid: string
  readonly key: CryptoKey | Uint8Array
}

/** The keys that sign access tokens: in the database, one that signs at a time, made when there is none or it is old. */
export class SigningKeys {
  readonly #db: Database
  readonly #secret: Buffer
  #current: OpenKey | undefined
  #failure: string | undefined

  constructor(options: { db: Database; secret: Buffer }) {
    this.#db = options.db
    this.#secret = options.secret
  }

  /** Why nothing can be signed, in words for an operator. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Throws what the database throws, and where the key was sealed under another secret. */
  async sign(grant: Grant): Promise<string> {
    const { kid, key } = this.#current ?? (await this.refresh())
    const { sid, roles, isApiKey } = grant
    return await new SignJWT({ sid, roles: [...roles], ...(isApiKey ? { api_key: true } : {}) })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(grant.accountId)
      .setIssuedAt(grant.issuedAtS)
      .setExpirationTime(grant.issuedAtS + ACCESS_TOKEN_S)
      .setJti(crypto.randomUUID())
      .sign(key)
  }

  /** Looks which key signs now: the turn of a new one may have come, or it is time to make one. */
  async refresh(): Promise<OpenKey> {
    const found = await findSigningKey(this.#db.sql)
    const sealed = found === undefined || found.isDue ? await this.#makeIfDue() : found
    if (sealed.kid === this.#current?.kid) return this.#current
    const opened = await this.#open(sealed)
    this.#current = opened
    return opened
  }

  /** A new key is published from now on and signs soon; the one before signs until then, and goes on verifying. */
  async rotate(tx: Tx): Promise<SigningKeyView> {
    await lockSigningKeys(tx)
    const key = makeSigningKey()
    return await addSigningKey(tx, key, seal(key, this.#secret))
  }

  /** The public keys (RFC 7517), from the database: what one replica signs with now, each of them can tell. */
  async jwks(): Promise<JSONWebKeySet> {
    const keys = await listPublicKeys(this.#db.sql)
    if (keys.length > 0) return { keys }
    await this.refresh()
    return { keys: await listPublicKeys(this.#db.sql) }
  }

  // Replicas that start together wait for each other here, and all but one find a key.
  async #makeIfDue(): Promise<SealedKey> {
    return await this.#db.tx(async (tx) => {
      await lockSigningKeys(tx)
      const found = await findSigningKey(tx)
      if (found !== undefined && !found.isDue) return found
      const key = makeSigningKey()
      const sealed = seal(key, this.#secret)
      await addSigningKey(tx, key, sealed)
      return found ?? { kid: key.kid, sealed, isDue: false }
    })
  }

  async #open({ kid, sealed }: SealedKey): Promise<OpenKey> {
    try {
      const key = await importJWK(unseal(kid, sealed, this.#secret), ALGORITHM)
      this.#failure = undefined
      return { kid, key }
    } catch (error) {
      // What signed until now would go on signing with a key that is retired.
      this.#current = undefined
      this.#failure = WRONG_SECRET
      throw new Error(WRONG_SECRET, { cause: error })
    }
  }
}
