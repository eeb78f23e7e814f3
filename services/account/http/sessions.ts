import Type from 'typebox'
import { LogOut, SessionList, SessionParams } from '@timesale/contracts/account-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from '@timesale/http/server'
import { callerOf, ownerOf, requirePerson } from '@timesale/identity/principal'
import type { Database } from '@timesale/postgres/database'
import { endAllSessions, endSession, endSessionOf, listSessions } from '../db/sessions.ts'
import type { Revocations } from '../redis/revocations.ts'
import { hashSecret } from '../secret.ts'

const NOTHING = Type.Null({ description: 'No body' })

// GET /sessions, DELETE /sessions/:sessionId, POST /log-out, POST /log-out-everywhere: for people, and not for API keys.
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
    async (request) => {
      requirePerson(request.principal)
      return { sessions: await listSessions(db.sql, callerOf(request.principal)) }
    },
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
      requirePerson(request.principal)
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
        summary: 'End the session that the access token is of, and that of one’s refresh token where there is one',
        tags: ['sessions'],
        body: LogOut,
        response: { 204: NOTHING, default: Problem },
      },
      // There may be no body.
      preValidation: (request, _reply, done) => {
        request.body ??= {}
        done()
      },
    },
    async (request, reply) => {
      const { principal, body } = request
      requirePerson(principal)
      const sid = principal.kind === 'account' ? principal.sid : undefined
      if (sid === undefined && body.refreshToken === undefined) throw refreshTokenMissing()
      const tokenHash = body.refreshToken === undefined ? undefined : hashSecret(body.refreshToken)
      await revocations.tell(await endSessionOf(db.write, { sid, tokenHash, owner: ownerOf(principal) }))
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
      requirePerson(request.principal)
      await revocations.tell(await endAllSessions(db.write, callerOf(request.principal)))
      return reply.code(204).send(null)
    },
  )
}

function refreshTokenMissing(): Refusal {
  const errors = [{ field: 'refreshToken', message: 'is missing, and no session is known of the caller' }]
  return new Refusal('invalid-request', { errors })
}
