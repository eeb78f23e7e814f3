import type { IncomingMessage } from 'node:http'
import { TIMEOUT_HEADER } from '@timesale/contracts/gateway-api'
import { Refusal } from '@timesale/contracts/refusals'
import { nextTraceparent } from '@timesale/telemetry/trace'
import type { HttpServer, Request } from './server.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The W3C trace context of this request's own hop. */
    traceparent: string
    /** When the caller stops waiting, by `performance.now()`; undefined where it does not say. */
    deadline: number | undefined
  }
}

const WHOLE_MS = /^(0|[1-9]\d{0,8})$/
const TWICE = 'is there twice'

/**
 * Reads what every request says of itself, in one hook, since each costs a twentieth of what a small answer does: its trace
 * context; how long the caller still waits (`x-timeout-ms`), 400 where that is no whole number of milliseconds. Refuses what
 * leaves open for whom it is, whose it is or what its body is: no `host` (RFC 9112, 3.2), or `host`, `content-type` or
 * `authorization` twice. Node would take the first and say nothing; a proxy in front may take the last.
 */
export function readHeads(app: HttpServer): void {
  app.decorateRequest('traceparent', '')
  app.decorateRequest('deadline', undefined)
  app.addHook('onRequest', (request, _reply, done) => {
    const traceparent = request.headers['traceparent']
    request.traceparent = nextTraceparent(typeof traceparent === 'string' ? traceparent : undefined)
    const left = request.headers[TIMEOUT_HEADER]
    done(ambiguityOf(request.raw) ?? (left === undefined ? undefined : readDeadline(request, left)))
  })
  // After all that ask who calls: where that is asked, two tokens are a 401 that is counted like any other. And as late as
  // may be: a body takes its time to arrive, and nothing is begun that nobody waits for.
  app.addHook('preHandler', (request, _reply, done) => {
    if (countOf(request.raw, 'authorization') > 1) return done(refused('authorization', TWICE))
    const isOver = request.deadline !== undefined && request.deadline <= performance.now()
    done(isOver ? new Refusal('no-time-left', { accepted: false }) : undefined)
  })
}

function readDeadline(request: Request, left: string | string[]): Refusal | undefined {
  if (typeof left !== 'string' || !WHOLE_MS.test(left))
    return refused(TIMEOUT_HEADER, 'must be a whole number of milliseconds')
  request.deadline = performance.now() + Number(left)
  return undefined
}

function ambiguityOf(raw: IncomingMessage): Refusal | undefined {
  const hosts = countOf(raw, 'host')
  if (hosts === 0 && raw.httpVersion !== '1.0') return refused('host', 'is missing')
  if (hosts > 1) return refused('host', TWICE)
  return countOf(raw, 'content-type') > 1 ? refused('content-type', TWICE) : undefined
}

// Looked at for each request: most names are told by their length.
function countOf({ rawHeaders }: IncomingMessage, name: string): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const one = rawHeaders[index]
    if (one?.length === name.length && one.toLowerCase() === name) count += 1
  }
  return count
}

function refused(field: string, message: string): Refusal {
  return new Refusal('invalid-request', { errors: [{ field, message }] }, `${field} ${message}`)
}
