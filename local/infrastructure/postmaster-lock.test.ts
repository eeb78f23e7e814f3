import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { disownStaleLock } from './postmaster-lock.ts'

test('a lock whose number another process got is disowned, and keeps what else it says', async () => {
  // A process that surely lives and is no server of this folder: init.
  writeFileSync(lock, '1\n/data\n1700000000\n5434\n')

  await disownStaleLock(folder)

  assert.equal(readFileSync(lock, 'utf8'), `${process.pid}\n/data\n1700000000\n5434\n`)
})

test('the lock of a server that runs on this folder is left alone', async () => {
  const server = spawn('/bin/sh', ['-c', 'read line', 'postgres', folder])

  try {
    writeFileSync(lock, `${server.pid}\n${folder}\n`)
    await disownStaleLock(folder)

    assert.equal(readFileSync(lock, 'utf8'), `${server.pid}\n${folder}\n`)
  } finally {
    server.kill()
  }
})

test('without a lock nothing is made', async () => {
  await disownStaleLock(folder)

  assert.deepEqual(readdirSync(folder), [])
})

let folder = ''
let lock = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'timesale-lock-'))
  lock = join(folder, 'postmaster.pid')
})

afterEach(() => rmSync(folder, { recursive: true }))
