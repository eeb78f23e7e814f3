import { Refresh, SessionTokens } from '@timesale/contracts/account-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import type { Database } from '@timesale/postgres/database'
import type { Tx } from '@timesale/postgres/sql'
import type { Logger } from '@timesale/telemetry/logger'
import { endSession, lockSessionOf, refreshSession, useRefreshToken } from '../db/sessions.ts'
import type { AccountMetrics } from '../metrics.ts'
import type { Revocations } from '../redis/revocations.ts'
import { hashSecret, makeRefreshToken } from '../secret.ts'
import type { Grant, RevokedSession } from '../session.ts'
import type { SigningKeys } from '../tokens/signing-keys.ts'
import { tokenAnswer } from '../tokens/token-answer.ts'

interface RefreshParts {
  readonly db: Database
  readonly keys: SigningKeys
  readonly revocations: Revocations
  readonly metrics: AccountMetrics
  readonly logger: Logger
}

type Outcome =
  | { readonly kind: 'done'; readonly grant: Grant }
  | { readonly kind: 'not-good' }
  | { readonly kind: 'used-before'; readonly accountId: string; readonly revoked: readonly RevokedSession[] }

// POST /refresh. A refresh token is good once (RFC 9700, 4.14.2). One that comes a second time is in two hands, and
// nobody can say which is the thief's: so the session ends at once. There is no time of grace in which a second use
// would be forgiven, since a thief would use just that; a client refreshes in one place, one refresh after the other.
export function refreshRoute(app: HttpServer, parts: RefreshParts): void {
  app.post(
    '/refresh',
    {
      schema: {
        summary: 'New tokens for a refresh token, which is good once; a second use ends the session',
        tags: ['sessions'],
        body: Refresh,
        response: { 200: SessionTokens, default: Problem },
      },
    },
    async (request) => {
      const { db, keys, revocations, metrics, logger } = parts
      const next = makeRefreshToken()
      const tokenHash = hashSecret(request.body.refreshToken)
      const outcome = await db.tx((tx) => refresh(tx, tokenHash, hashSecret(next)))
      metrics.refreshes.inc({ outcome: outcome.kind })
      if (outcome.kind === 'done') return { ...(await tokenAnswer(keys, outcome.grant)), refreshToken: next }
      if (outcome.kind === 'used-before') {
        logger.warn({ accountId: outcome.accountId }, 'a refresh token came twice; its session has ended')
        await revocations.tell(outcome.revoked)
      }
      throw new Refusal('invalid-refresh-token')
    },
  )
}

// Nothing is thrown in here that is no fault: the end of a stolen session has to be committed.
async function refresh(tx: Tx, tokenHash: Buffer, nextHash: Buffer): Promise<Outcome> {
  const session = await lockSessionOf(tx, tokenHash)
  if (session === undefined || session.isOver) return { kind: 'not-good' }
  const became = await useRefreshToken(tx, tokenHash)
  if (became === 'expired') return { kind: 'not-good' }
  if (became === 'used-before') {
    const revoked = await endSession(tx, { sessionId: session.sessionId, owner: undefined })
    return { kind: 'used-before', accountId: session.accountId, revoked }
  }
  const grant = await refreshSession(tx, session, nextHash)
  return grant === undefined ? { kind: 'not-good' } : { kind: 'done', grant }
}
