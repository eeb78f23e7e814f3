import { TIMEOUT_HEADER } from '@timesale/contracts/gateway-api'
import { Refusal } from '@timesale/contracts/refusals'
import type { HttpServer } from './server.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** When the caller stops waiting, by `performance.now()`; undefined where it does not say. */
    deadline: number | undefined
  }
}

const WHOLE_MS = /^(0|[1-9]\d{0,8})$/

/**
 * Reads how long the caller still waits (`x-timeout-ms`) into `request.deadline`: 400 where it is no whole number of
 * milliseconds, and 503 `no-time-left` in place of beginning what nobody waits for any more.
 */
export function readDeadlines(app: HttpServer): void {
  app.decorateRequest('deadline', undefined)
  app.addHook('onRequest', (request, _reply, done) => {
    const left = request.headers[TIMEOUT_HEADER]
    if (left === undefined) return done()
    if (typeof left !== 'string' || !WHOLE_MS.test(left)) return done(malformed())
    request.deadline = performance.now() + Number(left)
    done()
  })
  // As late as may be: who may not come in is told that first, and a body takes its time to arrive.
  app.addHook('preHandler', (request, _reply, done) => {
    const isOver = request.deadline !== undefined && request.deadline <= performance.now()
    done(isOver ? new Refusal('no-time-left', { accepted: false }) : undefined)
  })
}

function malformed(): Refusal {
  const message = 'must be a whole number of milliseconds'
  const errors = [{ field: TIMEOUT_HEADER, message }]
  return new Refusal('invalid-request', { errors }, `${TIMEOUT_HEADER} ${message}`)
}
