import { importJWK, type CryptoKey, type JWK } from 'jose'
import { KEYS_FETCHED_EVERY_S } from '@timesale/contracts/account-api'
import { within } from '@timesale/process/deadline'
import type { Logger } from '@timesale/telemetry/logger'

export type AccessKey = CryptoKey

/** The keys that the account service publishes (RFC 7517), as text. Throws where it does not answer. */
export type FetchKeys = () => Promise<string>

const FETCH_WITHIN_MS = 2_000
/** From the end of one fetch to the begin of the next, so that no key is old enough to sign before it was seen. */
const REFRESH_EVERY_MS = KEYS_FETCHED_EVERY_S * 1_000 - FETCH_WITHIN_MS
/** After a fetch that failed: a token of a key that is not known can neither be believed nor refused. */
const FAILED_EVERY_MS = 1_000
const UNKNOWN_EVERY_MS = 5_000

/**
 * Keys that access tokens are signed with. Those that were seen stay while the account service is away; those that it
 * no longer publishes go, and `onGone` is told.
 */
export class AccessKeys {
  readonly #fetchKeys: FetchKeys
  readonly #logger: Logger
  readonly #onGone: () => void
  #keys: ReadonlyMap<string, AccessKey> = new Map()
  #fetching: Promise<void> | undefined
  #fetchedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #areCurrent = false
  #isClosed = false

  constructor(options: { fetchKeys: FetchKeys; logger: Logger; onGone: () => void }) {
    this.#fetchKeys = options.fetchKeys
    this.#logger = options.logger
    this.#onGone = options.onGone
  }

  /** Whether any was ever seen. */
  get areKnown(): boolean {
    return this.#keys.size > 0
  }

  /** Whether the last fetch brought them: a key that is not among them is then nobody's, since each is published first. */
  get areCurrent(): boolean {
    return this.#areCurrent
  }

  start(): void {
    void this.#refresh().then(() => {
      if (this.#isClosed) return
      this.#timer = setTimeout(() => this.start(), this.areCurrent ? REFRESH_EVERY_MS : FAILED_EVERY_MS)
    })
  }

  stop(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  /** At once where it is known; else it is asked for, at most every 5 seconds, since anybody can make up a key id. */
  find(keyId: string): AccessKey | undefined | Promise<AccessKey | undefined> {
    const known = this.#keys.get(keyId)
    if (known !== undefined) return known
    if (this.#fetching === undefined && performance.now() - this.#fetchedAt < UNKNOWN_EVERY_MS) return undefined
    return this.#refresh().then(() => this.#keys.get(keyId))
  }

  #refresh(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined
      this.#fetchedAt = performance.now()
    })
    return this.#fetching
  }

  async #fetch(): Promise<void> {
    try {
      const text = await within(FETCH_WITHIN_MS, this.#fetchKeys(), () => new Error('The keys came too late'))
      const keys = await readKeys(text)
      // An answer without a key is a fault of whoever answers, and would lock everybody out.
      if (keys.size === 0) throw new Error('No Ed25519 key is among the keys')
      const areGone = [...this.#keys.keys()].some((keyId) => !keys.has(keyId))
      this.#keys = keys
      this.#areCurrent = true
      if (areGone) this.#onGone()
    } catch (error) {
      this.#areCurrent = false
      this.#logger.debug({ err: error }, 'account: its keys were not to be had')
    }
  }
}

async function readKeys(text: string): Promise<Map<string, AccessKey>> {
  const { keys } = JSON.parse(text) as { keys: JWK[] }
  const found = new Map<string, AccessKey>()
  for (const jwk of keys) {
    if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || typeof jwk.kid !== 'string') continue
    if (jwk.use !== undefined && jwk.use !== 'sig') continue
    // Only what is public is taken in, whatever else stands there.
    const key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x: jwk.x ?? '' }, 'EdDSA')
    if (!(key instanceof Uint8Array)) found.set(jwk.kid, key)
  }
  return found
}
