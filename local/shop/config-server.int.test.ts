import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { isTaken } from '@timesale/testkit/infrastructure'
import { until } from '@timesale/testkit/until'
import { ConfigServer, configUrl } from './config-server.ts'
import { cloneRoot, findDataFolder } from './data-folder.ts'
import { portsWithOffset, serviceNames, type ServiceName } from './ports.ts'
import { makeSecrets } from './secrets.ts'
import { describeShop, type Shop } from './shop.ts'

// Each service as a process, with nothing from the person who starts it but where to ask. None needs its servers to start.

/** All at once, on a machine that may be busy with other things. */
const LIVE_WITHIN_MS = 120_000

test('every service starts with its name and the URL of the server, and tells nothing that is secret', async () => {
  await Promise.all(
    serviceNames.map(async (name) => {
      await using process = start(name, { CONFIG_URL: url() })
      const lives = async (): Promise<boolean> => {
        assert.equal(process.exitCode(), null, process.output())
        return (await fetch(`http://127.0.0.1:${shop.ports.service(name)}/livez`)).status === 200
      }
      await until(`${name} lives`, lives, LIVE_WITHIN_MS)
      process.stop()
      assert.equal(await process.ended, 0, process.output())
      tellsNoSecret(process.output())
    }),
  )
})

test('what is missing is named with all else that is, and where it was looked for', async () => {
  await using process = start('order', { CONFIG_URL: url(), CONFIG_PROFILE: 'empty' })
  await using nothing = start('order', {})

  for (const { ended, output } of [process, nothing]) {
    assert.equal(await ended, 1)
    for (const key of ['DB_URL', 'KAFKA_BROKERS', 'REDIS_URL']) {
      assert.match(output(), new RegExp(`ORDER_${key} \\(or ${key}\\) is missing`))
    }
    assert.doesNotMatch(output(), /\n +at /)
  }
  const { config } = shop.ports
  const looked = `the environment; then the configuration server http://127.0.0.1:${config}/order/empty, which has none`
  assert.ok(process.output().includes(`Looked in: ${looked}.`), process.output())
  assert.ok(nothing.output().includes('Looked in: the environment.'), nothing.output())
  tellsNoSecret(process.output())
})

test('a value that cannot be right gets a sentence, together with all others', async () => {
  const wrong = {
    ...{ HTTP_PORT: '70000', LOG_LEVEL: 'loud', REDIS_URL: 'http://localhost:6379', DB_POOL_SIZE: '0' },
    ...{ KAFKA_BROKERS: 'localhost:9092,other', ORDER_DB_URL: 'mysql://order:sesame@localhost/order' },
  }
  await using process = start('order', { CONFIG_URL: url(), ...wrong })

  assert.equal(await process.ended, 1)
  for (const sentence of [
    'ORDER_HTTP_PORT is not a whole number from 0 to 65535: 70000',
    'ORDER_LOG_LEVEL is none of trace, debug, info, warn, error, fatal, silent: loud',
    'ORDER_REDIS_URL is not a URL that begins with redis:// or rediss://',
    'ORDER_DB_POOL_SIZE is not a whole number from 1 to 1000: 0',
    'ORDER_KAFKA_BROKERS: item 2 of the list is not host:port',
    'ORDER_DB_URL is not a URL that begins with postgres:// or postgresql://',
  ]) {
    assert.ok(process.output().includes(sentence), `${sentence}\n${process.output()}`)
  }
  assert.doesNotMatch(process.output(), /\n +at |sesame/)
})

test('a server that is away is waited for; who is told to stop meanwhile ends at once', async () => {
  await using process = start('order', { CONFIG_URL: configUrl(shop.ports.service('order'), 'sesame') })
  await until('it says so', () => process.output().includes('order: waits for the configuration server'))

  process.stop()

  assert.equal(await process.ended, 0)
  assert.doesNotMatch(process.output(), /sesame/)
})

test('a wrong password and a taken port get a sentence', async () => {
  const { config } = shop.ports
  await using stranger = start('order', { CONFIG_URL: configUrl(config, 'sesame') })
  await using second = start('order', { CONFIG_URL: url(), HTTP_PORT: String(config) })

  assert.deepEqual([await stranger.ended, await second.ended], [1, 1])
  assert.match(stranger.output(), /^The configuration server .* answers 401: user or password .*\n$/)
  assert.match(
    second.output(),
    new RegExp(`^The port ${config} of 127\\.0\\.0\\.1 is taken by another process\\.$`, 'm'),
  )
  assert.doesNotMatch(stranger.output() + second.output(), /sesame|\n +at /)
})

test('the server tells nothing to who has no password, and nothing else than configurations', async () => {
  const { config } = shop.ports
  const credentials = `Basic ${Buffer.from(`timesale:${secrets.configPassword}`).toString('base64')}`
  const status = async (path: string, authorization?: string, method = 'GET'): Promise<number> => {
    const headers = authorization === undefined ? {} : { authorization }
    return (await fetch(`http://127.0.0.1:${config}${path}`, { method, headers })).status
  }

  assert.equal(await status('/order/default', credentials), 200)
  assert.equal(await status('/order/default?x=1', credentials), 200)
  assert.equal(await status('/order/default'), 401)
  assert.equal(await status('/order/default', `${credentials.slice(0, -2)}==`), 401)
  for (const path of ['/', '/order', '/order/a/b/c']) assert.equal(await status(path, credentials), 404)
  assert.equal(await status('/order/default', credentials, 'POST'), 404)
  const stranger = await fetch(`http://127.0.0.1:${config}/stranger/default`, {
    headers: { authorization: credentials },
  })
  assert.deepEqual(await stranger.json(), {
    ...{ name: 'stranger', profiles: ['default'], label: null, version: null, state: null, propertySources: [] },
  })
})

const secrets = makeSecrets()
let shop: Shop
let server: ConfigServer

before(async () => {
  const folder = await findDataFolder('/nowhere/data')
  const settings = { portOffset: await freeOffset(), brokers: 1 as const }
  shop = describeShop({ settings, folder, secrets, env: {} })
  server = new ConfigServer({
    password: secrets.configPassword,
    sourcesOf: (application, profile) =>
      profile === 'empty' ? [{ name: 'none', source: {} }] : shop.configOf(application),
  })
  await server.listen(shop.ports.config)
})

after(() => server[Symbol.asyncDispose]())

function url(): string {
  return configUrl(shop.ports.config, secrets.configPassword)
}

function start(name: ServiceName, env: Record<string, string>) {
  let output = ''
  const child = spawn(process.execPath, [join(cloneRoot, 'services', name, 'main.ts')], {
    cwd: cloneRoot,
    env: { PATH: process.env['PATH'] ?? '', DRAIN_MS: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()))
  const closed = once(child, 'close').then(([code]) => code as number | null)
  return {
    output: () => output,
    exitCode: () => child.exitCode,
    stop: () => child.kill('SIGTERM'),
    /** The exit code, when all that it wrote has been read. */
    ended: closed,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

function tellsNoSecret(output: string): void {
  const { d: signingKey } = JSON.parse(secrets.gatewaySigningKey) as { d: string }
  for (const secret of [signingKey, secrets.accountKeySecret, secrets.configPassword, '_local:']) {
    assert.ok(!output.includes(secret), output)
  }
}

/** With ports that other tests, which take theirs from 20,000 on, do not give to anybody meanwhile. */
async function freeOffset(): Promise<number> {
  for (;;) {
    const offset = randomInt(10_000, 11_000)
    const ports = portsWithOffset(offset)
    const taken = await Promise.all([ports.config, ...serviceNames.map((name) => ports.service(name))].map(isTaken))
    if (!taken.includes(true)) return offset
  }
}
