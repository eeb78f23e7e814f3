import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { findProcess } from '@timesale/local/supervisor/process-table'
import { startInfrastructure, type Infrastructure } from './infrastructure.ts'
import { pausePostgres, pauseSessions } from './parts.ts'
import { until } from './until.ts'

const onlyOnLinux = process.platform === 'linux' ? {} : { skip: 'where shared memory has no files' }

test('a PostgreSQL that was used leaves no shared memory behind', onlyOnLinux, async () => {
  const infra = await startInfrastructure({ databases: ['order', 'stock'], serverEach: true })
  const shared = ['postgres-order', 'postgres-stock'].flatMap((name) => sharedMemoryOf(infra, name))
  assert.ok(shared.length >= 2 && shared.every((file) => existsSync(file)), shared.join())
  await infra[Symbol.asyncDispose]()
  assert.deepEqual(left(shared), [])
})

test('neither does one that hangs, or whose sessions do', onlyOnLinux, async () => {
  for (const pause of [pausePostgres, pauseThose]) {
    const infra = await startInfrastructure({ databases: ['order'] })
    const shared = sharedMemoryOf(infra, 'postgres')
    assert.ok(shared.length > 0)
    await pause(infra, 'order')
    await infra[Symbol.asyncDispose]()
    assert.deepEqual(left(shared), [])
  }
})

test('one that is killed takes its sessions along, also those that hang', async () => {
  await using infra = await startInfrastructure({ databases: ['order'] })
  const { pids } = await pauseSessions(infra, 'order', 'test')
  assert.ok(pids.length > 0)
  const postgres = infra.parts.get('postgres')
  await postgres?.kill()
  await until('they are gone', () => pids.every((pid) => findProcess(pid)?.zombie ?? true))
  // It tidies up the shared memory that the killed one has left.
  await postgres?.start()
})

test('one that has died by itself is at its end already', async () => {
  const infra = await startInfrastructure({ databases: ['order'] })
  const postgres = infra.parts.get('postgres')
  postgres?.signal('SIGQUIT')
  await until('it is gone', () => findProcess(postgres?.pid ?? 0) === undefined)
  await infra[Symbol.asyncDispose]()
})

async function pauseThose(infra: Infrastructure, service: string): Promise<void> {
  const { pids } = await pauseSessions(infra, service, 'test')
  assert.ok(pids.length > 0)
}

/** The files of shared memory that a server has open. */
function sharedMemoryOf(infra: Infrastructure, name: string): string[] {
  const maps = readFileSync(`/proc/${infra.parts.get(name)?.pid}/maps`, 'utf8')
  return [...new Set(maps.match(/\/dev\/shm\/PostgreSQL\.\d+/g))]
}

function left(files: readonly string[]): string[] {
  return files.filter((file) => existsSync(file))
}
