import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Refusal } from '@timesale/contracts/refusals'
import { VIEW_TOKEN_HEADER } from '@timesale/contracts/view-token'
import { PROBLEM_TYPE } from '@timesale/http/problem'
import { callerOf } from '@timesale/identity/principal'
import type { Database } from '@timesale/postgres/database'
import type { Tx } from '@timesale/postgres/sql'
import { idempotently, type Answer, type Outcome } from './idempotently.ts'

/** The headers of a route whose answer comes from `answerOnce`. */
export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      // Visible ASCII, so that no proxy changes it.
      pattern: '^[\\x21-\\x7e]{1,255}$',
      description:
        'Sent again with the same key and body, a request has no second effect and gets the same answer (72 h)',
    }),
  ),
})

export interface OnceOptions {
  readonly db: Database
  /** All that was asked for, parameters of the path too. */
  readonly asked: unknown
  /** The request has no id of its own: an account must bring a key. */
  readonly keyNeeded: boolean
  /** After the commit. */
  readonly onDone: () => void
}

/**
 * Answers a request once for each caller, route and `Idempotency-Key`, as `idempotently` says. Throws
 * `idempotency-key-required` besides, and `unauthenticated` where nobody is logged in.
 */
export async function answerOnce(
  reply: FastifyReply,
  { db, asked, keyNeeded, onDone }: OnceOptions,
  work: (tx: Tx) => Promise<Outcome>,
): Promise<void> {
  const { request } = reply
  const caller = callerOf(request.principal)
  const key = keyOf(request)
  if (key === undefined && keyNeeded && request.principal.kind === 'account') {
    const errors = [{ field: 'idempotency-key', message: 'is missing' }]
    throw new Refusal('idempotency-key-required', { errors, accepted: false })
  }
  const route = `${request.method} ${request.routeOptions.url ?? ''}`
  const answer = await sayWhen(reply, () => idempotently(db, { caller, route, key, asked }, work))
  onDone()
  send(reply, answer)
}

function keyOf(request: FastifyRequest): string | undefined {
  const header = request.headers['idempotency-key']
  return typeof header === 'string' ? header : undefined
}

async function sayWhen(reply: FastifyReply, run: () => Promise<Answer>): Promise<Answer> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof Refusal && error.code === 'request-in-flight') void reply.header('retry-after', '1')
    throw error
  }
}

function send(reply: FastifyReply, { status, text, viewToken, isReplay }: Answer): void {
  if (isReplay) void reply.header('idempotency-replayed', 'true')
  if (viewToken !== undefined) void reply.header(VIEW_TOKEN_HEADER, viewToken)
  void reply
    .code(status)
    .type(status >= 400 ? PROBLEM_TYPE : 'application/json; charset=utf-8')
    .send(text)
}
