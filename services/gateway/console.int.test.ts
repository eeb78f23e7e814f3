import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { ConsoleAbout, PartView, RushView, StartRush } from '@timesale/contracts/console-api'
import { Complaint } from '@timesale/local/commands/command-line'
import { ControlServer } from '@timesale/local/supervisor/control-server'
import type { PartAction } from '@timesale/local/supervisor/part-state'
import { TEST_GATEWAY } from '@timesale/testkit/gateway-key'
import { readProblem, send, sendBytes, sendJson, type Answer } from '@timesale/testkit/http'
import { servicePorts } from '@timesale/testkit/infrastructure'
import { until } from '@timesale/testkit/until'
import { startGateway } from './app.ts'
import { readConfig } from './config.ts'
import { readLive, type LiveReader } from './console/live-reader.ts'
import { UPSTREAMS } from './routes.ts'
import { loggedInAs, STAND_IN_KEYS } from './tokens/stand-in-tokens.ts'
import { startStandIn, type StandIn } from './upstreams/stand-in.ts'

// Neither Kafka nor Redis nor any service is there: the console must not need them. What the supervisor would do is done by
// the test, behind the supervisor's own door.

describe('who may', () => {
  test('everybody may know what can be done, nobody but operators look', async () => {
    const about = JSON.parse((await send(`${local()}/api/console`)).text) as ConsoleAbout
    assert.deepEqual(about, { actions: true, supervised: true, people: PEOPLE })
    for (const path of ['live', 'topics', 'groups', 'cluster']) {
      const there = `${local()}/api/console/${path}`
      assert.equal(readProblem(await send(there)).code, 'unauthenticated')
      assert.equal(readProblem(await send(there, { headers: await buyer() })).code, 'forbidden')
    }
  })

  test('nothing is changed by anybody but an operator, and by none where the console is read-only', async () => {
    for (const [method, path] of ACTS) {
      const ask = (base: string, headers: Record<string, string> = {}): Promise<Answer> =>
        sendJson(`${base}/api/console/${path}`, {}, { method, headers })
      assert.equal(readProblem(await ask(local())).code, 'unauthenticated', path)
      assert.equal(readProblem(await ask(local(), await buyer())).code, 'forbidden', path)
      const refused = readProblem(await ask(deployed(), await operator()))
      assert.deepEqual([refused.code, refused.accepted], ['read-only', false], path)
    }
    const about = JSON.parse((await send(`${deployed()}/api/console`)).text) as ConsoleAbout
    assert.deepEqual(about, { actions: false, supervised: false, people: [] })
    assert.deepEqual(done, [])
  })

  test('a local start is changed by nobody who calls it by another name', async () => {
    const { authorization } = await operator()
    const post = (host: string): Promise<Answer> =>
      sendBytes(
        Number(new URL(local()).port),
        `POST /api/console/parts/stock/kill HTTP/1.1\r\nhost: ${host}\r\nauthorization: ${authorization}\r\nconnection: close\r\n\r\n`,
      )
    for (const host of ['shop.example', 'shop.example:8080', 'localhost.shop.example', '127.0.0.1.nip.example']) {
      assert.equal(readProblem(await post(host)).code, 'foreign-host', host)
    }
    assert.deepEqual(done, [])
    for (const host of ['localhost', '127.0.0.1:8080', '[::1]:8080']) assert.equal((await post(host)).status, 200, host)
    assert.equal(done.length, 3)
  })

  test('where nobody supervises, nothing is started, stopped or rushed', async () => {
    for (const [method, path] of ACTS.slice(0, 3)) {
      const answer = await sendJson(`${unsupervised()}/api/console/${path}`, {}, { method, headers: await operator() })
      assert.equal(readProblem(answer).code, 'not-supervised')
    }
  })
})

describe('a part', () => {
  test('is acted on, and who did it is told to whoever looks', async () => {
    await using live = await open(local())
    const answer = await act('stock', 'stop')
    assert.deepEqual(JSON.parse(answer.text), { said: 'stock was told to stop.' })
    assert.deepEqual(done, ['stock stop'])
    // Whoever begins to look is told first of what was before.
    const told = await until('it is told', () => live.happened().find(({ what }) => what.en === 'root stops stock.'))
    assert.deepEqual(told.what, { en: 'root stops stock.', ko: 'root 님의 중지: stock.' })
    assert.deepEqual([told.about, told.kind, told.good], ['stock', 'action', false])
    const view = await until('the parts are there', () => live.views().find(({ parts }) => parts !== null))
    assert.deepEqual(view.parts?.list, [PART])
    assert.deepEqual([view.topics, view.groups, view.orders, view.redis.reachable], [null, null, null, false])
  })

  test('that cannot be acted on now is a 409 with the supervisor’s sentence', async () => {
    await using live = await open(local())
    const why = 'stock: it is paused; use `resume`, or `restart`.'
    refuses = why
    const refused = readProblem(await act('stock', 'start'))
    assert.deepEqual([refused.code, refused.detail, refused.accepted], ['part-refused', why, false])
    await until('whoever looks hears that it was not done', () => live.happened().at(-1)?.what.en.includes(why))
    const strange = readProblem(await act('stock', 'explode'))
    assert.equal(strange.code, 'invalid-request')
    assert.equal(readProblem(await act('a%20b', 'stop')).code, 'invalid-request')
  })

  test('that is the gateway itself is answered before it is acted on', async () => {
    holds = Promise.withResolvers()
    const answer = await act('gateway', 'kill')
    assert.match(
      (JSON.parse(answer.text) as { said: string }).said,
      /^gateway is being killed, .* npm run part -- start gateway\.$/,
    )
    await until('it is asked for', () => done.includes('gateway kill'))
    holds.resolve()
    assert.match((await act('gateway', 'start')).text, /gateway was told to start/, 'which needs nobody to go')
  })

  test('a supervisor that is gone, or that does not answer as one, is said so', async () => {
    await using server = await startStandIn((await servicePorts(1))[0])
    const gateway = await startGateway(
      readConfig(env({ GATEWAY_CONSOLE_ACTIONS: 'on', GATEWAY_SUPERVISOR_URL: server.url.replace('//', '//:t@') })),
    )
    try {
      const base = `http://127.0.0.1:${gateway.port}`
      await until('it knows the keys', () => knowsKeys(base))
      const ask = async (): Promise<string> =>
        readProblem(await sendJson(`${base}/api/console/parts/stock/stop`, {}, { headers: await operator() })).code
      assert.equal(await ask(), 'upstream-failed')
      assert.equal(server.reached[0]?.headers['authorization'], 'Bearer t')
      server.behave = (_request, answer) => answer.destroy()
      assert.equal(await ask(), 'upstream-failed')
      await server.stop()
      assert.equal(await ask(), 'upstream-unavailable')
    } finally {
      await gateway.stop()
    }
  })
})

describe('a rush', () => {
  test('is begun as it was asked for, shown, and stopped', async () => {
    await using live = await open(local())
    const headers = await operator()
    const begun = await sendJson(`${local()}/api/console/rush`, { buyers: 12, units: 3, seed: 5 }, { headers })
    assert.deepEqual(JSON.parse(begun.text), { ...RUSH, buyers: 12, units: 3, seed: 5 })
    const view = await until('it is shown', () => live.views().find(({ rush: shown }) => shown?.last?.id === 1))
    assert.equal(view.rush?.last?.state, 'running')
    const again = readProblem(await sendJson(`${local()}/api/console/rush`, {}, { headers }))
    assert.deepEqual([again.code, again.detail], ['rush-running', 'One runs.'])
    const stopped = await send(`${local()}/api/console/rush`, { method: 'DELETE', headers })
    assert.equal((JSON.parse(stopped.text) as RushView).state, 'stopped')
    await until('its end is told', () => live.happened().some(({ what }) => what.en === 'The rush was stopped.'))
    assert.ok(live.happened().some(({ what }) => what.en === 'root begins a rush: 12 buyers for 3 units.'))
    const none = await send(`${local()}/api/console/rush`, { method: 'DELETE', headers })
    assert.equal(readProblem(none).code, 'no-rush')
  })

  test('that is not one is refused before anybody is asked', async () => {
    for (const wrong of [{ buyers: 0 }, { buyers: 1.5 }, { units: 'many' }, { kill: 'stock' }, { perSecond: 20_001 }]) {
      const answer = await sendJson(`${local()}/api/console/rush`, wrong, { headers: await operator() })
      assert.equal(readProblem(answer).code, 'invalid-request', JSON.stringify(wrong))
    }
    assert.equal(rush, null)
  })
})

describe('the pages', () => {
  test('are one page, which is looked for anew; what is named after its content is kept for a year', async () => {
    for (const path of ['/', '/order/1', '/topics/order-topic.stock.dlq', '/index.html', '/apiary']) {
      const page = await browse(path)
      assert.deepEqual([page.status, page.text], [200, '<p>the console</p>'], path)
      assert.equal(page.headers['cache-control'], 'no-cache')
      assert.match(page.headers['content-type'] ?? '', /^text\/html/)
    }
    // As curl asks, which takes anything.
    assert.equal((await send(`${local()}/`)).text, '<p>the console</p>')
    const asset = await send(`${local()}/assets/main-abc.js`)
    assert.deepEqual([asset.status, asset.text], [200, 'go()'])
    assert.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.match(asset.headers['content-type'] ?? '', /^(text|application)\/javascript/)
    assert.equal((await send(`${local()}/icon.svg`)).headers['cache-control'], 'no-cache')
  })

  test('may load nothing from anybody else, be framed by nobody, and tell nobody where they were', async () => {
    for (const answer of [
      await browse('/'),
      await send(`${local()}/assets/main-abc.js`),
      await browse('/', unbuilt()),
    ]) {
      const policy = answer.headers['content-security-policy'] ?? ''
      for (const rule of ["default-src 'self'", "frame-ancestors 'none'", "style-src 'self' 'unsafe-inline'"])
        assert.ok(policy.split('; ').includes(rule), policy)
      assert.doesNotMatch(policy, /https?:|\*|script-src|unsafe-eval/)
      assert.equal(answer.headers['x-content-type-options'], 'nosniff')
      assert.equal(answer.headers['referrer-policy'], 'no-referrer')
    }
  })

  test('are not where something else is, nor for whoever wants no page', async () => {
    for (const path of ['/api', '/api/nothing', '/api/console/nothing', '/assets/main-old.js', '/metrics/x']) {
      assert.equal(readProblem(await browse(path)).code, 'not-found', path)
    }
    assert.equal(
      readProblem(await send(`${local()}/order/1`, { headers: { accept: 'application/json' } })).code,
      'not-found',
    )
    assert.equal(readProblem(await send(`${local()}/order/1`, { method: 'POST' })).code, 'not-found')
    const wrongMethod = await browse('/api/account/log-in')
    assert.equal(readProblem(wrongMethod).code, 'method-not-allowed')
    assert.equal(wrongMethod.headers['allow'], 'POST')
    assert.match((await browse('/livez')).text, /alive/)
  })

  test('are the files of the build and no others', async () => {
    for (const path of [
      '/.sources',
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/assets/..%2f..%2fsecret.txt',
      '/assets',
      '/assets/',
    ]) {
      const answer = await sendBytes(
        Number(new URL(local()).port),
        `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`,
      )
      assert.ok(answer.status === 404 || answer.status === 400, `${path}: ${answer.status}`)
      assert.doesNotMatch(answer.text, /told to nobody/)
    }
  })

  test('that were not built say how, and are there as soon as they are', async () => {
    const page = await browse('/', unbuilt())
    assert.equal(page.status, 503)
    assert.match(page.text, /npm run build -w console/)
    await mkdir(join(folder, 'later'))
    await writeFile(join(folder, 'later', 'index.html'), 'later')
    assert.equal((await browse('/', unbuilt())).text, 'later')
  })
})

const PEOPLE: ConsoleAbout['people'] = [{ email: 'a@b.example', password: 'everybody knows', roles: ['operator'] }]
const PART: PartView = { name: 'stock', kind: 'service', state: 'running', port: 8082 }
const RUSH: RushView = {
  ...{ id: 1, state: 'running', startedAt: '2026-01-01T00:00:00.000Z', endedAt: null },
  ...{ buyers: 1, units: 1, seed: 1, says: [] },
}
const ACTS = [
  ['POST', 'parts/stock/kill'],
  ['POST', 'rush'],
  ['DELETE', 'rush'],
  ['POST', 'topics'],
  ['DELETE', 'topics/test?confirm=test'],
  ['POST', 'topics/test/records'],
] as const

let folder: string
let account: StandIn | undefined
let control: ControlServer | undefined
let gateways: { readonly port: number; stop(): Promise<void> }[] = []
const done: string[] = []
let refuses: string | undefined
let holds: PromiseWithResolvers<void> | undefined
let rush: RushView | null = null

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timesale-console-'))
  await mkdir(join(folder, 'dist', 'assets'), { recursive: true })
  const files = {
    'index.html': '<p>the console</p>',
    'assets/main-abc.js': 'go()',
    'icon.svg': '<svg/>',
    '.sources': 'told to nobody',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, 'dist', name), text)
  await writeFile(join(folder, 'secret.txt'), 'told to nobody')
  account = await startStandIn((await servicePorts(1))[0], {
    aside: (path) => (path === '/.well-known/jwks.json' ? STAND_IN_KEYS : undefined),
  })
  control = new ControlServer()
  const port = await control.listen()
  control.serve(CONTROLLED)
  const supervised = {
    GATEWAY_CONSOLE_ACTIONS: 'on',
    GATEWAY_CONSOLE_PEOPLE: JSON.stringify(PEOPLE),
    GATEWAY_SUPERVISOR_URL: `http://:${control.token}@127.0.0.1:${port}`,
  }
  const later = { GATEWAY_CONSOLE_PAGES: join(folder, 'later') }
  gateways = await Promise.all(
    [supervised, {}, { GATEWAY_CONSOLE_ACTIONS: 'on', ...later }].map((more) => startGateway(readConfig(env(more)))),
  )
  await until('the keys are known', async () => {
    const all = await Promise.all([local(), deployed(), unsupervised()].map(knowsKeys))
    return all.every((isKnown) => isKnown)
  })
})

beforeEach(() => {
  done.length = 0
  refuses = undefined
  holds = undefined
  rush = null
})

after(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()))
  await account?.[Symbol.asyncDispose]()
  await control?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const CONTROLLED = {
  addresses: () => ({ kafkaBrokers: '', databases: {}, signingKey: '' }),
  status: () => [{ ...PART, state: 'running' as const, pid: 1 }],
  async act(name: string, action: PartAction): Promise<string> {
    if (refuses !== undefined) throw new Complaint(refuses)
    done.push(`${name} ${action}`)
    await holds?.promise
    return `${name} was told to ${action}.`
  },
  rush: {
    get latest(): RushView | null {
      return rush
    },
    start({ buyers = 1, units = 1, seed = 1 }: StartRush): Promise<RushView> {
      if (rush?.state === 'running') throw new Complaint('One runs.')
      rush = { ...RUSH, buyers, units, seed }
      return Promise.resolve(rush)
    },
    stop(): Promise<RushView | null> {
      if (rush?.state !== 'running') throw new Complaint('None runs.')
      rush = { ...rush, state: 'stopped', endedAt: rush.startedAt }
      return Promise.resolve(rush)
    },
  },
}

function env(more: Record<string, string>): NodeJS.ProcessEnv {
  assert.ok(account !== undefined)
  const { url } = account
  return {
    ...{ HTTP_PORT: '0', DRAIN_MS: '0', LOG_LEVEL: 'silent', GATEWAY_SIGNING_KEY: TEST_GATEWAY.signingKey },
    ...{ KAFKA_BROKERS: '127.0.0.1:1', REDIS_URL: 'redis://127.0.0.1:1', GATEWAY_CONSOLE_PAGES: join(folder, 'dist') },
    GATEWAY_CONSOLE_ACTIONS: 'off',
    GATEWAY_LIMIT_BROWSE: '10000/10',
    ...Object.fromEntries(UPSTREAMS.map((name) => [`GATEWAY_${name.toUpperCase()}_URLS`, url])),
    ...more,
  }
}

async function open(base: string): Promise<LiveReader> {
  return await readLive(base, await operator())
}

async function knowsKeys(base: string): Promise<boolean> {
  return (await send(`${base}/api/upstreams`, { headers: await operator() })).status === 200
}

async function act(part: string, action: string): Promise<Answer> {
  return send(`${local()}/api/console/parts/${part}/${action}`, { method: 'POST', headers: await operator() })
}

function browse(path: string, base = local()): Promise<Answer> {
  return send(`${base}${path}`, { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } })
}

function operator(): Promise<{ authorization: string }> {
  return loggedInAs({ sub: 'root', roles: ['operator'] })
}

function buyer(): Promise<{ authorization: string }> {
  return loggedInAs({ sub: 'kim', roles: ['buyer', 'seller'] })
}

function local(): string {
  return urlOf(0)
}

/** As it is where nothing is set. */
function deployed(): string {
  return urlOf(1)
}

function unsupervised(): string {
  return urlOf(2)
}

function unbuilt(): string {
  return urlOf(2)
}

function urlOf(index: number): string {
  return `http://127.0.0.1:${gateways[index]?.port}`
}
