import { Refusal } from '@timesale/contracts/refusals'
import type { Role } from '@timesale/contracts/roles'

/** On whose behalf a request is made. */
export type Principal =
  /** Nobody is logged in, and nobody needs to be: a local shop on loopback. May do everything. */
  | { readonly kind: 'open' }
  /** Came through the gateway without a token. */
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'account'
      readonly accountId: string
      readonly roles: readonly Role[]
      /** The session as its access tokens call it; absent where a service is called for nobody's session. */
      readonly sid?: string
      /** A machine that has an API key of the account: it does not manage the account. */
      readonly isApiKey?: true
    }

export const OPEN: Principal = { kind: 'open' }
export const ANONYMOUS: Principal = { kind: 'anonymous' }

export function isOperator(principal: Principal): boolean {
  return principal.kind === 'open' || (principal.kind === 'account' && principal.roles.includes('operator'))
}

/**
 * Whom things belong to: an account id, or undefined for those who may see everybody's. Throws `unauthenticated`
 * where nobody is logged in.
 */
export function ownerOf(principal: Principal): string | undefined {
  if (principal.kind === 'anonymous') throw new Refusal('unauthenticated')
  return principal.kind === 'open' || isOperator(principal) ? undefined : principal.accountId
}

/** Throws `unauthenticated` or `forbidden`. Operators may do what everybody may. */
export function requireRole(principal: Principal, role: Role): void {
  if (principal.kind === 'anonymous') throw new Refusal('unauthenticated')
  if (isOperator(principal)) return
  if (principal.kind === 'account' && principal.roles.includes(role)) return
  throw new Refusal('forbidden')
}

/** Throws `forbidden` for an API key: what manages an account would outlive the key, or take the account over. */
export function requirePerson(principal: Principal): void {
  if (principal.kind === 'account' && principal.isApiKey === true) throw new Refusal('forbidden')
}

/** One name for each caller: the account, or `open`. Throws `unauthenticated` where nobody is logged in. */
export function callerOf(principal: Principal): string {
  if (principal.kind === 'anonymous') throw new Refusal('unauthenticated')
  return principal.kind === 'open' ? 'open' : principal.accountId
}
