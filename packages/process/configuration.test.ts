import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { askConfigServer, type ConfigAnswer } from './config-server.ts'
import { joinSettings, NoConfiguration, readSettings } from './config-values.ts'
import { collectConfiguration } from './configuration.ts'
import { readEnv } from './env.ts'

const SECRET = 'sesame'

describe('names and values', () => {
  test('a key is the environment’s or Spring’s', () => {
    const settings = readSettings({
      ...{ ORDER_DB_URL: 'a', 'order.http.port': 8081, 'order.db.pool-size': '3', 'order.drainMs': 5 },
      ...{ 'kafka.brokers[0]': 'k:1', 'kafka.brokers[1]': 'k:2', 'order.list': ['x', 'y'], 'is.open': true },
      ...{ 'internal.keys': { keys: [{ x: '1' }] }, nothing: null, empty: '' },
    })

    assert.deepEqual(settings, {
      ...{ ORDER_DB_URL: 'a', ORDER_HTTP_PORT: '8081', ORDER_DB_POOL_SIZE: '3', ORDER_DRAIN_MS: '5' },
      ...{ KAFKA_BROKERS: 'k:1,k:2', ORDER_LIST: 'x,y', IS_OPEN: 'true', INTERNAL_KEYS: '{"keys":[{"x":"1"}]}' },
      INTERNAL_KEYS_KEYS: '[{"x":"1"}]',
    })
  })

  test('what is nested counts as its flat names', () => {
    const { ORDER_DB_URL, ORDER_DB_POOL_SIZE, KAFKA_BROKERS, LOG_LEVEL } = readSettings({
      order: { db: { url: 'a', poolSize: 3 } },
      kafka: { brokers: ['k:1', 'k:2'] },
      log: { level: 'warn', nothing: null },
    })

    assert.deepEqual([ORDER_DB_URL, ORDER_DB_POOL_SIZE, KAFKA_BROKERS, LOG_LEVEL], ['a', '3', 'k:1,k:2', 'warn'])
  })

  test('the first source that has a key decides, whichever of its two names it says', () => {
    const levels = (...sources: Record<string, string>[]): string =>
      readEnv(joinSettings('ORDER_', sources), 'ORDER_', (get) => get.text('LOG_LEVEL', 'none'))

    assert.equal(levels({ ORDER_LOG_LEVEL: 'first' }, { LOG_LEVEL: 'second' }), 'first')
    assert.equal(levels({ LOG_LEVEL: 'first' }, { ORDER_LOG_LEVEL: 'second' }), 'first')
    assert.equal(levels({ LOG_LEVEL: '' }, { ORDER_LOG_LEVEL: 'second' }), 'second')
    assert.equal(levels({ STOCK_LOG_LEVEL: 'first' }, { LOG_LEVEL: 'second' }), 'second')
    assert.equal(levels({ LOG_LEVEL: 'plain', ORDER_LOG_LEVEL: 'own' }), 'own')
  })
})

describe('a file', () => {
  for (const [kind, text] of Object.entries({
    JSON: JSON.stringify({ 'order.db.url': 'postgres://x', KAFKA_BROKERS: ['a:1', 'b:2'] }),
    'KEY=value lines': '# ours\nexport ORDER_DB_URL="postgres://x"\nkafka.brokers=a:1,b:2\n',
  })) {
    test(`of ${kind}, with or without a byte order mark`, async () => {
      for (const mark of ['', '\uFEFF']) {
        const { env, places } = await collect({ CONFIG_FILE: await file(mark + text), LOG_LEVEL: 'warn' })

        assert.deepEqual(
          [env['ORDER_DB_URL'], env['KAFKA_BROKERS'], env['LOG_LEVEL']],
          ['postgres://x', 'a:1,b:2', 'warn'],
        )
        assert.equal(places.length, 2)
      }
    })
  }

  test('of lines may have values over several of them, and Windows’ line ends', async () => {
    const text = '\r\n  # ours\r\nA="one\ntwo words\n"\nB=\'it"s\'\n export C = c # a comment\r\nempty=\nD=l\'été\n'
    const { env } = await collect({ CONFIG_FILE: await file(text) })

    assert.deepEqual([env['A'], env['B'], env['C'], env['D']], ['one\ntwo words\n', 'it"s', 'c', "l'été"])
  })

  for (const [fault, text] of Object.entries({
    'begins like JSON and is none': `{"ORDER_DB_URL": "${SECRET}"`,
    'line 1 is none': `just ${SECRET}`,
    'line 4 is none': `A="one\ntwo"\nB=b\n${SECRET}\nC=c`,
    'line 2 is none': `A=a\n=${SECRET}`,
    'line 3 is none': `# ours\n\nORDER DB URL=${SECRET}`,
  })) {
    test(`that is wrong gets a sentence that repeats nothing of it: ${fault}`, async () => {
      await refused(collect({ CONFIG_FILE: await file(text) }), new RegExp(fault))
    })
  }

  test('that is not there is named', async () => {
    await refused(collect({ CONFIG_FILE: '/nowhere/order.json' }), /\/nowhere\/order\.json .* there is no such file/)
  })

  async function file(text: string): Promise<string> {
    const path = join(folder, `config-${crypto.randomUUID()}`)
    await writeFile(path, text)
    return path
  }

  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'timesale-config-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  test('may say where the server is, and goes before it, as the environment goes before the file', async () => {
    await using server = await serve(answerOf({ ORDER_A: 'server', ORDER_B: 'server', ORDER_C: 'server' }))
    const path = await file(`CONFIG_URL=${server.url}\nCONFIG_PROFILE=sale\nCONFIG_LABEL=team/one\nB=file\nC=file\n`)

    const { env, places } = await collect({ CONFIG_FILE: path, C: 'environment' })

    const read = readEnv(env, 'ORDER_', (get) => [get.text('A'), get.text('B'), get.text('C')])
    assert.deepEqual(read, ['server', 'file', 'environment'])
    assert.deepEqual(server.asked, ['/order/sale/team(_)one'])
    assert.match(places.join('; '), /^the environment; the file .*; the configuration server http.* has one, two$/)
  })
})

describe('a configuration server', () => {
  test('is asked with user and password, which nobody else sees, below its path', async () => {
    const basic = `Basic ${Buffer.from(`us/er:${SECRET}:`).toString('base64')}`
    await using server = await serve((request, response) => {
      if (request.headers.authorization === basic) return answerOf({ x: 'right' })(request, response)
      response.writeHead(401).end()
    })
    const url = (password: string): string => server.url.replace('//', `//us%2Fer:${password}%3A@`)

    const { sources, place } = await ask(`${url(SECRET)}/config/`)

    assert.equal(sources[0]?.['X'], 'right')
    assert.deepEqual(server.asked, ['/config/order/default'])
    assert.ok(!place.includes(SECRET) && !place.includes('us'))
    await refused(ask(url(`not-${SECRET}`)), /answers 401: user or password .* is missing or wrong/)
  })

  test('that is away or slow at first is waited for, which is said once', async () => {
    let count = 0
    const left: ServerResponse[] = []
    await using server = await serve((request, response) => {
      count += 1
      if (count === 1) return response.writeHead(503).end()
      if (count === 2) return request.socket.destroy()
      if (count === 3) return left.push(response)
      return answerOf({ x: 'at last' })(request, response)
    })
    const said: string[] = []

    const { sources } = await ask(server.url, said, { tryMs: 500, allMs: 20_000 })

    assert.equal(sources[0]?.['X'], 'at last')
    assert.equal(count, 4)
    assert.equal(said.length, 1)
    assert.match(said[0] ?? '', /^order: waits for the configuration server http.*\/order\/default, which answers 503$/)
  })

  test('that stays away, or never comes to an end, is given up in time', async () => {
    await using hangs = await serve(() => undefined)
    await using drips = await serve((_request, response) => {
      response.writeHead(200)
      response.write('{"propertySources": [')
    })
    const gone = await serve(() => undefined)
    await gone[Symbol.asyncDispose]()
    const began = performance.now()

    await Promise.all([
      refused(ask(hangs.url), /does not answer \(too slow\); it was asked for 2 s/),
      refused(ask(drips.url), /does not answer \(too slow\)/),
      refused(ask(gone.url), /does not answer \(ECONNREFUSED\)/),
    ])

    assert.ok(performance.now() - began < 10_000)
    assert.ok(hangs.asked.length > 1)
  })

  for (const [what, body] of Object.entries({
    'no JSON': `<html>${SECRET}</html>`,
    'another JSON': `["${SECRET}"]`,
    'no sources': '{"name":"order"}',
    'a source that is none': `{"propertySources":[{"name":"a","source":"${SECRET}"}]}`,
  })) {
    test(`that answers ${what} gets a sentence at once`, async () => {
      await using server = await serve((_request, response) => response.writeHead(200).end(body))

      await refused(ask(server.url), /answers something else than Spring Cloud Config would/)
      assert.equal(server.asked.length, 1)
    })
  }

  test('that does not know the way, or sends elsewhere, is not asked again', async () => {
    await using server = await serve((request, response) =>
      response.writeHead(request.url?.startsWith('/login') === true ? 302 : 404, { location: '/order/default' }).end(),
    )

    await refused(ask(server.url), /answers 404\.$/)
    await refused(ask(`${server.url}/login`), /answers 302\.$/)
    assert.equal(server.asked.length, 2)
  })

  test('whose address is none gets a sentence that does not repeat it', async () => {
    for (const url of [`http//x:${SECRET}@h`, `ftp://x:${SECRET}@h`, SECRET])
      await refused(ask(url), /CONFIG_URL is not/)
  })

  test('that has nothing for this application is named so', async () => {
    await using server = await serve((_request, response) =>
      response.writeHead(200).end('{"name":"ordr","propertySources":[]}'),
    )

    assert.match((await ask(server.url)).place, /which has nothing for it$/)
  })
})

function collect(env: Record<string, string>): ReturnType<typeof collectConfiguration> {
  return collectConfiguration('order', env, () => undefined)
}

function ask(url: string, said: string[] = [], patience = { tryMs: 500, allMs: 2_000 }): Promise<ConfigAnswer> {
  const server = { url, profile: 'default', label: undefined }
  return askConfigServer(server, 'order', (text) => said.push(text), patience)
}

async function refused(work: Promise<unknown>, words: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof NoConfiguration, String(error))
    assert.match(error.message, words)
    assert.ok(!error.message.includes(SECRET), error.message)
    return true
  })
}

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

// As Spring has it: the first source goes before the second.
function answerOf(source: object): Answer {
  const propertySources = [
    { name: 'one', source },
    { name: 'two', source: { ...source, x: 'second' } },
  ]
  const answer = { name: 'order', profiles: ['default'], label: null, version: null, state: null, propertySources }
  return (_request, response) => response.writeHead(200).end(JSON.stringify(answer))
}

async function serve(answer: Answer): Promise<AsyncDisposable & { readonly url: string; readonly asked: string[] }> {
  const asked: string[] = []
  const server: Server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
