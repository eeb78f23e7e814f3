import { useSyncExternalStore } from 'react'
import type { SessionTokens } from '@timesale/contracts/account-api'
import type { ConsoleAbout } from '@timesale/contracts/console-api'
import type { Role } from '@timesale/contracts/roles'
import { oneAtATime } from './one-at-a-time.ts'
import { ApiProblem, problemOf } from './problem.ts'

/** On whose behalf a page asks: the operator who looks after the shop, or the buyer whose eyes the shop page has. */
export type Seat = 'operator' | 'buyer'

export interface Session {
  readonly accountId: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly accessToken: string
  readonly refreshToken: string
  /** By this browser's clock. */
  readonly expiresAt: number
}

const ROLE_OF: Readonly<Record<Seat, Role>> = { operator: 'operator', buyer: 'buyer' }
const ANSWER_MS = 10_000
/** Refreshed a little before it ends, so that no request meets it on the way. */
const MARGIN_MS = 30_000

const listeners = new Set<() => void>()
const known = new Map<Seat, { text: string | null; session: Session | undefined }>()

/** Who has the seat, as far as is known; undefined: nobody. */
function sessionOf(seat: Seat): Session | undefined {
  const text = localStorage.getItem(keyOf(seat))
  const last = known.get(seat)
  // The same object for the same text, or React would draw for ever.
  if (last?.text === text) return last.session
  const session = text === null ? undefined : (JSON.parse(text) as Session)
  known.set(seat, { text, session })
  return session
}

export function useSession(seat: Seat): Session | undefined {
  return useSyncExternalStore(
    (changed) => {
      listeners.add(changed)
      // Another tab.
      globalThis.addEventListener('storage', changed)
      return () => {
        listeners.delete(changed)
        globalThis.removeEventListener('storage', changed)
      }
    },
    () => sessionOf(seat),
  )
}

/** Throws `wrong-credentials` and the like. */
export async function logIn(seat: Seat, email: string, password: string): Promise<Session> {
  const session = keep(seat, await post('/api/account/log-in', { email, password }))
  if (!session.roles.includes(ROLE_OF[seat])) {
    await logOut(seat)
    throw new ApiProblem('forbidden', { status: 403 })
  }
  return session
}

export async function logOut(seat: Seat): Promise<void> {
  const session = sessionOf(seat)
  forget(seat)
  if (session === undefined) return
  // Whoever cannot be told forgets it when it ends.
  await fetch('/api/account/log-out', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${session.accessToken}` },
    body: '{}',
    signal: AbortSignal.timeout(ANSWER_MS),
  }).catch(() => undefined)
}

/**
 * A token that is good for some time: the present one, or a new one. On a local start somebody with the role is logged in
 * without being asked. Throws `unauthenticated` where a person has to log in.
 */
export async function accessToken(seat: Seat, refused?: string): Promise<string> {
  const present = goodToken(seat, refused)
  if (present !== undefined) return present
  // A refresh token is good once, so tabs do this one after the other, and the second finds what the first has got.
  const { locks } = navigator as { readonly locks?: LockManager }
  return await oneAtATime(locks, keyOf(seat), async () => {
    const meanwhile = goodToken(seat, refused)
    if (meanwhile !== undefined) return meanwhile
    const session = (await refreshed(seat)) ?? (await localSession(seat))
    if (session === undefined) throw new ApiProblem('unauthenticated', { status: 401 })
    return session.accessToken
  })
}

let about: Promise<ConsoleAbout> | undefined

/** What the gateway says of itself. Asked once; again after a failure. */
export function consoleAbout(): Promise<ConsoleAbout> {
  about ??= fetch('/api/console', { signal: AbortSignal.timeout(ANSWER_MS) })
    .catch((cause: unknown) => {
      throw new ApiProblem('no-connection', { cause })
    })
    .then(async (answer) => {
      if (!answer.ok) throw await problemOf(answer)
      return (await answer.json()) as ConsoleAbout
    })
    .catch((error: unknown) => {
      about = undefined
      throw error
    })
  return about
}

function goodToken(seat: Seat, refused: string | undefined): string | undefined {
  const session = sessionOf(seat)
  if (session === undefined || session.accessToken === refused) return undefined
  return session.expiresAt - MARGIN_MS > Date.now() ? session.accessToken : undefined
}

async function refreshed(seat: Seat): Promise<Session | undefined> {
  const session = sessionOf(seat)
  if (session === undefined) return undefined
  try {
    return keep(seat, await post('/api/account/refresh', { refreshToken: session.refreshToken }))
  } catch (error) {
    if (!(error instanceof ApiProblem) || (error.status !== 400 && error.status !== 401)) throw error
    forget(seat)
    return undefined
  }
}

async function localSession(seat: Seat): Promise<Session | undefined> {
  const { people } = await consoleAbout()
  const person = people.find(({ roles }) => roles.includes(ROLE_OF[seat]))
  return person === undefined ? undefined : await logIn(seat, person.email, person.password)
}

async function post(path: string, body: object): Promise<SessionTokens> {
  let answer: Response
  try {
    answer = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    })
  } catch (cause) {
    throw new ApiProblem('no-connection', { cause })
  }
  if (!answer.ok) throw await problemOf(answer)
  return (await answer.json()) as SessionTokens
}

function keep(seat: Seat, tokens: SessionTokens): Session {
  const session: Session = {
    ...tokens.account,
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    expiresAt: Date.now() + tokens.expiresInSeconds * 1000,
  }
  localStorage.setItem(keyOf(seat), JSON.stringify(session))
  for (const changed of listeners) changed()
  return session
}

function forget(seat: Seat): void {
  localStorage.removeItem(keyOf(seat))
  for (const changed of listeners) changed()
}

function keyOf(seat: Seat): string {
  return `timesale.session.${seat}`
}
