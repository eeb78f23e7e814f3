import { Refusal } from '@timesale/contracts/refusals'
import type { Reply, Request } from '@timesale/http/server'
import type { Admission } from '../admission/admit.ts'
import { withDoor } from '../admission/described-doors.ts'

type Hook = (request: Request, reply: Reply) => Promise<void>

/** `onRequest` hooks of the console's routes. Everything is for operators. */
export interface ConsoleDoor {
  readonly toLook: Hook
  /** For whatever changes anything: also `read-only`, and `foreign-host` on a local start. */
  readonly toAct: Hook
}

export interface ConsoleDoorOptions {
  readonly admission: Admission
  /** Whether anything may be changed here. */
  readonly actions: boolean
  /** A local start, whose people have passwords that everybody knows. */
  readonly isLocal: boolean
}

export function consoleDoor({ admission, actions, isLocal }: ConsoleDoorOptions): ConsoleDoor {
  const admitted = { class: 'browse', token: 'required', role: 'operator' } as const
  const toLook = admission.hookOf(admitted)
  const toAct: Hook = async (request, reply) => {
    await toLook(request, reply)
    if (!actions) throw new Refusal('read-only', { accepted: false })
    if (isLocal && !isLoopback(request.headers.host)) throw new Refusal('foreign-host', { accepted: false })
  }
  return { toLook, toAct: withDoor(toAct, { ...admitted, actions: true }) }
}

/**
 * Whether the caller has called this machine by a name of its own. A page of a stranger can make its own name mean
 * 127.0.0.1, log in with a password that everybody knows, and send what it likes: but it cannot change what it calls us.
 */
export function isLoopback(host: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i.test(host ?? '')
}
