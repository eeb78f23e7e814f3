import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { classArchiveOptions } from './class-archive.ts'

test('a broker without an archive writes one when it ends, and the next uses it', async () => {
  const [toWrite = ''] = await options(true)

  assert.match(toWrite, /^-XX:ArchiveClassesAtExit=/)
  writeFileSync(toWrite.slice(toWrite.indexOf('=') + 1), 'a header, and classes')

  assert.match((await options(true)).join(), /^-XX:SharedArchiveFile=.*\.jsa$/)
  assert.match((await options(false)).join(), /^-XX:SharedArchiveFile=.*\.jsa$/)
})

test('an archive whose writer was killed is not used', async () => {
  const [toWrite = ''] = await options(true)

  writeFileSync(toWrite.slice(toWrite.indexOf('=') + 1), Buffer.alloc(4096))

  assert.match((await options(true)).join(), /^-XX:ArchiveClassesAtExit=/)
})

test('a tool that finds no archive does not write one', async () => {
  assert.deepEqual(await options(false), [])
})

test('another Java, or a jar that was fetched again, does not get the old archive', async () => {
  const [toWrite = ''] = await options(true)

  writeFileSync(toWrite.slice(toWrite.indexOf('=') + 1), 'a header, and classes')
  await options(false)

  assert.deepEqual(await options(false, 'openjdk 21'), [])
  writeFileSync(jar, 'a jar with something else in it')
  assert.deepEqual(await options(false), [])
  assert.equal(readdirSync(join(scratch, 'class-archives')).length, 1)
})

let scratch = ''
let jar = ''

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'timesale-archive-'))
  process.env['TIMESALE_CACHE'] = scratch
  jar = join(scratch, 'kafka.jar')
  writeFileSync(jar, 'a jar')
})

afterEach(() => rmSync(scratch, { recursive: true }))

function options(mayWrite: boolean, banner = 'openjdk 17'): Promise<string[]> {
  return classArchiveOptions({ path: '/java', version: 17, banner }, [jar], mayWrite)
}
