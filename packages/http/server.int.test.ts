import assert from 'node:assert/strict'
import { createConnection } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import Type from 'typebox'
import { fact } from '@timesale/contracts/event'
import { OrderId } from '@timesale/contracts/fields'
import { OrderPlaced } from '@timesale/contracts/order-events'
import { Problem } from '@timesale/contracts/problem'
import { ANONYMOUS } from '@timesale/identity/principal'
import { appendToOutbox } from '@timesale/kafka/outbox'
import type { Running } from '@timesale/process/run'
import { readServiceConfig } from '@timesale/service/config'
import { startService } from '@timesale/service/service'
import { readEnv } from '@timesale/process/env'
import { calledFor } from '@timesale/testkit/gateway-key'
import { createLogger } from '@timesale/telemetry/logger'
import { createRegistry } from '@timesale/telemetry/metrics'
import { readJson, readProblem, send, sendBytes, sendJson, type Answer } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure, type TestPart } from '@timesale/testkit/infrastructure'
import { readMetric } from '@timesale/testkit/metrics'
import { pausePostgres } from '@timesale/testkit/parts'
import { until } from '@timesale/testkit/until'
import { close, createHttpServer, listen } from './server.ts'

// A service that is nobody's: one route that tells a fact, one that answers when the test lets it, and a consumer
// that only counts. What is tested is what every service has around its own code.

interface Health {
  readonly status: string
  readonly reasons: string[]
  readonly consumer: string
}

describe('/livez and /readyz', () => {
  test('say that all is well', async () => {
    const { url } = running()
    assert.equal((await send(`${url}/livez`)).text, '{"status":"alive"}')
    assert.deepEqual(await ready(url), { status: 'ready', reasons: [], consumer: 'joined' })
  })

  test('say that the database is down: alive, and not ready until it is back', async () => {
    const { url } = running()
    await part('postgres').kill()
    const health = await until('not ready', () => unreadyHealth(url))
    assert.ok(health.reasons.includes('database: no answer'), health.reasons.join())
    assert.equal((await send(`${url}/livez`)).status, 200)
    await part('postgres').start()
    await ready(url)
  })

  test('say within a second that the database hangs', async () => {
    const { url, infra } = running()
    const resume = await pausePostgres(infra, 'notification')
    try {
      stoodStill.reset()
      const began = performance.now()
      const health = await unreadyHealth(url)
      const tookMs = performance.now() - began
      assert.ok(tookMs < 1_500 + (await stoodStillMs()), `${tookMs} ms`)
      assert.ok(health !== undefined && health.reasons.includes('database: no answer'))
    } finally {
      resume()
    }
    await ready(url)
  })

  test('say that a migration is missing', async () => {
    const { url, infra } = running()
    const { sql } = infra.admin('notification')
    await sql`update migrations_service set name = name || '-of-another-day'`
    // A database that answers late is a reason of its own.
    await until('it says so', async () => {
      return /schema is older than this code/.test((await unreadyHealth(url))?.reasons.join() ?? '')
    })
    await sql`update migrations_service set name = replace(name, '-of-another-day', '')`
    await ready(url)
  })

  test('say that Kafka is down, which only degrades', async () => {
    const { url } = running()
    await part('kafka-1').kill()
    try {
      assert.equal((await sendJson(`${url}/facts`, { orderId: 'while-kafka-is-down' })).status, 202)
      const health = await until('degraded', async () => {
        const answer = await send(`${url}/readyz`)
        assert.equal(answer.status, 200)
        const health = JSON.parse(answer.text) as Health
        return health.reasons.some((reason) => reason.startsWith('kafka:')) && health
      })
      assert.equal(health.status, 'degraded')
      await until('the outbox is seen', async () => (await readMetric(url, 'outbox_pending')) === 1)
      await until('it grows older', async () => (await readMetric(url, 'outbox_oldest_seconds')) > 0)
    } finally {
      await part('kafka-1').start()
    }
    await ready(url)
    await until('nothing waits', async () => (await readMetric(url, 'outbox_pending')) === 0)
  })
})

describe('/metrics', () => {
  test('is what Prometheus reads, with the service as a label of everything', async () => {
    const { url } = running()
    const answer = await send(`${url}/metrics`)
    assert.equal(answer.status, 200)
    assert.match(answer.headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/)
    const label = '[a-zA-Z_]+="(?:[^"\\\\\\n]|\\\\.)*"'
    const sample = new RegExp(`^[a-zA-Z_:][a-zA-Z0-9_:]*\\{(?:${label},)*${label}\\} (?:[-+0-9.e]+|Na[Nn]|[+-]Inf)$`)
    for (const line of answer.text.split('\n')) {
      if (line === '' || /^# (HELP|TYPE) [a-z0-9_]+ .+$/.test(line)) continue
      assert.match(line, sample)
      assert.match(line, /service="mini"/)
    }
  })

  test('counts events sent and received, and requests by their route', async () => {
    const { url } = running()
    const before = await readMetric(url, 'consumer_events_total', { outcome: 'applied' })
    await sendJson(`${url}/facts`, { orderId: 'counted' })
    await until('it went round', async () => {
      return (await readMetric(url, 'consumer_events_total', { group: 'notification', outcome: 'applied' })) > before
    })
    // The relay counts what it has also crossed off; by then others may have heard of it.
    await until('the relay has counted it', async () => {
      return (await readMetric(url, 'relay_records_total', { topic: 'order-topic' })) >= 1
    })
    assert.equal(await readMetric(url, 'relay_leading'), 1)
    assert.ok((await readMetric(url, 'consumer_batch_records_count')) >= 1)
    assert.ok((await readMetric(url, 'consumer_last_event_age_seconds')) > 0)

    const requests = (labels: Record<string, string>): Promise<number> =>
      readMetric(url, 'http_request_seconds_count', labels)
    await send(`${url}/facts/some-id`)
    await send(`${url}/facts/another-id`)
    await sendJson(`${url}/facts`, {})
    await send(`${url}/nobody-knows-${Math.random()}`)
    assert.equal(await requests({ method: 'GET', route: '/facts/:orderId', status: '200' }), 2)
    assert.equal(await requests({ method: 'POST', route: '/facts', status: '400' }), 1)
    const { text } = await send(`${url}/metrics`)
    assert.doesNotMatch(
      text,
      /some-id|nobody-knows/,
      'a label for each address that somebody makes up would fill memory',
    )
  })

  test('tells of the process', async () => {
    const { url } = running()
    for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds']) {
      assert.ok((await send(`${url}/metrics`)).text.includes(`\n${name}{`), name)
    }
  })
})

describe('the description of the service', () => {
  test('is OpenAPI 3.1 with every route of its own, what it takes and what it answers', async () => {
    interface Operation {
      readonly summary?: string
      readonly requestBody?: { readonly content: Record<string, { schema: { properties: object } }> }
      readonly parameters?: {
        readonly name: string
        readonly in: string
        readonly required: boolean
        readonly schema: object
      }[]
      readonly responses: Record<string, { content?: Record<string, { schema: object }> }>
    }
    const answer = await send(`${running().url}/openapi.json`)
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
    const document = JSON.parse(answer.text) as {
      openapi: string
      info: { title: string; version: string; description: string }
      paths: Record<string, Record<string, Operation>>
    }
    assert.match(document.openapi, /^3\.1\.\d+$/)
    assert.equal(document.info.title, 'Timesale mini')
    assert.deepEqual(
      Object.entries(document.paths).map(([path, methods]) => [path, Object.keys(methods)]),
      [
        ['/facts', ['post']],
        ['/facts/{orderId}', ['get']],
        ['/trace/{orderId}', ['get']],
        ['/totals', ['get']],
      ],
    )
    const post = document.paths['/facts']?.['post']
    assert.equal(post?.summary, 'Tell a fact')
    assert.deepEqual(Object.keys(post?.requestBody?.content['application/json']?.schema.properties ?? {}), ['orderId'])
    assert.deepEqual(Object.keys(post?.responses ?? {}), ['202', 'default'])
    const [parameter] = document.paths['/facts/{orderId}']?.['get']?.parameters ?? []
    assert.deepEqual([parameter?.name, parameter?.in, parameter?.required], ['orderId', 'path', true])
  })

  test('can be read at /docs, which asks no other host for anything', async () => {
    const { url } = running()
    const page = await send(`${url}/docs`)
    assert.equal(page.status, 200)
    assert.match(page.headers['content-type'] ?? '', /^text\/html/)
    assert.doesNotMatch(page.text, /(?:https?:)?\/\/[a-z0-9-]+\.[a-z]/i)
    const scripts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '')
    assert.ok(scripts.length > 0)
    for (const path of scripts) {
      assert.equal((await send(new URL(path, `${url}/docs/`).href)).status, 200, path)
    }
    assert.match(page.text, /"url": "\/openapi\.json"/)
  })
})

test('a request that is sent too slowly is ended, and others are answered meanwhile', async () => {
  const { url } = running()
  const answer = await running().slowAnswer
  assert.equal(readProblem(answer).code, 'request-timeout')
  assert.equal((await send(`${url}/livez`)).status, 200)
})

test('a body that never ends is hung up on, whatever its sender does with his side', async () => {
  const { closedAfterMs, text } = await running().slowBody
  assert.match(text, /^HTTP\/1\.1 408 /)
  assert.match(text, /"code":"request-timeout"/)
  // 15 s are promised; the rest is for a busy machine, and for one that stands still.
  assert.ok(closedAfterMs < 20_000, `${closedAfterMs} ms`)
})

test('whoever sends no HTTP and keeps his side open holds no connection', async () => {
  const app = await createHttpServer({
    service: 'alone',
    description: 'Nobody’s.',
    logger: createLogger({ service: 'alone', level: 'silent' }),
    registry: createRegistry('alone'),
    health: () => Promise.resolve({ status: 'ready', reasons: [] }),
    authenticate: () => ANONYMOUS,
  })
  const port = await listen(app, { host: '127.0.0.1', port: 0 })
  const socket = createConnection({ host: '127.0.0.1', port, allowHalfOpen: true })
  try {
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.write('no HTTP at all\r\n\r\n')
    await until('it is told', () => Buffer.concat(chunks).toString().startsWith('HTTP/1.1 400 '))
    const connections = promisify(app.server.getConnections.bind(app.server))
    await until('it is let go', async () => (await connections()) === 0, 5_000)
  } finally {
    socket.destroy()
    await close(app)
  }
})

describe('a request that means one thing to some and another to others', () => {
  const json = 'content-type: application/json\r\n'
  const orders = (headers: string, orderId = 'of-two-minds'): string => {
    const body = JSON.stringify({ orderId })
    return `POST /facts HTTP/1.1\r\n${headers}content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`
  }
  for (const [what, headers, code, field] of [
    ['no host', json, 'invalid-request', 'host'],
    ['two hosts', `host: a\r\nHost: a\r\n${json}`, 'invalid-request', 'host'],
    ['two content types', `host: a\r\n${json}Content-Type: text/plain\r\n`, 'invalid-request', 'content-type'],
    [
      'another charset',
      'host: a\r\ncontent-type: application/json; charset=utf-16\r\n',
      'unsupported-media-type',
      'content-type',
    ],
    [
      'two charsets',
      'host: a\r\ncontent-type: application/json; charset=utf-8; charset="utf-16"\r\n',
      'unsupported-media-type',
      'content-type',
    ],
    ['what nobody can expect', `host: a\r\n${json}expect: 200-maybe\r\n`, 'expectation-failed', 'expect'],
  ] as const) {
    test(`is refused: ${what}`, async () => {
      const problem = readProblem(await sendBytes(running().service.port, orders(headers)))
      assert.deepEqual([problem.code, problem.errors?.map((one) => one.field)], [code, [field]])
    })
  }

  test('is refused: two tokens', async () => {
    const { authorization } = await calledFor('somebody', 'buyer')
    const twice = (one: string): string =>
      orders(`host: a\r\n${json}authorization: ${one}\r\nAuthorization: ${one}\r\n`)
    const good = readProblem(await sendBytes(running().service.port, twice(authorization)))
    assert.deepEqual([good.code, good.errors?.[0]?.field], ['invalid-request', 'authorization'])
    // Who calls is asked first.
    assert.equal(readProblem(await sendBytes(running().service.port, twice('Bearer a'))).code, 'unauthenticated')
  })

  test('is refused on routes that are everybody’s, and where there is none', async () => {
    for (const path of ['/livez', '/nowhere']) {
      const answer = await sendBytes(running().service.port, `GET ${path} HTTP/1.1\r\nconnection: close\r\n\r\n`)
      assert.equal(readProblem(answer).errors?.[0]?.field, 'host', path)
    }
  })

  test('and nothing of the kind is taken as before', async () => {
    const { port } = running().service
    for (const [index, headers] of [
      'Host: a\r\ncontent-type: application/json;charset=UTF-8\r\n',
      'HOST: a\r\ncontent-type: application/json; charset="utf-8"; version=1\r\n',
      `host: a\r\n${json}expect: 100-continue\r\n`,
    ].entries()) {
      const answer = await sendBytes(port, orders(headers, `of-one-mind-${index}`))
      assert.match(answer.status === 100 ? answer.text : `HTTP/1.1 ${answer.status}`, /^HTTP\/1\.1 202/, headers)
    }
    // HTTP/1.0 had no Host.
    assert.equal((await sendBytes(port, 'GET /livez HTTP/1.0\r\n\r\n')).status, 200)
  })
})

test('a caller who says how long it waits: what is no such thing is named, and what is over is not begun', async () => {
  const { infra, url } = running()
  const tell = (left: string): Promise<Answer> =>
    sendJson(`${url}/facts`, { orderId: `told-within-${left}` }, { headers: { 'x-timeout-ms': left } })
  for (const left of ['', 'x', '-1', '1.5', '1e3', '007', '5, 6', '1234567890']) {
    const problem = readProblem(await tell(left))
    assert.deepEqual([problem.code, problem.errors?.[0]?.field], ['invalid-request', 'x-timeout-ms'], left)
  }
  const late = await tell('0')
  assert.equal(readProblem(late).code, 'no-time-left')
  assert.match(late.text, /"accepted":false/)
  assert.equal((await tell('30000')).status, 202)
  const { sql } = infra.admin('notification')
  const told = await until('it is told', async () => {
    const rows = await sql`select aggregate_id from inbox where aggregate_id like 'told-within-%'`
    return rows.length > 0 && rows
  })
  assert.deepEqual(told, [{ aggregate_id: 'told-within-30000' }])
})

describe('a service that is told to stop', () => {
  test('takes itself out of the balance, serves on for a while, and finishes what it has begun', async () => {
    const { infra } = running()
    const gate = Promise.withResolvers<void>()
    // As long as a busy machine may need for what is asked of it meanwhile.
    const service = await startMini(infra, { DRAIN_MS: '4000' }, gate.promise)
    const url = `http://127.0.0.1:${service.port}`
    await ready(url)
    const underWay = send(`${url}/facts/slow`)
    let stopped = false
    const stopping = service.stop().then(() => (stopped = true))

    const health = await until('draining', () => unreadyHealth(url), 5_000)
    assert.ok(health.reasons.includes('draining'))
    assert.equal((await sendJson(`${url}/facts`, { orderId: 'while-draining' })).status, 202, 'it still serves')
    await until('nobody new is let in', () => isRefused(service.port))
    assert.equal(stopped, false, 'somebody is still inside')
    gate.resolve()
    const letOut = performance.now()
    const answer = await underWay
    assert.equal(answer.status, 200)
    assert.equal(answer.text, '{"orderId":"slow"}')
    await stopping
    // The client would hold its connection for longer than any orchestrator waits.
    assert.ok(performance.now() - letOut < 5_000)
  })

  test('has sent what it had accepted, or left it in the outbox for the next', async () => {
    const { infra, url } = running()
    const sql = infra.admin('notification').sql
    const told = await until('it is told', async () => {
      const waiting = await sql`select 1 from outbox where lines like '%while-draining%'`
      const applied = await sql`select 1 from inbox where aggregate_id = 'while-draining'`
      return waiting.length === 0 && applied.length > 0 && applied
    })
    assert.equal(told.length, 1)
    await ready(url)
  })
})

interface Mini extends Running {
  readonly port: number
}

interface Bench {
  readonly infra: Infrastructure
  readonly service: Mini
  readonly url: string
  /** What somebody is told who began a request at the start and never ended it. */
  readonly slowAnswer: Promise<Answer>
  /** The same of somebody who sends a body letter by letter, and goes on when he is told to stop. */
  readonly slowBody: Promise<Ended>
}

interface Ended {
  readonly closedAfterMs: number
  readonly text: string
}

let bench: Bench | undefined
/** What this process, and with it the service, has stood still for. */
const stoodStill = monitorEventLoopDelay({ resolution: 10 })

before(async () => {
  stoodStill.enable()
  const infra = await startInfrastructure({ databases: ['notification'], kafka: true })
  // With a name of its own, as in production: its place in the group is not held for a dead one when Kafka comes back.
  const service = await startMini(infra, { INSTANCE_ID: 'mini-1' })
  const slowAnswer = sendBytes(service.port, 'POST /facts HTTP/1.1\r\nhost: shop\r\ncontent-le', 30_000)
  const head = 'POST /facts HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n'
  const slowBody = holdOpen(service.port, head)
  bench = { infra, service, url: `http://127.0.0.1:${service.port}`, slowAnswer, slowBody }
  await ready(bench.url)
})

after(async () => {
  await bench?.service.stop()
  await bench?.infra[Symbol.asyncDispose]()
})

function running(): Bench {
  assert.ok(bench !== undefined)
  return bench
}

function part(name: string): TestPart {
  const found = running().infra.parts.get(name)
  assert.ok(found !== undefined)
  return found
}

function startMini(infra: Infrastructure, env: Record<string, string> = {}, gate = Promise.resolve()): Promise<Mini> {
  const config = readEnv(infra.env('notification', env), 'MINI_', (get) => readServiceConfig(get, 0))
  return startService({
    name: 'mini',
    description: 'Stands in for any service.',
    config,
    migrations: new URL('../../services/notification/db/migrations/', import.meta.url),
    build: ({ db, wakeRelay }) => ({
      routes: (app) => {
        const schema = { body: Type.Object({ orderId: OrderId }, { additionalProperties: false }) }
        const response = { 202: Type.Object({ orderId: OrderId }), default: Problem }
        app.post('/facts', { schema: { summary: 'Tell a fact', ...schema, response } }, async (request, reply) => {
          const { orderId } = request.body
          const data = { orderId, buyerId: 'open', productId: 'A001', quantity: 1, unitPriceMinor: 1, currency: 'KRW' }
          await db.tx((tx) =>
            appendToOutbox(tx, [fact(OrderPlaced, { aggregateId: orderId, version: 1, data })], { at: new Date() }),
          )
          wakeRelay()
          return reply.code(202).send({ orderId })
        })
        const params = Type.Object({ orderId: OrderId })
        const found = { 200: Type.Object({ orderId: OrderId }), default: Problem }
        app.get('/facts/:orderId', { schema: { summary: 'One fact', params, response: found } }, async (request) => {
          const { orderId } = request.params
          if (orderId === 'slow') await gate
          return { orderId }
        })
      },
      consumer: { group: 'notification', uses: [OrderPlaced], apply: () => Promise.resolve([]) },
    }),
  })
}

async function unreadyHealth(url: string): Promise<Health | undefined> {
  const answer = await send(`${url}/readyz`)
  if (answer.status !== 503) return undefined
  const health = JSON.parse(answer.text) as Health
  assert.equal(health.status, 'unready')
  return health
}

function ready(url: string): Promise<Health> {
  return until('ready', async () => {
    const health = await readJson<Health>(`${url}/readyz`)
    return health.status === 'ready' && health
  })
}

async function stoodStillMs(): Promise<number> {
  // So that also what has only just ended is known of.
  await sleep(50)
  return stoodStill.max / 1e6
}

/** Sends a letter each half second until the server closes, and does not close when the server ends its side. */
function holdOpen(port: number, beginning: string): Promise<Ended> {
  return new Promise((resolve) => {
    const began = performance.now()
    let text = ''
    const socket = createConnection({ host: '127.0.0.1', port, allowHalfOpen: true })
    socket.write(beginning)
    const sending = setInterval(() => socket.write('a'), 500)
    const enough = setTimeout(() => socket.destroy(), 30_000)
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    // Written to after it was closed.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearInterval(sending)
      clearTimeout(enough)
      resolve({ closedAfterMs: performance.now() - began, text })
    })
  })
}

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })
}
