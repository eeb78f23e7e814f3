import { SigningKeyView } from '@timesale/contracts/account-api'
import { Problem } from '@timesale/contracts/problem'
import type { HttpServer } from '@timesale/http/server'
import { requireRole } from '@timesale/identity/principal'
import type { SigningKeys } from '../tokens/signing-keys.ts'

// GET /.well-known/jwks.json, for everybody who verifies; POST /signing-keys, for operators.
export function signingKeyRoutes(app: HttpServer, { keys }: { keys: SigningKeys }): void {
  // Hidden from the documents, by which it needs no token either.
  app.get('/.well-known/jwks.json', { schema: { hide: true } }, async (_request, reply) => {
    void reply.header('cache-control', 'public, max-age=60')
    return await keys.jwks()
  })
  app.post(
    '/signing-keys',
    {
      schema: {
        summary: 'A new key signs from now on; the one before verifies until its tokens are over (operators)',
        tags: ['operators'],
        response: { 201: SigningKeyView, default: Problem },
      },
    },
    async (request, reply) => {
      requireRole(request.principal, 'operator')
      return reply.code(201).send(await keys.rotate())
    },
  )
}
