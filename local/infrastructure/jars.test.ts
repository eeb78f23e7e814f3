import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { ensureJars, type JarOptions, jarName } from './jars.ts'
import type { Pin } from './pins.ts'

test('what is missing is fetched once, and handed back in the order of the pins', async () => {
  const small = pinOf('small', 'a')
  const big = pinOf('big', 'b'.repeat(1000))
  const source = sourceOf({ small: ['a'], big: ['b'.repeat(1000)] })

  const paths = await ensureJars([small, big], source.options)
  const again = await ensureJars([small, big], source.options)

  assert.deepEqual(
    paths.map((path) => basename(path)),
    ['small-1.jar', 'big-1.jar'],
  )
  assert.deepEqual(again, paths)
  assert.deepEqual(source.fetched.toSorted(), ['big', 'small'])
  assert.deepEqual(source.progress, ['1/2', '2/2'])
})

test('four are fetched at once, the biggest ones first', async () => {
  const names = ['small', 'big-1', 'big-2', 'big-3', 'big-4']
  const content = (name: string) => name.padEnd(name === 'small' ? 10 : 1000)
  const asked: string[] = []
  const four = Promise.withResolvers<void>()

  await ensureJars(
    names.map((name) => pinOf(name, content(name))),
    {
      fetchJar: async ({ artifact }) => {
        asked.push(artifact)
        if (asked.length === 4) four.resolve()
        await four.promise

        return Buffer.from(content(artifact))
      },
    },
  )

  assert.equal(asked.length, 5)
  assert.equal(asked[4], 'small')
})

test('a partial jar in the cache is fetched again', async () => {
  const pin = pinOf('kafka', 'the whole jar')
  const source = sourceOf({ kafka: ['the whole jar'] })

  writeFileSync(join(jarFolder(), jarName(pin)), 'the who')
  const [path = ''] = await ensureJars([pin], source.options)

  assert.equal(readFileSync(path, 'utf8'), 'the whole jar')
})

test('a jar of the right size with another content is fetched again', async () => {
  const pin = pinOf('kafka', 'the whole jar')
  const source = sourceOf({ kafka: ['the whole jar'] })

  writeFileSync(join(jarFolder(), jarName(pin)), 'the wrong jar')
  const [path = ''] = await ensureJars([pin], source.options)

  assert.equal(readFileSync(path, 'utf8'), 'the whole jar')
})

test('a download that breaks or brings something else is tried again, and never seen under the name of the jar', async () => {
  const pin = pinOf('kafka', 'the whole jar')
  const source = sourceOf({ kafka: [new Error('reset by peer'), 'the who', 'the whole jar'] })

  const [path = ''] = await ensureJars([pin], source.options)

  assert.equal(readFileSync(path, 'utf8'), 'the whole jar')
  assert.equal(source.fetched.length, 3)
  assert.deepEqual(readdirSync(jarFolder()), ['kafka-1.jar'])
})

test('without a network the message names the reason, the place for a file put there by hand, and the way without it', async () => {
  const pin = pinOf('kafka', 'the whole jar')
  const refused = new TypeError('fetch failed', { cause: new Error('no such host') })
  const source = sourceOf({ kafka: [refused, refused, refused, refused] })

  await assert.rejects(ensureJars([pin], source.options), (error: Error) => {
    assert.match(error.message, /fetch failed: no such host/)
    assert.ok(error.message.includes(join(jarFolder(), 'kafka-1.jar')))
    assert.match(error.message, /org\.example:kafka:1/)
    assert.match(error.message, /KAFKA_BROKERS/)

    return true
  })
})

test('two that fetch at the same time both end with whole jars', async () => {
  const pin = pinOf('kafka', 'the whole jar')
  const source = sourceOf({ kafka: ['the whole jar', 'the whole jar'] })

  const [[first = ''], [second = '']] = await Promise.all([
    ensureJars([pin], source.options),
    ensureJars([pin], source.options),
  ])

  assert.equal(first, second)
  assert.equal(readFileSync(first, 'utf8'), 'the whole jar')
  assert.deepEqual(readdirSync(jarFolder()), ['kafka-1.jar'])
})

test('what a killed process left half written is swept away, but not what another may still be writing', async () => {
  const pin = pinOf('kafka', 'the whole jar')
  const old = join(jarFolder(), leftover('a'))

  writeFileSync(old, 'the who')
  utimesSync(old, 0, 0)
  writeFileSync(join(jarFolder(), leftover('b')), 'the who')
  await ensureJars([pin], sourceOf({ kafka: ['the whole jar'] }).options)

  assert.deepEqual(readdirSync(jarFolder()).toSorted(), [leftover('b'), 'kafka-1.jar'])
})

let cache = ''

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'timesale-jars-'))
  process.env['TIMESALE_CACHE'] = cache
  mkdirSync(jarFolder())
})

afterEach(() => rmSync(cache, { recursive: true }))

function jarFolder(): string {
  return join(cache, 'jars')
}

function leftover(letter: string): string {
  return `.kafka-1.jar.${letter.repeat(36)}.half-made`
}

function pinOf(artifact: string, content: string): Pin {
  return {
    group: 'org.example',
    artifact,
    version: '1',
    sha256: createHash('sha256').update(content).digest('hex'),
    bytes: content.length,
  }
}

/** Stands in for Maven Central: for each artifact, what it answers one time after the other. */
function sourceOf(answers: Record<string, (string | Error)[]>) {
  const fetched: string[] = []
  const progress: string[] = []
  const options: JarOptions = {
    retryAfterMs: 0,
    onProgress: (done, total) => progress.push(`${done}/${total}`),
    fetchJar: async ({ artifact }) => {
      fetched.push(artifact)

      const answer = answers[artifact]?.shift()

      if (answer === undefined) throw new Error(`${artifact} was asked for once too often.`)
      if (answer instanceof Error) throw answer

      return Buffer.from(answer)
    },
  }

  return { fetched, progress, options }
}
