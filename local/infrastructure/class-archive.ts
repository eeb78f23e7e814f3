import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from './cache-folder.ts'
import type { Java } from './java.ts'
import { halfMade, removeHalfMade } from './made-whole.ts'

/**
 * Java options that let a JVM map Kafka's classes instead of loading and checking them: a broker starts in half the time.
 * The archive is written by the first broker that is stopped in peace (with `mayWrite`). It counts only for the very run
 * time and jars that it was made with; Java checks that too, and goes on without an archive that it does not like.
 */
export async function classArchiveOptions(java: Java, jars: readonly string[], mayWrite: boolean): Promise<string[]> {
  const folder = cacheFolder('class-archives')
  const key = await keyOf(java, jars)
  const archive = join(folder, `${key}.jsa`)

  await mkdir(folder, { recursive: true })
  if (!(await isWritten(archive))) await adopt(folder, key, archive)
  if (await isWritten(archive)) return [`-XX:SharedArchiveFile=${archive}`]
  if (!mayWrite) return []
  await removeHalfMade(archive, 3_600_000)

  // What the JVM has to say while it writes is a page of warnings about classes that cannot be archived.
  return [`-XX:ArchiveClassesAtExit=${halfMade(archive)}`, '-Xlog:disable', '-Xlog:all=error:stderr']
}

async function keyOf(java: Java, jars: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(java.path).update(java.banner)

  for (const jar of jars) {
    const { mtimeMs, size } = await stat(jar)

    hash.update(`${jar} ${mtimeMs} ${size}\n`)
  }

  return hash.digest('hex').slice(0, 16)
}

/** Each JVM writes to a name of its own, since two shops may be stopped at once. The first whole one becomes the archive. */
async function adopt(folder: string, key: string, archive: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const candidate = join(folder, name)

    if (name.startsWith(`.${key}.`) && (await isWritten(candidate)))
      return rename(candidate, archive).catch(() => undefined)
  }
}

/** The JVM writes the header last, so a file that begins with zeros was never finished. */
async function isWritten(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined)

  if (!file) return false

  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)

    return bytesRead === 4 && buffer.readUInt32LE(0) !== 0
  } finally {
    await file.close()
  }
}
