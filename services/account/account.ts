import type { AccountView } from '@timesale/contracts/account-api'
import { NO_ACCOUNTS } from '@timesale/contracts/fields'
import { Refusal } from '@timesale/contracts/refusals'
import { ROLES, type Role } from '@timesale/contracts/roles'

/** Who somebody is, with what others may see of it. */
export interface Account {
  readonly accountId: string
  readonly email: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly createdAt: string
  /** An operator took that role away and has not given it back. */
  readonly sellerWasTaken: boolean
}

const PASSWORD_MIN = 8
const PASSWORD_MAX = 200
/** RFC 5321, 4.5.3.1: a path of 256 octets with its angle brackets, 64 before the `@`. */
const EMAIL_MAX_BYTES = 254
const LOCAL_PART_MAX_BYTES = 64
const EMAIL = /^(?<local>[^\s\p{C}@"<>(),:;\\]+)@(?:[\p{L}\p{M}\p{N}-]+\.)+[\p{L}\p{M}\p{N}-]+$/u

/**
 * One writing for each address: Unicode NFC, no space around it, lower case. Also before the `@`, where hardly any
 * provider tells `A` from `a`, and two accounts that only differ there would serve those who want to be mistaken.
 * Undefined for what is no address; those whose local part is quoted are none here.
 */
export function normaliseEmail(text: string): string | undefined {
  const email = text.normalize('NFC').trim().toLowerCase().normalize('NFC')
  const local = EMAIL.exec(email)?.groups?.['local']
  if (local === undefined || Buffer.byteLength(local) > LOCAL_PART_MAX_BYTES) return undefined
  return Buffer.byteLength(email) > EMAIL_MAX_BYTES ? undefined : email
}

/** Throws `invalid-request` for `email`. */
export function checkEmail(text: string): string {
  const email = normaliseEmail(text)
  if (email === undefined) throw invalid('email', 'is not an e-mail address')
  return email
}

/** The same password however a keyboard writes it: RFC 8265, OpaqueString (spaces are one, and NFC). */
export function normalisePassword(text: string): string {
  return text.replaceAll(/\p{Zs}/gu, ' ').normalize('NFC')
}

/** Throws `invalid-request` for `password`, without a word of what it is. */
export function checkPassword(text: string): string {
  const password = normalisePassword(text)
  const { length } = Array.from(password)
  if (length < PASSWORD_MIN || length > PASSWORD_MAX) {
    throw invalid('password', `must have ${PASSWORD_MIN} to ${PASSWORD_MAX} characters`)
  }
  if (/\p{Cc}/u.test(password)) throw invalid('password', 'must have no control characters')
  return password
}

/** Throws `invalid-request` for `accountId`. */
export function checkAccountId(accountId: string): void {
  if (NO_ACCOUNTS.has(accountId)) throw invalid('accountId', 'is reserved for those who are not logged in')
}

/** In the order of contracts/roles.ts, each once. */
export function inOrder(roles: readonly Role[]): Role[] {
  return ROLES.filter((role) => roles.includes(role))
}

/** What a key may do: what it was made for, as far as its account still may. */
export function commonRoles(some: readonly Role[], others: readonly Role[]): Role[] {
  return inOrder(some.filter((role) => others.includes(role)))
}

/** Throws `forbidden`: nobody can give away what they do not have. */
export function checkOwnRoles(wanted: readonly Role[], own: readonly Role[]): void {
  if (!wanted.every((role) => own.includes(role))) throw new Refusal('forbidden')
}

/** Roles of whoever wishes to sell. Throws `forbidden` where they may not even buy, or an operator took that role away. */
export function becomeSeller({ roles, sellerWasTaken }: Pick<Account, 'roles' | 'sellerWasTaken'>): Role[] {
  const mayAsk = roles.includes('buyer') || roles.includes('operator')
  if (!roles.includes('seller') && (!mayAsk || sellerWasTaken)) throw new Refusal('forbidden')
  return inOrder([...roles, 'seller'])
}

/** True where tokens that were signed before say more than is true now. */
export function takesAway(before: readonly Role[], after: readonly Role[]): boolean {
  return !before.every((role) => after.includes(role))
}

/** What the account and operators may see of it. */
export function viewOf({ accountId, email, name, roles, createdAt }: Account): AccountView {
  return { accountId, email, name, roles: [...roles], createdAt }
}

function invalid(field: string, message: string): Refusal {
  return new Refusal('invalid-request', { errors: [{ field, message }] }, `${field} ${message}`)
}
