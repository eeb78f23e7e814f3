import { KEYS_FETCHED_EVERY_S, SigningKeyView } from '@timesale/contracts/account-api'
import { Problem } from '@timesale/contracts/problem'
import type { HttpServer } from '@timesale/http/server'
import { answerOnce, IdempotencyHeaders } from '@timesale/idempotency/answer-once'
import { requireRole } from '@timesale/identity/principal'
import type { Database } from '@timesale/postgres/database'
import type { SigningKeys } from '../tokens/signing-keys.ts'

// GET /.well-known/jwks.json, for everybody who verifies; POST /signing-keys, for operators.
export function signingKeyRoutes(app: HttpServer, { db, keys }: { db: Database; keys: SigningKeys }): void {
  // Hidden from the documents, by which it needs no token either.
  app.get('/.well-known/jwks.json', { schema: { hide: true } }, async (_request, reply) => {
    void reply.header('cache-control', `public, max-age=${KEYS_FETCHED_EVERY_S}`)
    return await keys.jwks()
  })
  app.post(
    '/signing-keys',
    {
      schema: {
        summary: 'A new key, published now; `signsFrom` says when it takes over from the one before (operators)',
        tags: ['operators'],
        headers: IdempotencyHeaders,
        response: { 201: SigningKeyView, default: Problem },
      },
    },
    async (request, reply) => {
      requireRole(request.principal, 'operator')
      // Nobody needs to hear of it: each replica looks once a second which key signs.
      await answerOnce(reply, { db, asked: {}, keyNeeded: true, onDone: () => undefined }, async (tx) => ({
        status: 201,
        body: await keys.rotate(tx),
      }))
      return reply
    },
  )
}
