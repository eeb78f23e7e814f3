import { decodeJwt, jwtVerify, type JWTPayload } from 'jose'
import { ID_PATTERN, NO_ACCOUNTS } from '@timesale/contracts/fields'
import { Refusal } from '@timesale/contracts/refusals'
import { ROLES, type Role } from '@timesale/contracts/roles'
import type { Principal } from '@timesale/identity/principal'
import type { AccessKeys } from './access-keys.ts'

/** Who a valid access token speaks for. */
export interface Bearer {
  readonly principal: Principal & { readonly kind: 'account' }
  /** The session it was given in, which may have been ended since. */
  readonly sessionId: string
}

interface Remembered {
  readonly bearer: Bearer
  readonly until: number
}

const TOKEN_BYTES_MAX = 8 * 1024
/** Verifying costs 0.2 ms, and a caller sends the same token for a quarter of an hour. */
const REMEMBERED_MAX = 30_000
const CLOCK_TOLERANCE_S = 5
const AUTHORIZATION = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i
const ID = new RegExp(ID_PATTERN)

/** Believes access tokens (RFC 9068) of the account service, and refuses all else with one and the same `unauthenticated`. */
export class AccessTokens {
  readonly #keys: AccessKeys
  readonly #remembered = new Map<string, Remembered>()

  constructor(keys: AccessKeys) {
    this.#keys = keys
  }

  /** At once where the header was seen before. */
  recall(authorization: string): Bearer | undefined {
    const known = this.#remembered.get(authorization)
    if (known === undefined) return undefined
    if (known.until > Date.now()) return known.bearer
    this.#remembered.delete(authorization)
    return undefined
  }

  /** Throws `unauthenticated`; `upstream-unavailable` where its key is not known and may be a good one. */
  async verify(authorization: string): Promise<Bearer> {
    const token = authorization.length > TOKEN_BYTES_MAX ? undefined : AUTHORIZATION.exec(authorization)?.[1]
    if (token === undefined) throw new Refusal('unauthenticated')
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => this.#keyOf(kid), {
        algorithms: ['EdDSA'],
        issuer: 'timesale-account',
        audience: 'timesale',
        typ: 'at+jwt',
        requiredClaims: ['sub', 'sid', 'iat', 'exp', 'jti'],
        clockTolerance: CLOCK_TOLERANCE_S,
      })
      const bearer = bearerOf(payload)
      this.#remember(authorization, bearer, (payload.exp ?? 0) * 1000)
      return bearer
    } catch (error) {
      throw error instanceof Refusal ? error : new Refusal('unauthenticated')
    }
  }

  /** A key was withdrawn: whoever was believed by it is judged again. */
  forget(): void {
    this.#remembered.clear()
  }

  async #keyOf(keyId: unknown) {
    if (typeof keyId !== 'string') throw new Refusal('unauthenticated')
    const key = await this.#keys.find(keyId)
    if (key !== undefined) return key
    if (this.#keys.areCurrent) throw new Refusal('unauthenticated')
    throw new Refusal('upstream-unavailable', { upstream: 'account', accepted: false })
  }

  #remember(authorization: string, bearer: Bearer, until: number): void {
    if (this.#remembered.size >= REMEMBERED_MAX) {
      for (const first of this.#remembered.keys()) {
        this.#remembered.delete(first)
        break
      }
    }
    this.#remembered.set(authorization, { bearer, until })
  }
}

// What is signed is the account service's word; still nothing but an id goes on as one.
function bearerOf({ sub, sid, roles, api_key: isApiKey }: JWTPayload): Bearer {
  if (typeof sub !== 'string' || !ID.test(sub) || NO_ACCOUNTS.has(sub)) throw new Refusal('unauthenticated')
  if (typeof sid !== 'string' || sid === '') throw new Refusal('unauthenticated')
  const known = (Array.isArray(roles) ? roles : []).filter((role): role is Role => ROLES.includes(role as Role))
  const principal = { kind: 'account', accountId: sub, roles: known, sid } as const
  return { principal: isApiKey === true ? { ...principal, isApiKey } : principal, sessionId: sid }
}

/** The `authorization` header; undefined where there is none. Throws `unauthenticated` where there are two. */
export function authorizationOf(rawHeaders: readonly string[]): string | undefined {
  let found: string | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    // Looked at for each request: most names are told by their length.
    if (name?.length !== AUTHORIZATION_NAME.length || name.toLowerCase() !== AUTHORIZATION_NAME) continue
    if (found !== undefined) throw new Refusal('unauthenticated')
    found = rawHeaders[index + 1]
  }
  return found
}

const AUTHORIZATION_NAME = 'authorization'

/** Of a token that admission has let in: its session, and when it expires, in milliseconds since the epoch. */
export function sessionOf(rawHeaders: readonly string[]): { sessionId: string; expiresAt: number } {
  const token = decodeJwt<{ sid: string }>(authorizationOf(rawHeaders)?.slice('Bearer '.length) ?? '')
  if (token.exp === undefined) throw new Refusal('unauthenticated')
  return { sessionId: token.sid, expiresAt: token.exp * 1000 }
}
