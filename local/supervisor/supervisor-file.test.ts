import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findDataFolder } from '../shop/data-folder.ts'
import { claim, release, runningSupervisor } from './supervisor-file.ts'

const control = { port: 1, token: 'secret' }

test('a data folder is taken once, and free again after its release', async () => {
  await using data = await setup()
  assert.equal(claim(data.folder, control), undefined)
  assert.equal(claim(data.folder, control)?.pid, process.pid)
  assert.equal(runningSupervisor(data.folder)?.token, 'secret')
  release(data.folder)
  assert.equal(runningSupervisor(data.folder), undefined)
  assert.equal(claim(data.folder, control), undefined)
})

test('the file of a supervisor that was killed does not count, nor does half of one', async () => {
  await using data = await setup()
  for (const left of [JSON.stringify({ pid: process.pid, startTime: 'another', ...control }), '{"pid": 1']) {
    writeFileSync(data.folder.supervisor, left)
    assert.equal(runningSupervisor(data.folder), undefined)
    assert.equal(claim(data.folder, control), undefined)
    release(data.folder)
  }
  assert.deepEqual(readdirSync(data.folder.path), [])
})

test('only the user can read the token', async () => {
  await using data = await setup()
  claim(data.folder, control)
  assert.equal(statSync(data.folder.supervisor).mode & 0o777, 0o600)
})

async function setup() {
  const path = mkdtempSync(join(tmpdir(), 'supervisor-file-'))
  return { folder: await findDataFolder(path), [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}
