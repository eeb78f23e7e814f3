import type { Role } from '@timesale/contracts/roles'

/** A refresh token that was not used. */
export const REFRESH_TOKEN_DAYS = 30
/** A session, however often it is refreshed. */
export const SESSION_DAYS = 90
/** Sessions of one account; the oldest ends when there would be one more. */
export const SESSIONS_MAX = 100

/** For what a token is signed: decided in the database, so that nothing that comes later is in it. */
export interface Grant {
  readonly accountId: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly sid: string
  /** It is for a machine, by an API key. */
  readonly isApiKey: boolean
  /** By the database's clock, seconds since the epoch. */
  readonly issuedAtS: number
}

/** What ended, and until when its tokens have to be refused; milliseconds since the epoch. */
export interface RevokedSession {
  readonly sid: string
  readonly untilMs: number
}
