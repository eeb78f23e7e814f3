import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { findJava, getJava, javaHelp, parseJavaVersion } from './java.ts'

test('the version is read from what every vendor prints', () => {
  assert.equal(parseJavaVersion('openjdk version "17.0.15" 2025-04-15'), 17)
  assert.equal(parseJavaVersion('java version "1.8.0_392"'), 8)
  assert.equal(parseJavaVersion('openjdk version "25-ea" 2025-09-16'), 25)
  assert.equal(parseJavaVersion('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21" 2023-09-19'), 21)
  assert.equal(parseJavaVersion('Unable to locate a Java Runtime.'), undefined)
})

test('JAVA_HOME comes before PATH', async () => {
  process.env['JAVA_HOME'] = installJava('home', '21.0.1')
  process.env['PATH'] = join(installJava('path', '17.0.1'), 'bin')

  assert.equal((await findJava())?.version, 21)
})

test('a JAVA_HOME that is too old gives way to a newer Java in PATH', async () => {
  process.env['JAVA_HOME'] = installJava('home', '11.0.2')
  process.env['PATH'] = join(installJava('path', '17.0.1'), 'bin')

  assert.equal((await findJava())?.version, 17)
})

test('where there is only an old Java, the help names it', async () => {
  delete process.env['JAVA_HOME']
  process.env['PATH'] = join(installJava('path', '1.8.0_392'), 'bin')

  assert.equal((await findJava())?.version, 8)
  await assert.rejects(getJava(), /path\/bin\/java is Java 8/)
})

test('where there is no Java, the help says how to get it and how to do without', async () => {
  delete process.env['JAVA_HOME']
  process.env['PATH'] = scratch

  assert.equal(await findJava(), undefined)
  for (const word of [
    '17 or newer',
    'none was found',
    'apt install',
    'dnf install',
    'brew install',
    'WSL',
    'KAFKA_BROKERS',
  ])
    assert.ok(javaHelp().includes(word), word)
})

const { JAVA_HOME: realHome, PATH: realPath } = process.env
let scratch = ''

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'timesale-java-'))
})

afterEach(() => {
  rmSync(scratch, { recursive: true })
  process.env['PATH'] = realPath
  if (realHome === undefined) delete process.env['JAVA_HOME']
  else process.env['JAVA_HOME'] = realHome
})

/** A Java that can do nothing but say its version. */
function installJava(name: string, version: string): string {
  const home = join(scratch, name)

  mkdirSync(join(home, 'bin'), { recursive: true })
  writeFileSync(join(home, 'bin', 'java'), `#!/bin/sh\necho 'openjdk version "${version}"' >&2\n`, { mode: 0o755 })

  return home
}
