import { resolve } from 'node:path'
import { Client } from 'pg'
import type { Launch, Part } from '../part.ts'
import { type OsUser, postgresUser } from './os-user.ts'
import { reachableBinaries } from './postgres-binaries.ts'
import { localSuperuser, preparePostgresFolder } from './postgres-folder.ts'
import { disownStaleLock } from './postmaster-lock.ts'

/** One service's database server. `dataDir` is the server's own folder, and nothing else may be in it. */
export function postgresPart(options: { service: string; port: number; dataDir: string }): Part {
  const { service, port } = options
  const dataDir = resolve(options.dataDir)

  return {
    name: `postgres-${service}`,
    kind: 'database',
    host,
    port,
    prepare: async () => {
      await preparePostgresFolder(dataDir, await reachableBinaries(), await postgresUser())
      await disownStaleLock(dataDir)
    },
    launch: async () => launch(dataDir, port, await postgresUser()),
    ready: () => answers(port, dataDir),
    // A fast shutdown: sessions are cut, a checkpoint is written. SIGTERM would wait until every client has gone by itself.
    stopSignal: 'SIGINT',
    stopTimeoutMs: 20_000,
  }
}

const host = '127.0.0.1'

const settings = {
  listen_addresses: host,
  // A path of more than a hundred letters is no address for a socket, and a clone may lie deep.
  unix_socket_directories: '',
  max_connections: 100,
  // PostgreSQL's own default, used as far as there is data: with a quarter of it the shop confirmed a tenth less.
  shared_buffers: '128MB',
  // What was accepted must survive the death of the machine, here too.
  fsync: 'on',
  synchronous_commit: 'on',
  // A shop has several servers, most of them idle: little disk for each, and no processes that would wait for work.
  min_wal_size: '32MB',
  max_wal_size: '512MB',
  io_method: 'sync',
  max_logical_replication_workers: 0,
  max_parallel_workers_per_gather: 0,
  // The statements are short; compiling one takes longer than running it.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_destination: 'stderr',
  logging_collector: 'off',
  log_checkpoints: 'off',
  log_line_prefix: '',
}

async function launch(dataDir: string, port: number, user: OsUser | undefined): Promise<Launch> {
  const { postgres } = await reachableBinaries()
  const flags = Object.entries({ port, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`])

  return {
    file: postgres,
    args: ['-D', dataDir, ...flags],
    // On macOS a server refuses to start when the locale is left to the system.
    env: { LC_ALL: 'C' },
    cwd: '/',
    ...(user && { uid: user.uid, gid: user.gid }),
  }
}

/** Also asks for the folder, lest another server on this port be taken for this one. */
async function answers(port: number, dataDir: string): Promise<boolean> {
  const client = new Client({
    host,
    port,
    ...localSuperuser,
    database: 'postgres',
    ssl: false,
    connectionTimeoutMillis: 450,
    query_timeout: 450,
  })

  // A server that dies while it is asked is told here as well as to the query.
  client.on('error', () => undefined)

  try {
    await client.connect()

    const { rows } = await client.query<{ data_directory: string }>('show data_directory')

    return rows[0]?.data_directory === dataDir
  } catch {
    return false
  } finally {
    void client.end().catch(() => undefined)
  }
}

export { defaultDataDir } from './data-folder.ts'
export { reachableBinaries } from './postgres-binaries.ts'
export { localSuperuser } from './postgres-folder.ts'
