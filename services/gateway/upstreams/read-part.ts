import { REFUSALS, Refusal, type RefusalCode } from '@timesale/contracts/refusals'
import type { Principal } from '@timesale/identity/principal'
import type { InternalTokens } from '../tokens/internal-tokens.ts'
import type { Answer } from './call.ts'
import type { Upstream } from './upstream.ts'

/** On whose behalf something is read. */
export interface Reader {
  readonly principal: Principal
  readonly traceparent: string
  /** When whoever asked us stops waiting, by `performance.now()`. */
  readonly deadline?: number | undefined
}

export interface Wanted<Part> {
  /** The path at the service, with its query. */
  readonly path: string
  /** A schema as `Compile` of typebox makes it. */
  readonly validator: { Check(value: unknown): value is Part }
  /** Until when, by `performance.now()`. */
  readonly deadline: number
}

/** Reads one thing of a service. Throws its refusal, or what the upstream throws; `upstream-failed` for what is neither. */
export async function readPart<Part>(
  upstream: Upstream,
  internalTokens: InternalTokens,
  { principal, traceparent, deadline: callerDeadline }: Reader,
  { path, validator, deadline }: Wanted<Part>,
): Promise<Part> {
  const authorization = await internalTokens.headerFor(principal)
  const answer = await upstream.request({
    method: 'GET',
    path,
    headers: ['authorization', authorization, 'traceparent', traceparent, 'accept', 'application/json'],
    body: undefined,
    deadline,
    callerDeadline,
    idempotent: true,
  })
  const body = parse(answer)
  if (answer.status === 200 && validator.Check(body)) return body
  throw refusalOf(upstream.name, answer.status, body)
}

function parse({ body }: Answer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

// A refusal goes on by its code; what it is about was meant for us, who asked.
function refusalOf(upstream: string, status: number, body: unknown): Refusal {
  const code = (body as { code?: unknown } | null | undefined)?.code
  const isOurs = typeof code === 'string' && Object.hasOwn(REFUSALS, code)
  if (isOurs && REFUSALS[code as RefusalCode].status === status) return new Refusal(code as RefusalCode)
  return new Refusal('upstream-failed', { upstream })
}
