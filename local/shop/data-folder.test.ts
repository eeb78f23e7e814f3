import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Complaint } from '../commands/command-line.ts'
import { findDataFolder, openDataFolder, wipeDataFolder, writeJson } from './data-folder.ts'

test('a folder with all that a shop and its commands write is taken, and wiped whole', async () => {
  await using data = await setup()
  const { settings, secrets, pids, supervisor, operatorSession, catalogueMarker } = data.folder
  for (const file of [settings, secrets, pids, supervisor, operatorSession, catalogueMarker]) writeJson(file, {})
  // Of a writer that was killed meanwhile.
  writeFileSync(`${operatorSession}.123`, '{')
  openDataFolder(data.folder)
  assert.deepEqual(await wipeDataFolder(data.folder), [])
  assert.deepEqual(readdirSync(data.folder.path), [])
})

test("a folder with somebody else's files is refused by their names, and a reset leaves them alone", async () => {
  await using data = await setup()
  writeFileSync(join(data.folder.path, 'thesis.txt'), 'all of it')
  assert.throws(
    () => openDataFolder(data.folder),
    (error: unknown) => error instanceof Complaint && /thesis\.txt/.test(error.message),
  )
  assert.deepEqual(await wipeDataFolder(data.folder), ['thesis.txt'])
  assert.deepEqual(readdirSync(data.folder.path), ['thesis.txt'])
})

async function setup() {
  const path = mkdtempSync(join(tmpdir(), 'data-folder-'))
  return { folder: await findDataFolder(path), [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}
