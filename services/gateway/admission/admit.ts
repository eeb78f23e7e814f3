import type { RouteClass } from '@timesale/contracts/gateway-api'
import { Refusal } from '@timesale/contracts/refusals'
import type { Reply, Request } from '@timesale/http/server'
import { ANONYMOUS, requireRole } from '@timesale/identity/principal'
import { addressKey } from '../limits/address.ts'
import { policyHeader, stateHeader } from '../limits/limit.ts'
import type { Limiter, Taken } from '../limits/limiter.ts'
import type { Route } from '../routes.ts'
import { withDoor } from './described-doors.ts'
import { authorizationOf, type AccessTokens, type Bearer } from '../tokens/access-tokens.ts'

export interface AdmissionOptions {
  readonly tokens: AccessTokens
  readonly limiter: Limiter
  readonly onRefused: (reason: 'token' | 'limit', routeClass: RouteClass) => void
}

/** What admission needs to know of a route. */
export type Admitted = Pick<Route, 'class' | 'token' | 'role'>

const SHUT_OUT_MAX = 10_000
const SHUT_OUT_MS = 1_000

/** Who may come in. */
export class Admission {
  readonly #options: AdmissionOptions
  /** Addresses that went over a limit with tokens that nobody believes, until when (`performance.now()`). */
  readonly #shutOut = new Map<string, number>()

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /**
   * A hook before the body is read: lets the request in or throws `unauthenticated`, `rate-limited` or `forbidden`. Sets
   * `request.principal`, and on each answer how much of the limit is left.
   */
  hookOf(route: Admitted): (request: Request, reply: Reply) => Promise<void> {
    const hook = async (request: Request, reply: Reply): Promise<void> => {
      let bearer: Bearer | undefined
      try {
        const found = this.#bearerOf(route, request)
        bearer = found instanceof Promise ? await found : found
      } catch (error) {
        await this.#countRefused(route, request, reply)
        throw this.#refused(route, reply, error)
      }
      const { isRevoked } = await this.#count(route, reply, countedAs(route.class, request, bearer), bearer?.sessionId)
      if (isRevoked) {
        await this.#countRefused(route, request, reply)
        throw this.#refused(route, reply, new Refusal('unauthenticated'))
      }
      request.principal = bearer?.principal ?? ANONYMOUS
      if (route.role !== undefined) requireRole(request.principal, route.role)
    }
    return withDoor(hook, route)
  }

  #bearerOf(route: Admitted, request: Request): Bearer | undefined | Promise<Bearer> {
    if (route.token === 'none') return undefined
    const authorization = authorizationOf(request.raw.rawHeaders)
    if (authorization === undefined) {
      if (route.token === 'required') throw new Refusal('unauthenticated')
      return undefined
    }
    const known = this.#options.tokens.recall(authorization)
    if (known !== undefined) return known
    // Looking at a token costs more than refusing it: whoever sends bad ones by the thousand is spared the look.
    // Theirs may be a good one, so it is not called a bad one.
    if ((this.#shutOut.get(addressKey(request.ip)) ?? 0) > performance.now()) throw rateLimited()
    return this.#options.tokens.verify(authorization)
  }

  async #countRefused(route: Admitted, request: Request, reply: Reply): Promise<void> {
    try {
      await this.#count(route, reply, countedAs(route.class, request, undefined), undefined)
    } catch (error) {
      if (this.#shutOut.size >= SHUT_OUT_MAX) this.#shutOut.clear()
      this.#shutOut.set(addressKey(request.ip), performance.now() + SHUT_OUT_MS)
      throw error
    }
  }

  async #count(route: Admitted, reply: Reply, who: string, sessionId: string | undefined): Promise<Taken> {
    const taken = await this.#options.limiter.take(route.class, who, sessionId)
    void reply.header('ratelimit-policy', policyHeader(route.class, taken.limit))
    void reply.header('ratelimit', stateHeader(route.class, taken.limit, taken))
    if (taken.spent <= taken.limit.points) return taken
    this.#options.onRefused('limit', route.class)
    void reply.header('retry-after', String(Math.max(1, Math.ceil(taken.leftMs / 1000))))
    throw rateLimited()
  }

  #refused(route: Admitted, reply: Reply, error: unknown): unknown {
    this.#options.onRefused('token', route.class)
    // RFC 9110, 11.6.1: a 401 says what would be taken.
    if (error instanceof Refusal && error.code === 'unauthenticated') void reply.header('www-authenticate', 'Bearer')
    if (error instanceof Refusal && error.code === 'rate-limited') void reply.header('retry-after', '1')
    return error
  }
}

function rateLimited(): Refusal {
  return new Refusal('rate-limited', { accepted: false })
}

/** Where an account is what is being asked for, each address is counted; elsewhere the account, if there is one. */
export function isByAccount(routeClass: RouteClass, bearer: unknown): boolean {
  return bearer !== undefined && routeClass !== 'credentials'
}

/** Told apart by what an account id cannot begin with. */
export function accountKey(accountId: string): string {
  return `@${accountId}`
}

function countedAs(routeClass: RouteClass, request: Request, bearer: Bearer | undefined): string {
  return bearer !== undefined && isByAccount(routeClass, bearer)
    ? accountKey(bearer.principal.accountId)
    : addressKey(request.ip)
}
