import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { buildConsole } from './console-build.ts'

let root: string
let builds = 0

beforeEach(async () => {
  builds = 0
  root = await mkdtemp(join(tmpdir(), 'timesale-console-'))
  for (const folder of ['console/pages', 'console/node_modules', 'contracts'])
    await mkdir(join(root, folder), { recursive: true })
  for (const file of ['console/main.tsx', 'contracts/console-api.ts', 'package-lock.json']) await change(file)
})

afterEach(() => rm(root, { recursive: true }))

test('is built once, and again when a source, a contract or a library changes', async () => {
  assert.equal(await build(), 'built')
  assert.equal(await build(), 'fresh')
  for (const file of ['console/pages/live.tsx', 'contracts/console-api.ts', 'package-lock.json']) {
    await change(file)
    assert.equal(await build(), 'built', file)
    assert.equal(await built(), String(builds))
  }
  for (const file of ['console/dist/index.html', 'console/node_modules/a.js', 'console/main.test.ts']) {
    await change(file)
    assert.equal(await build(), 'fresh', file)
  }
})

test('two that begin at once end with a whole build, and with nothing beside it', async () => {
  await build()
  await change('console/main.tsx')
  assert.deepEqual(await Promise.all([build(), build(), build()]), ['built', 'built', 'built'])
  assert.match(await built(), /^[234]$/)
  assert.equal(await build(), 'fresh')
  assert.deepEqual((await readdir(join(root, 'console'))).toSorted(), ['dist', 'main.tsx', 'node_modules', 'pages'])
})

test('a build that fails is told, and the one before stays', async () => {
  await build()
  await change('console/main.tsx')
  const failing = buildConsole({ root, make: () => Promise.reject(new Error('main.tsx: unexpected token')) })
  await assert.rejects(failing, /unexpected token/)
  assert.equal(await built(), '1')
  assert.equal(await build(), 'built')
})

function build(): Promise<'fresh' | 'built'> {
  return buildConsole({
    root,
    async make(_root, into) {
      builds += 1
      const content = String(builds)
      await mkdir(into)
      await writeFile(join(into, 'index.html'), content)
    },
  })
}

function built(): Promise<string> {
  return readFile(join(root, 'console/dist/index.html'), 'utf8')
}

function change(file: string): Promise<void> {
  return writeFile(join(root, file), crypto.randomUUID())
}
