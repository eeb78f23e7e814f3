import { randomUUID } from 'node:crypto'
import { LogIn, SessionTokens } from '@timesale/contracts/account-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import type { Database } from '@timesale/postgres/database'
import { normaliseEmail, normalisePassword } from '../account.ts'
import { findCredentials } from '../db/accounts.ts'
import { endOldestSessions, insertSession } from '../db/sessions.ts'
import type { AccountMetrics } from '../metrics.ts'
import type { PasswordHasher } from '../password-hasher.ts'
import type { Revocations } from '../redis/revocations.ts'
import { hashSecret, makeRefreshToken } from '../secret.ts'
import type { SigningKeys } from '../tokens/signing-keys.ts'
import { tokenAnswer } from '../tokens/token-answer.ts'

interface LogInParts {
  readonly db: Database
  readonly hasher: PasswordHasher
  readonly keys: SigningKeys
  readonly revocations: Revocations
  readonly metrics: AccountMetrics
}

// POST /log-in. Every reason to refuse has the same answer after the same work: what is no address, or belongs to
// nobody, is compared with a hash that nobody knows a password of.
export function logInRoute(app: HttpServer, parts: LogInParts): void {
  app.post(
    '/log-in',
    {
      schema: {
        summary: 'Begin a session',
        tags: ['sessions'],
        body: LogIn,
        response: { 200: SessionTokens, default: Problem },
      },
    },
    async (request) => {
      const { email, password } = request.body
      const accountId = await checkCredentials(parts, email, password)
      const refreshToken = makeRefreshToken()
      const { grant, ended } = await parts.db.tx(async (tx) => ({
        grant: await insertSession(tx, {
          accountId,
          sessionId: randomUUID(),
          sid: randomUUID(),
          tokenHash: hashSecret(refreshToken),
        }),
        ended: await endOldestSessions(tx, accountId),
      }))
      if (grant === undefined) throw new Refusal('wrong-credentials')
      await parts.revocations.tell(ended)
      const answer = await tokenAnswer(parts.keys, grant)
      parts.metrics.logIns.inc({ outcome: 'done' })
      return { ...answer, refreshToken }
    },
  )
}

async function checkCredentials({ db, hasher, metrics }: LogInParts, text: string, password: string): Promise<string> {
  try {
    const email = normaliseEmail(text)
    const known = await findCredentials(db.sql, email ?? '')
    const fits = await hasher.verify(known?.passwordHash, normalisePassword(password))
    if (fits && known !== undefined) return known.accountId
  } catch (error) {
    metrics.logIns.inc({ outcome: error instanceof Refusal ? error.code : 'failed' })
    throw error
  }
  metrics.logIns.inc({ outcome: 'wrong-credentials' })
  throw new Refusal('wrong-credentials')
}
