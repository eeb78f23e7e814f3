import type { RouteClass } from '@timesale/contracts/gateway-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import { VIEW_TOKEN_HEADER } from '@timesale/contracts/view-token'
import type { HttpServer, Reply, Request } from '@timesale/http/server'
import type { Admission } from '../admission/admit.ts'
import { pathThere, type Route, type UpstreamName } from '../routes.ts'
import type { InternalTokens } from '../tokens/internal-tokens.ts'
import type { Answer } from '../upstreams/call.ts'
import type { Upstream } from '../upstreams/upstream.ts'

export interface PassOnOptions {
  readonly admission: Admission
  readonly internalTokens: InternalTokens
  readonly upstreams: Readonly<Record<UpstreamName, Upstream>>
}

/** Accepting an order may try the database for seconds before it says no, and a password is hashed in turn. */
const TIMEOUTS_MS: Readonly<Record<RouteClass, number>> = {
  browse: 3_000,
  orders: 8_000,
  write: 3_000,
  account: 3_000,
  credentials: 8_000,
}

/** All others stay here: those of the connection, and those that could be taken for ours. */
const REQUEST_HEADERS = [
  'content-type',
  'accept',
  'accept-language',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'view-token',
  'last-event-id',
] as const

const ANSWER_HEADERS = [
  'content-type',
  'content-language',
  'etag',
  'last-modified',
  'retry-after',
  'view-token',
  'view-as-of',
  'idempotency-replayed',
] as const

const NO_BODY = new Set([204, 304])

/** Passes requests of the table on, body and answer byte by byte as they are. */
export function passOnRoutes(app: HttpServer, routes: readonly Route[], options: PassOnOptions): void {
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path,
      schema: { summary: route.summary, tags: [route.upstream], response: { '4xx': Problem, '5xx': Problem } },
      onRequest: options.admission.hookOf(route),
      handler(request, reply) {
        passOn(route, options, request, reply).catch(failed(reply))
      },
    })
  }
}

function failed(reply: Reply): (error: unknown) => void {
  return (error) => void reply.send(error)
}

async function passOn(route: Route, options: PassOnOptions, request: Request, reply: Reply): Promise<void> {
  const path = pathThere(route, request.raw.url ?? '')
  if (path === undefined) throw new Refusal('not-found')
  const signed = options.internalTokens.headerFor(request.principal)
  const headers = requestHeaders(request, typeof signed === 'string' ? signed : await signed)
  const answer = await options.upstreams[route.upstream].request({
    method: request.method,
    path,
    headers,
    body: request.body as Buffer | undefined,
    deadline: performance.now() + TIMEOUTS_MS[route.class],
    callerDeadline: request.deadline,
    idempotent: mayBeRepeated(route, request),
    // With a token of a view it waits for what the token names.
    isPatient: request.headers[VIEW_TOKEN_HEADER] !== undefined,
  })
  give(reply, answer)
}

function mayBeRepeated({ idempotent }: Route, request: Request): boolean {
  return idempotent === 'with-key' ? request.headers['idempotency-key'] !== undefined : idempotent
}

function requestHeaders(request: Request, authorization: string): string[] {
  const headers = ['authorization', authorization, 'traceparent', request.traceparent]
  const given = request.headers
  for (const name of REQUEST_HEADERS) {
    const value = given[name]
    if (typeof value === 'string') headers.push(name, value)
  }
  return headers
}

function give(reply: Reply, { status, headers, body }: Answer): void {
  void reply.code(status)
  for (const name of ANSWER_HEADERS) {
    const value = headers[name]
    if (value !== undefined) void reply.header(name, value)
  }
  // What is meant for one caller is kept by nobody in between, unless the service says so.
  void reply.header('cache-control', headers['cache-control'] ?? 'no-store')
  void reply.send(NO_BODY.has(status) || body.length === 0 ? undefined : body)
}
