import Type from 'typebox'
import { LogOut, SessionList, SessionParams } from '@timesale/contracts/account-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { callerOf, ownerOf } from '@timesale/identity/principal'
import type { Database } from '@timesale/postgres/database'
import { endAllSessions, endSession, endSessionOf, listSessions } from '../db/sessions.ts'
import type { Revocations } from '../redis/revocations.ts'
import { hashSecret } from '../secret.ts'

const NOTHING = Type.Null({ description: 'No body' })

// GET /sessions, DELETE /sessions/:sessionId, POST /log-out, POST /log-out-everywhere. Who calls is known by an internal
// token without a session in it, so whoever logs out names the session by its refresh token.
export function sessionRoutes(app: HttpServer, { db, revocations }: { db: Database; revocations: Revocations }): void {
  app.get(
    '/sessions',
    {
      schema: {
        summary: 'Where one is logged in',
        tags: ['sessions'],
        response: { 200: SessionList, default: Problem },
      },
    },
    async (request) => ({ sessions: await listSessions(db.sql, callerOf(request.principal)) }),
  )
  app.delete(
    '/sessions/:sessionId',
    {
      schema: {
        summary: 'End a session of one’s own; operators end anybody’s',
        tags: ['sessions'],
        params: SessionParams,
        response: { 204: NOTHING, default: Problem },
      },
    },
    async (request, reply) => {
      const { sessionId } = request.params
      const ended = await endSession(db.write, { sessionId, owner: ownerOf(request.principal) })
      if (ended.length === 0) throw new Refusal('session-not-found', { sessionId })
      await revocations.tell(ended)
      return reply.code(204).send(null)
    },
  )
  app.post(
    '/log-out',
    {
      schema: {
        summary: 'End the session of this refresh token; one that is over, or somebody else’s, changes nothing',
        tags: ['sessions'],
        body: LogOut,
        response: { 204: NOTHING, default: Problem },
      },
    },
    async (request, reply) => {
      const tokenHash = hashSecret(request.body.refreshToken)
      await revocations.tell(await endSessionOf(db.write, { tokenHash, owner: ownerOf(request.principal) }))
      return reply.code(204).send(null)
    },
  )
  app.post(
    '/log-out-everywhere',
    {
      schema: {
        summary: 'End all sessions of one’s own; API keys stay',
        tags: ['sessions'],
        response: { 204: NOTHING, default: Problem },
      },
    },
    async (request, reply) => {
      await revocations.tell(await endAllSessions(db.write, callerOf(request.principal)))
      return reply.code(204).send(null)
    },
  )
}
