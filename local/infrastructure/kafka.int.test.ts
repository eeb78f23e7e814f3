import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { servicePorts } from '@timesale/testkit/infrastructure'
import { until } from '@timesale/testkit/until'
import type { Part } from '../part.ts'
import { kafkaParts, kafkaTool } from './kafka.ts'
import { type StartedPart, startPart } from './started-part.ts'

test('a broker keeps its records when it is stopped, and when it is killed', async () => {
  const { parts } = await setup(1)
  const [part] = parts

  assert.ok(part)
  await start(parts)
  await tool(part, 'topics', ['--create', '--topic', 'kept', '--partitions', '1'])
  await produce(part, 'kept', '{"first":"첫째"}\n')
  await started[0]?.end(part.stopSignal)
  assert.equal(await part.ready(), false)

  await start(parts)
  await produce(part, 'kept', '{"second":2}\n')
  await started[0]?.end('SIGKILL')

  await start(parts)
  assert.equal(
    await tool(part, 'console-consumer', ['--topic', 'kept', '--from-beginning', '--max-messages', '2']),
    '{"first":"첫째"}\n{"second":2}\n',
  )
})

test('three brokers are one cluster, and it outlives the kill of one', async () => {
  const { parts } = await setup(3)
  const [, second, third] = parts

  assert.ok(second && third)
  await start(parts)
  await started[0]?.end('SIGKILL')

  await until('the second goes on', () => second.ready())
  await tool(second, 'topics', ['--create', '--topic', 'kept', '--partitions', '1', '--replication-factor', '2'])
  // It may hear of the topic later than the one that was asked to make it.
  await until('the third knows it', async () =>
    /ReplicationFactor: 2.*min\.insync\.replicas=2/.test(
      await tool(third, 'topics', ['--describe', '--topic', 'kept']),
    ),
  )
})

test('a format that was killed half way leaves nothing that is taken for a storage', async () => {
  const { parts, dataDir } = await setup(1)
  const making = spawn(process.execPath, ['--input-type=module', '-e', preparation(dataDir)], {
    detached: true,
    stdio: 'ignore',
  })
  const over = once(making, 'exit')
  const brokerDir = join(dataDir, 'kafka-1')

  while (making.exitCode === null && globSync(join(brokerDir, '.*', 'data')).length === 0) await sleep(2)
  assert.equal(making.exitCode, null)
  // The whole group, Java among it.
  process.kill(-(making.pid ?? 0), 'SIGKILL')
  await over
  assert.equal(existsSync(join(brokerDir, 'data')), false)

  await start(parts)
  assert.deepEqual(readdirSync(brokerDir).toSorted(), ['data', 'server.properties'])
})

test('a folder of one broker is not opened as one of three', async () => {
  const { parts, dataDir } = await setup(1)

  await parts[0]?.prepare()

  const asThree = kafkaPartsOn(dataDir, 3, await servicePorts(9))

  await assert.rejects(async () => asThree[0]?.prepare(), /cluster of 1.*--brokers 1/)
})

test('a mistyped topic does not become one; a broker that hangs is not ready, and that is known within a second', async () => {
  const { parts } = await setup(1)
  const [part] = parts

  assert.ok(part)
  await start(parts)
  // A consumer asks for its topic to be made if there is none.
  await tool(part, 'console-consumer', ['--topic', 'mistyped', '--timeout-ms', '500'])
  assert.equal((await tool(part, 'topics', ['--list', '--exclude-internal'])).trim(), '')

  process.kill(started[0]?.pid ?? 0, 'SIGSTOP')

  // By one clock, which is late for both where the machine is.
  assert.equal(await Promise.race([part.ready(), sleep(1_000, 'later')]), false)
})

let root = ''
let started: StartedPart[] = []

before(() => {
  root = mkdtempSync(join(tmpdir(), 'timesale 시간 '))
})

afterEach(async () => {
  await Promise.all(started.map((part) => part.end('SIGKILL')))
  started = []
})

after(() => rmSync(root, { recursive: true, force: true }))

async function setup(brokers: number): Promise<{ parts: Part[]; dataDir: string }> {
  const dataDir = mkdtempSync(join(root, 'test-'))

  return { parts: kafkaPartsOn(dataDir, brokers, await servicePorts(3 * brokers)), dataDir }
}

function kafkaPartsOn(dataDir: string, brokers: number, ports: readonly number[]): Part[] {
  const portsOf = (broker: number) => ports.slice(3 * (broker - 1))

  return kafkaParts({
    brokers,
    dataDir,
    ports: (broker) => {
      const [internal = 0, outside = 0, controller = 0] = portsOf(broker)

      return { internal, outside, controller }
    },
  })
}

async function start(parts: readonly Part[]): Promise<void> {
  // Three at once share two cores.
  started = await Promise.all(parts.map((part) => startPart(part, 60_000)))
}

async function tool(part: Part, name: string, args: readonly string[]): Promise<string> {
  const command = await kafkaTool(name, ['--bootstrap-server', `127.0.0.1:${part.port}`, ...args])
  const { stdout } = await promisify(execFile)(command.file, command.args)

  return stdout
}

async function produce(part: Part, topic: string, lines: string): Promise<void> {
  const { file, args } = await kafkaTool('console-producer', [
    '--bootstrap-server',
    `127.0.0.1:${part.port}`,
    '--topic',
    topic,
  ])
  const producer = spawn(file, args, { stdio: ['pipe', 'ignore', 'inherit'] })

  producer.stdin.end(lines)
  await once(producer, 'exit')
}

function preparation(dataDir: string): string {
  const module = JSON.stringify(new URL('kafka.ts', import.meta.url).href)
  const ports = '() => ({ internal: 1, outside: 2, controller: 3 })'

  return `const { kafkaParts } = await import(${module}); await kafkaParts({ brokers: 1, ports: ${ports}, dataDir: ${JSON.stringify(dataDir)} })[0].prepare()`
}
