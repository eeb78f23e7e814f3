// Writes local/infrastructure/jars.json from local/infrastructure/kafka-pom.xml. For maintainers, after a change of the pom: needs Maven (`mvn`) and the network.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jarName } from '../local/infrastructure/jars.ts'
import type { Pin } from '../local/infrastructure/pins.ts'

const folder = join(import.meta.dirname, '../local/infrastructure')
const pins = resolvePom(join(folder, 'kafka-pom.xml'))
const redis = pins.filter((pin) => pin.artifact === 'embedded-redis')
const kafka = pins.filter((pin) => pin.artifact !== 'embedded-redis')
const names = new Set(pins.map(jarName))

if (redis.length !== 1) throw new Error('The pom must name embedded-redis.')
if (names.size !== pins.length)
  throw new Error('Two artifacts have the same name and version, so they cannot lie in one folder.')

writeFileSync(join(folder, 'jars.json'), `${JSON.stringify({ kafka, redis: redis[0] }, null, 2)}\n`)

const megabytes = kafka.reduce((sum, pin) => sum + pin.bytes, 0) / 1e6
console.log(`${kafka.length} jars for Kafka, ${megabytes.toFixed(1)} MB; one for Redis.`)

/** The run-time class path, sorted: no class is in two of the jars, and Maven lists them in another order each time. */
function resolvePom(pom: string): Pin[] {
  const scratch = mkdtempSync(join(tmpdir(), 'pin-jars-'))

  try {
    const list = join(scratch, 'list.txt')
    const maven = [
      '-B',
      '-q',
      '-f',
      pom,
      'dependency:list',
      '-DincludeScope=runtime',
      '-DoutputAbsoluteArtifactFilename=true',
      `-DoutputFile=${list}`,
    ]

    execFileSync('mvn', maven, { stdio: 'inherit' })

    // A line is `group:artifact:jar:version:scope:/the/file.jar -- module some.module.name`.
    const lines = readFileSync(list, 'utf8').matchAll(
      /^\s+([^:\s]+):([^:\s]+):jar:([^:\s]+):(?:compile|runtime):(.+?\.jar)(?:\s|$)/gm,
    )

    const found = Array.from(lines, ([, group = '', artifact = '', version = '', file = '']) => {
      const bytes = readFileSync(file)

      return { group, artifact, version, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length }
    })

    return found.sort((a, b) => (jarName(a) < jarName(b) ? -1 : 1))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
