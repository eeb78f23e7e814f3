import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { servicePorts } from '@timesale/testkit/infrastructure'
import { until } from '@timesale/testkit/until'
import { Client } from 'pg'
import type { Part } from '../part.ts'
import { localSuperuser, postgresPart } from './postgres.ts'
import { type StartedPart, startPart } from './started-part.ts'

test('a server keeps its data when it is stopped, and when it is killed', async () => {
  const { part } = await setup()

  server = await startPart(part)
  await ask(part, 'create table kept (number int)')
  await ask(part, 'insert into kept values (1)')
  await server.end(part.stopSignal)
  assert.equal(await part.ready(), false)

  server = await startPart(part)
  await ask(part, 'insert into kept values (2)')
  await server.end('SIGKILL')

  server = await startPart(part)
  assert.deepEqual(await ask(part, 'select number from kept order by number'), [{ number: 1 }, { number: 2 }])
})

test('a server writes through to the disk, and sorts alike on every system', async () => {
  const { part } = await setup()

  server = await startPart(part)

  assert.deepEqual(
    await ask(
      part,
      `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit, current_setting('server_encoding') as encoding`,
    ),
    [{ fsync: 'on', commit: 'on', encoding: 'UTF8' }],
  )
  assert.deepEqual(await ask(part, `select upper('é') as upper, 'Z' < 'a' as by_code_point`), [
    { upper: 'É', by_code_point: true },
  ])
})

test('an initdb that was killed half way leaves nothing that is taken for a server', async () => {
  const { part, dataDir, folder } = await setup()
  const making = spawn(process.execPath, ['--input-type=module', '-e', preparation(dataDir)], {
    detached: true,
    stdio: 'ignore',
  })
  const over = once(making, 'exit')

  while (
    making.exitCode === null &&
    !readdirSync(folder).some((name) => existsSync(join(folder, name, 'data', 'base')))
  )
    await sleep(2)
  assert.equal(making.exitCode, null)
  // The whole group, initdb among it.
  process.kill(-(making.pid ?? 0), 'SIGKILL')
  await over
  assert.equal(existsSync(dataDir), false)

  server = await startPart(part)
  assert.deepEqual(await ask(part, 'select 1 as one'), [{ one: 1 }])
  assert.deepEqual(readdirSync(folder), ['server'])
})

test('a server starts although the number of its killed forerunner belongs to another process now', async () => {
  const { part, dataDir } = await setup()

  server = await startPart(part)
  await server.end('SIGKILL')

  const { uid, gid } = await part.launch()
  const stranger = spawn('sleep', ['60'], { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) })
  const lock = join(dataDir, 'postmaster.pid')

  try {
    writeFileSync(lock, readFileSync(lock, 'utf8').replace(/^\d+/, `${stranger.pid}`))
    server = await startPart(part)
    assert.deepEqual(await ask(part, 'select 1 as one'), [{ one: 1 }])
  } finally {
    stranger.kill()
  }
})

test('a server that hangs is not ready, and that is known within a second', async () => {
  const { part } = await setup()

  server = await startPart(part)
  process.kill(server.pid, 'SIGSTOP')

  // By one clock, which is late for both where the machine is.
  assert.equal(await Promise.race([part.ready(), sleep(1_000, 'later')]), false)
  process.kill(server.pid, 'SIGCONT')
  await until('it is ready again', () => part.ready())
})

test("a server is made under a root's strictest umask", async () => {
  const { part, folder } = await setup()
  const deep = postgresPart({ service: 'test', port: part.port, dataDir: join(folder, 'not', 'yet', 'there') })
  const usual = process.umask(0o077)

  try {
    server = await startPart(deep)
  } finally {
    process.umask(usual)
  }

  await until('it is ready', () => deep.ready())
})

test('another server on the port is not taken for this one', async () => {
  const { part, folder } = await setup()

  server = await startPart(part)

  assert.equal(await postgresPart({ service: 'other', port: part.port, dataDir: join(folder, 'other') }).ready(), false)
})

test('a folder with something else in it is left as it is', async () => {
  const { part, folder } = await setup()
  const wrong = postgresPart({ service: 'test', port: part.port, dataDir: folder })

  writeFileSync(join(folder, 'thesis.txt'), 'years of work')

  await assert.rejects(wrong.prepare(), /not empty/)
  assert.deepEqual(readdirSync(folder), ['thesis.txt'])
})

let root = ''
let server: StartedPart | undefined

before(() => {
  root = mkdtempSync(join(tmpdir(), 'timesale 시간 '))
  // For root, whose server runs as another user.
  chmodSync(root, 0o755)
})

afterEach(async () => {
  await server?.[Symbol.asyncDispose]()
  server = undefined
})

after(() => rmSync(root, { recursive: true, force: true }))

async function setup(): Promise<{ part: Part; dataDir: string; folder: string }> {
  const folder = mkdtempSync(join(root, 'test-'))

  chmodSync(folder, 0o755)

  const dataDir = join(folder, 'server')
  const [port] = await servicePorts(1)

  return { part: postgresPart({ service: 'test', port, dataDir }), dataDir, folder }
}

function preparation(dataDir: string): string {
  const module = JSON.stringify(new URL('postgres.ts', import.meta.url).href)

  return `const { postgresPart } = await import(${module}); await postgresPart({ service: 'test', port: 1, dataDir: ${JSON.stringify(dataDir)} }).prepare()`
}

async function ask(part: Part, sql: string): Promise<unknown[]> {
  const client = new Client({ host: part.host, port: part.port, ...localSuperuser, database: 'postgres' })

  await client.connect()

  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
