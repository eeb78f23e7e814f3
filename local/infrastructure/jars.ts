import { createHash } from 'node:crypto'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheFolder } from './cache-folder.ts'
import { removeHalfMade, writeWhole } from './made-whole.ts'
import { fetchFromMavenCentral } from './maven-central.ts'
import type { Pin, Pins } from './pins.ts'

/** Called after each file that had to be fetched; never when everything is in the cache. */
export type JarProgress = (done: number, total: number, name: string) => void

export interface JarOptions {
  readonly onProgress?: JarProgress | undefined
  readonly fetchJar?: (pin: Pin, signal: AbortSignal) => Promise<Uint8Array>
  readonly retryAfterMs?: number
}

/**
 * The jars' paths, in the order of the pins. All are hashed at every call, which takes 40 ms for Kafka's 46 MB once they are
 * in the page cache: no marker file that could outlive what it vouches for.
 */
export async function ensureJars(pins: Pins, options: JarOptions = {}): Promise<string[]> {
  const folder = cacheFolder('jars')

  await makeCacheFolder(folder)

  const paths = pins.map((pin) => join(folder, jarName(pin)))
  const wanted: Pin[] = []

  // One after the other: the supervisor would keep for ever what all of them take at once.
  for (const [index, pin] of pins.entries()) {
    if (!(await isWhole(paths[index] ?? '', pin))) wanted.push(pin)
  }

  if (wanted.length > 0) {
    await fetchAll(wanted, folder, options)
  }

  return paths
}

/** What a file is called in the cache, also when a person puts it there. */
export function jarName(pin: Pin): string {
  return `${pin.artifact}-${pin.version}.jar`
}

async function makeCacheFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (cause) {
    throw new Error(`Cannot make the folder ${folder} for what is fetched once. Name another one in TIMESALE_CACHE.`, {
      cause,
    })
  }
}

async function isWhole(path: string, pin: Pin): Promise<boolean> {
  const file = await open(path).catch(() => undefined)

  if (!file) return false

  try {
    const hash = createHash('sha256')
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)

    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES)

      if (bytesRead === 0) return hash.digest('hex') === pin.sha256
      hash.update(chunk.subarray(0, bytesRead))
    }
  } catch {
    return false
  } finally {
    await file.close()
  }
}

const CHUNK_BYTES = 256 * 1024

function isPinned(content: Uint8Array, pin: Pin): boolean {
  return createHash('sha256').update(content).digest('hex') === pin.sha256
}

async function fetchAll(wanted: Pins, folder: string, options: JarOptions): Promise<void> {
  // Big ones first, so that no lane is left with the longest at the end.
  const queue = wanted.toSorted((a, b) => b.bytes - a.bytes)
  const failure = new AbortController()
  let done = 0

  const lane = async () => {
    for (let pin = queue.shift(); pin; pin = queue.shift()) {
      const path = join(folder, jarName(pin))

      await removeHalfMade(path, 3_600_000)
      // Another process may have put it there meanwhile, and may be running from it; so a wrong file is replaced in one step, never deleted first.
      if (!(await isWhole(path, pin))) await writeWhole(path, await fetchPatiently(pin, failure.signal, options))
      done += 1
      options.onProgress?.(done, wanted.length, jarName(pin))
    }
  }

  try {
    await Promise.all([lane(), lane(), lane(), lane()])
  } catch (cause) {
    failure.abort()
    throw cause instanceof Unfetchable ? new Error(absence(cause, wanted.length - done, folder), { cause }) : cause
  }
}

async function fetchPatiently(pin: Pin, signal: AbortSignal, options: JarOptions): Promise<Uint8Array> {
  const { fetchJar = fetchFromMavenCentral, retryAfterMs = 300 } = options

  for (let attempt = 1; ; attempt += 1) {
    try {
      const content = await fetchJar(pin, signal)

      if (isPinned(content, pin)) return content
      throw new Error(
        `what came (${content.length} bytes) is not what is pinned (${pin.bytes} bytes, sha256 ${pin.sha256})`,
      )
    } catch (cause) {
      if (attempt === attemptsMax || signal.aborted) throw new Unfetchable(pin, cause)
    }

    await sleep(retryAfterMs * 4 ** (attempt - 1))
  }
}

const attemptsMax = 4

class Unfetchable extends Error {
  override name = 'Unfetchable'
  readonly pin: Pin

  constructor(pin: Pin, cause: unknown) {
    super(`Could not fetch ${jarName(pin)}.`, { cause })
    this.pin = pin
  }
}

function absence({ pin, cause }: Unfetchable, count: number, folder: string): string {
  return `Could not fetch ${jarName(pin)}${count > 1 ? ` (one of ${count} files still missing)` : ''}: ${reasonOf(cause)}
These files come from Maven Central, once. Check the network and start again; what has arrived is kept.
  Behind a proxy:     set HTTPS_PROXY and NODE_USE_ENV_PROXY=1.
  By hand:            put ${pin.group}:${pin.artifact}:${pin.version} at ${join(folder, jarName(pin))}; all of them are listed in local/infrastructure/jars.json.
  Without any of it:  use servers of your own, KAFKA_BROKERS=host:9092 REDIS_URL=redis://host:6379 npm start`
}

/** `fetch` says only "fetch failed"; the reason is in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause instanceof Error) return `${error.message}: ${reasonOf(error.cause)}`

  return error.message
}
