import {
  createLocalJWKSet,
  importJWK,
  jwtVerify,
  SignJWT,
  type CryptoKey,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
} from 'jose'
import { Refusal } from '@timesale/contracts/refusals'
import { ROLES, type Role } from '@timesale/contracts/roles'
import { ANONYMOUS, OPEN, type Principal } from './principal.ts'

// What the gateway tells the services about a caller: a token of its own, signed with a key that only it has, and short
// enough to need no revocation. A service believes this and no header beside it.

const ISSUER = 'timesale-gateway'
const AUDIENCE = 'timesale-services'
const TYPE = 'timesale-internal+jwt'
const ALGORITHM = 'EdDSA'
const ANONYMOUS_SUBJECT = 'anonymous'
const LIVES_S = 60
/** Signed anew when less than this is left of it. */
const LEFT_MIN_MS = 20_000
const CLOCK_TOLERANCE_S = 5
/** Tokens remembered by each side; beyond it all are forgotten, and signed or verified again. */
const REMEMBERED_MAX = 20_000

interface Remembered<Value> {
  readonly value: Value
  readonly until: number
}

/** Signs tokens for the services; the same one for the same caller while there is enough left of it. */
export class InternalSigner {
  readonly #jwk: JWK
  readonly #tokens = new Map<string, Remembered<string>>()
  #key: Promise<CryptoKey | Uint8Array> | undefined

  /** `jwk` is a private Ed25519 key (RFC 8037) with a `kid`. */
  constructor(jwk: JWK) {
    this.#jwk = jwk
  }

  async sign(principal: Principal): Promise<string> {
    const subject = principal.kind === 'account' ? principal.accountId : ANONYMOUS_SUBJECT
    const claims = claimsOf(principal)
    const about = JSON.stringify([subject, claims])
    const known = this.#tokens.get(about)
    if (known !== undefined && known.until > Date.now()) return known.value
    this.#key ??= importJWK(this.#jwk, ALGORITHM)
    const issuedAt = Math.floor(Date.now() / 1000)
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, ...(this.#jwk.kid === undefined ? {} : { kid: this.#jwk.kid }) })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(subject)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + LIVES_S)
      .sign(await this.#key)
    if (this.#tokens.size >= REMEMBERED_MAX) this.#tokens.clear()
    this.#tokens.set(about, { value: token, until: (issuedAt + LIVES_S) * 1000 - LEFT_MIN_MS })
    return token
  }
}

/** How a service takes those who call it. */
export interface InboundAuth {
  /** `open`: who brings no token may do everything. `token`: everybody needs one. A wrong one is refused in both. */
  readonly mode: 'open' | 'token'
  /** The gateway's public keys (a JWKS, RFC 7517); absent, no token is believed. */
  readonly keys: JSONWebKeySet | undefined
}

/** Tells who calls by the `authorization` header; throws `unauthenticated`. At once where the token was seen before. */
export class InternalVerifier {
  readonly #mode: InboundAuth['mode']
  readonly #keys: ReturnType<typeof createLocalJWKSet> | undefined
  readonly #seen = new Map<string, Remembered<Principal>>()

  constructor(auth: InboundAuth) {
    this.#mode = auth.mode
    this.#keys = auth.keys === undefined ? undefined : createLocalJWKSet(auth.keys)
  }

  verify(authorization: string | undefined): Principal | Promise<Principal> {
    if (authorization === undefined) {
      if (this.#mode === 'open') return OPEN
      throw new Refusal('unauthenticated')
    }
    const seen = this.#seen.get(authorization)
    if (seen !== undefined && seen.until > Date.now()) return seen.value
    return this.#verify(authorization)
  }

  async #verify(authorization: string): Promise<Principal> {
    const token = /^Bearer ([A-Za-z0-9_.-]{1,2048})$/.exec(authorization)?.[1]
    if (token === undefined || this.#keys === undefined) throw new Refusal('unauthenticated')
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: AUDIENCE,
        typ: TYPE,
        requiredClaims: ['sub', 'exp', 'iat'],
        clockTolerance: CLOCK_TOLERANCE_S,
      })
      const principal = principalOf(payload)
      if (this.#seen.size >= REMEMBERED_MAX) this.#seen.clear()
      this.#seen.set(authorization, { value: principal, until: (payload.exp ?? 0) * 1000 })
      return principal
    } catch {
      throw new Refusal('unauthenticated')
    }
  }
}

function claimsOf(principal: Principal): JWTPayload {
  if (principal.kind !== 'account') return { roles: [] }
  const { roles, sid, isApiKey } = principal
  return { roles: [...roles], ...(sid === undefined ? {} : { sid }), ...(isApiKey === true ? { api_key: true } : {}) }
}

function principalOf({ sub = '', roles, sid, api_key: isApiKey }: JWTPayload): Principal {
  if (sub === ANONYMOUS_SUBJECT) return ANONYMOUS
  const known = (Array.isArray(roles) ? roles : []).filter((role): role is Role => ROLES.includes(role as Role))
  return {
    ...{ kind: 'account', accountId: sub, roles: known },
    ...(typeof sid === 'string' ? { sid } : {}),
    ...(isApiKey === true ? { isApiKey } : {}),
  }
}
