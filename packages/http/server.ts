import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import fastify, {
  LogController,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawServerDefault,
} from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import swagger from '@fastify/swagger'
import type { RefusalCode } from '@timesale/contracts/refusals'
import type { Principal } from '@timesale/identity/principal'
import type { Logger } from '@timesale/telemetry/logger'
import { HotHistogram, type Registry } from '@timesale/telemetry/metrics'
import { traceId } from '@timesale/telemetry/trace'
import type { Health } from './health.ts'
import { takeJson } from './json-body.ts'
import { answerError, at, problem, PROBLEM_TYPE } from './problem.ts'
import { readHeads } from './request-head.ts'
import { refuseUnrouted } from './unrouted.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** On whose behalf it is made. */
    principal: Principal
  }
}

export type HttpServer = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, Logger, TypeBoxTypeProvider>

/** A request and its answer, for functions that serve several routes. */
export type { FastifyReply as Reply, FastifyRequest as Request }

/** As OpenAPI has it. `bearer`: an access token. */
export interface RouteAdmission {
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly description?: string
}

export interface HttpServerOptions {
  readonly service: string
  readonly description: string
  readonly logger: Logger
  readonly registry: Registry
  readonly health: () => Promise<Health>
  /** Who calls, by the `authorization` header; throws `unauthenticated`. Health, metrics and documents are for everybody. */
  readonly authenticate: (authorization: string | undefined) => Principal | Promise<Principal>
  /** Who may use a route, by its `onRequest` hooks: for /openapi.json of a service that takes access tokens. */
  readonly describeAdmission?: (onRequest: unknown) => RouteAdmission
  readonly bodyLimitBytes?: number
  /** How many proxies in front append to `X-Forwarded-For`; `request.ip` is the address that the first of them saw. */
  readonly trustedHops?: number
  /** Beyond it a new connection is closed at once. */
  readonly connectionsMax?: number
  /** A connection is closed after so many requests, so that those of one client move on among processes. */
  readonly requestsPerConnectionMax?: number
}

/**
 * An HTTP server as every service has it: strict validation (nothing coerced, nothing stripped), RFC 9457 errors,
 * /livez, /readyz, /metrics, /openapi.json and a page to read it at /docs, trace context, time limits.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const app: HttpServer = fastify<RawServerDefault, IncomingMessage, ServerResponse, Logger>({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger of each request's own would carry an id that nobody reads: what is logged says its trace id.
    childLoggerFactory: (logger) => logger,
    bodyLimit: options.bodyLimitBytes ?? 64 * 1024,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    maxRequestsPerSocket: options.requestsPerConnectionMax ?? 0,
    // Never true, which would believe whatever address a caller makes up; and fastify takes a number for nobody.
    trustProxy: trusted(options.trustedHops ?? 0),
    // As long as a consumer group may be called. What a route takes says its schema.
    routerOptions: { maxParamLength: 255 },
    http: {
      headersTimeout: 10_000,
      connectionsCheckingInterval: LOOK_FOR_SLOW_EVERY_MS,
      // Node's own refusal has no body; `readHeads` has one.
      requireHostHeader: false,
    },
    forceCloseConnections: 'idle',
    // Who is still connected while we close is served; fastify's own 503 would not say whether an order was accepted.
    return503OnClosing: false,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, allErrors: false } },
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    clientErrorHandler: answerBrokenRequest,
  }).withTypeProvider<TypeBoxTypeProvider>()

  if (options.connectionsMax !== undefined) app.server.maxConnections = options.connectionsMax
  app.server.on('checkExpectation', answerExpectation)
  app.setErrorHandler(answerError)
  refuseUnrouted(app)
  // JSON alone: text/plain, which fastify would also take, is a media type like any other here.
  app.removeContentTypeParser('text/plain')
  takeJson(app)

  readHeads(app)
  observe(app, options)
  authenticate(app, options)
  await describe(app, options)
  operate(app, options)
  return app
}

// Together with the look and the linger less than 15 s, after which nobody is still sending.
const REQUEST_TIMEOUT_MS = 13_000
const LOOK_FOR_SLOW_EVERY_MS = 1_000

function trusted(hops: number): false | ((address: string, hop: number) => boolean) {
  return hops > 0 && ((_address, hop) => hop < hops)
}

/** Listens on one explicit address, so that closing waits for every request (fastify#7043). Answers the port, also where 0 was asked for. */
export async function listen(app: HttpServer, asked: { host: string; port: number }): Promise<number> {
  await app.listen({ host: asked.host, port: asked.port })
  const address = app.server.address()
  return typeof address === 'object' && address !== null ? address.port : asked.port
}

/**
 * Lets nobody new in, and waits for whoever is being served, within bounds. A connection that is in use when closing
 * begins is idle after its answer, and its client may hold it for more than a minute: so idle ones are ended all along.
 */
export async function close(app: HttpServer): Promise<void> {
  const endIdle = setInterval(() => app.server.closeIdleConnections(), END_IDLE_EVERY_MS)
  const endAll = setTimeout(() => app.server.closeAllConnections(), CLOSE_WITHIN_MS)
  try {
    await app.close()
  } finally {
    clearInterval(endIdle)
    clearTimeout(endAll)
  }
}

const END_IDLE_EVERY_MS = 50
const CLOSE_WITHIN_MS = 5_000

function observe(app: HttpServer, { registry, logger }: HttpServerOptions): void {
  const seconds = new HotHistogram(
    registry,
    'http_request_seconds',
    'Time to answer, by route',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  )
  app.addHook('onResponse', (request, reply, done) => {
    const { method } = request
    const route = request.routeOptions.url ?? 'unknown'
    const ms = reply.elapsedTime
    const status = reply.statusCode
    seconds.observe(`${method} ${route} ${status}`, () => ({ method, route, status: String(status) }), ms / 1000)
    if (logger.isLevelEnabled('debug')) {
      logger.debug({ method, route, status, ms, traceId: traceId(request.traceparent) }, 'request')
    }
    done()
  })
}

function authenticate(app: HttpServer, options: HttpServerOptions): void {
  // Set below for each request that a route of ours answers; no default, which would be somebody nobody has checked.
  app.decorateRequest('principal', null as never)
  app.addHook('onRequest', (request, _reply, goOn) => {
    if (request.is404 || request.routeOptions.schema?.hide === true) return goOn()
    try {
      const principal = options.authenticate(request.headers.authorization)
      if (principal instanceof Promise) {
        principal.then((known) => {
          request.principal = known
          goOn()
        }, goOn)
        return
      }
      request.principal = principal
      goOn()
    } catch (error) {
      goOn(error as Error)
    }
  })
}

const ACCESS_TOKEN = { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } as const

async function describe(app: HttpServer, options: HttpServerOptions): Promise<void> {
  const { describeAdmission } = options
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `Timesale ${options.service}`, description: options.description, version: '0.1.0' },
      ...(describeAdmission === undefined ? {} : { components: { securitySchemes: { bearer: ACCESS_TOKEN } } }),
    },
    transform: ({ schema, url, route }) => ({
      schema: { ...schema, ...describeAdmission?.(route.onRequest) },
      url,
    }),
  })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  let reference: Promise<FastifyInstance> | undefined
  for (const url of ['/docs', '/docs/*']) {
    app.get(url, { schema: { hide: true } }, async (request, reply) => {
      reference ??= loadReference()
      const answer = await (await reference).inject({ method: 'GET', url: request.url })
      return reply.code(answer.statusCode).headers(answer.headers).send(answer.rawPayload)
    })
  }
}

// Loaded when somebody first looks at it: it takes 40 MB, in every service, and hardly anybody does.
async function loadReference(): Promise<FastifyInstance> {
  const { default: apiReference } = await import('@scalar/fastify-api-reference')
  const server = fastify()
  await server.register(apiReference, {
    routePrefix: '/docs',
    configuration: { url: '/openapi.json', withDefaultFonts: false, hideClientButton: true, telemetry: false },
  })
  return server
}

function operate(app: HttpServer, options: HttpServerOptions): void {
  const hidden = { schema: { hide: true } }
  app.get('/livez', hidden, () => ({ status: 'alive' }))
  app.get('/readyz', hidden, async (_request, reply) => {
    const health = await options.health()
    return reply.code(health.status === 'unready' ? 503 : 200).send(health)
  })
  app.get('/metrics', hidden, async (_request, reply) =>
    reply.type(options.registry.contentType).send(await options.registry.metrics()),
  )
}

// What the HTTP parser itself refuses never becomes a request.
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [field, message] = PARSER_COMPLAINTS[error.code ?? ''] ?? ['request', 'is not HTTP/1.1']
  const code = PARSER_CODES[error.code ?? ''] ?? 'invalid-request'
  const document = problem(code, at(field, message))
  const body = JSON.stringify(document)
  socket.end(
    `HTTP/1.1 ${document.status} Refused\r\ncontent-type: application/problem+json\r\nconnection: close\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  // Whoever keeps his side open would keep the connection. One who was too slow could still end his body, and what he
  // was told came too late would be done.
  if (document.code === 'request-timeout') return socket.destroySoon()
  // Closed while bytes are unread, a connection is reset, and the answer with it.
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
}

const LINGER_MS = 500

// Of all that could be expected, Node does `100-continue` by itself, and there is nothing else (RFC 9110, 10.1.1).
function answerExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const document = problem('expectation-failed', at('expect', 'must be 100-continue'))
  const body = JSON.stringify(document)
  const headers = { 'content-type': PROBLEM_TYPE, 'content-length': Buffer.byteLength(body) }
  response.writeHead(document.status, headers).end(body)
}

const PARSER_CODES: Record<string, RefusalCode> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
}
const PARSER_COMPLAINTS: Record<string, readonly [field: string, message: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['request', 'did not arrive in time'],
  HPE_HEADER_OVERFLOW: ['headers', 'are larger than this server takes'],
  HPE_INVALID_CONTENT_LENGTH: ['content-length', 'is not a length'],
  HPE_UNEXPECTED_CONTENT_LENGTH: ['content-length', 'is there twice, or beside transfer-encoding'],
  HPE_INVALID_TRANSFER_ENCODING: ['transfer-encoding', 'is not chunked alone'],
  HPE_INVALID_CHUNK_SIZE: ['body', 'is not chunked as it says'],
  HPE_INVALID_URL: ['url', 'is not a valid path'],
  HPE_INVALID_METHOD: ['method', 'is not known'],
}
