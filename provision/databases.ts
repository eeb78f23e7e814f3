import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { COMMON_MIGRATIONS } from '@timesale/kafka/migrations'
import { runner } from 'node-pg-migrate'
import { Client, escapeIdentifier, escapeLiteral } from 'pg'

/** One service's database: who may make things there, and as whom the service will come. */
export interface DatabaseTarget {
  readonly service: string
  /** A role that may create databases and roles. Absent: database and role exist, and the service's own role migrates. */
  readonly adminUrl?: string | undefined
  readonly serviceUrl: string
  /** The server holds nothing but this shop: then its own databases are closed to everybody, too. */
  readonly exclusive?: boolean
}

/**
 * Database, role, tables and grants of one service. Idempotent, and safe to run by several at once (advisory lock).
 * The role may read and write rows, nothing else: no DDL, no other database.
 */
export async function provisionDatabase(target: DatabaseTarget): Promise<void> {
  const at = partsOf(target.serviceUrl)
  const { adminUrl } = target
  await withClient(adminUrl ?? target.serviceUrl, async (client) => {
    // Held by this session until all is done: catalogues of roles and grants do not bear two writers.
    await client.query("select pg_advisory_lock(hashtext('timesale.provision'))")
    if (adminUrl === undefined) return await migrateAll(target.service, target.serviceUrl)
    await makeRoleAndDatabase(client, at)
    const ownerUrl = urlWithDatabase(adminUrl, at.database)
    await withClient(ownerUrl, (owner) => closeTheDoors(owner, at))
    if (target.exclusive === true) await client.query('revoke all on database postgres, template1 from public')
    await migrateAll(target.service, ownerUrl)
    await withClient(ownerUrl, (owner) => grantRows(owner, at))
  })
}

async function migrateAll(service: string, ownerUrl: string): Promise<void> {
  await migrate(ownerUrl, fileURLToPath(COMMON_MIGRATIONS), 'migrations_common')
  await migrate(ownerUrl, serviceMigrations(service), 'migrations_service')
}

/**
 * The id that all databases of one shop share. A database without one is new, so then all of them get a new one:
 * hints that Redis kept about the past must not be believed.
 */
export async function provisionInstallation(targets: readonly DatabaseTarget[], newId: string): Promise<void> {
  const clients = await Promise.all(
    // All provisioners lock them in one order, whatever order they were told of them in.
    targets.toSorted(byService).map(async (target) => {
      const url =
        target.adminUrl === undefined
          ? target.serviceUrl
          : urlWithDatabase(target.adminUrl, partsOf(target.serviceUrl).database)
      const client = new Client({ connectionString: url })
      client.on('error', () => undefined)
      await client.connect()
      return client
    }),
  )
  try {
    for (const client of clients) await client.query("select pg_advisory_lock(hashtext('timesale.installation'))")
    const ids = await Promise.all(
      clients.map(async (client) => (await client.query<{ id: string }>('select id from installation')).rows[0]?.id),
    )
    if (ids.every((id) => id !== undefined && id === ids[0])) return
    for (const client of clients) {
      await client.query(
        'insert into installation (id) values ($1) on conflict (only_row) do update set id = excluded.id',
        [newId],
      )
    }
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}

function byService(one: DatabaseTarget, other: DatabaseTarget): number {
  return one.service < other.service ? -1 : 1
}

interface Parts {
  readonly database: string
  readonly role: string
  readonly password: string
}

function partsOf(url: string): Parts {
  const parsed = new URL(url)
  return {
    database: decodeURIComponent(parsed.pathname.slice(1)),
    role: decodeURIComponent(parsed.username),
    password: decodeURIComponent(parsed.password),
  }
}

function urlWithDatabase(url: string, database: string): string {
  const parsed = new URL(url)
  parsed.pathname = `/${encodeURIComponent(database)}`
  return parsed.href
}

async function makeRoleAndDatabase(admin: Client, { database, role, password }: Parts): Promise<void> {
  // CREATE DATABASE has no IF NOT EXISTS.
  const roles = await admin.query('select 1 from pg_roles where rolname = $1', [role])
  const login = `login nosuperuser nocreatedb nocreaterole noreplication password ${escapeLiteral(password)}`
  await admin.query(`${roles.rowCount === 0 ? 'create' : 'alter'} role ${escapeIdentifier(role)} ${login}`)
  const databases = await admin.query('select 1 from pg_database where datname = $1', [database])
  if (databases.rowCount === 0) await admin.query(`create database ${escapeIdentifier(database)}`)
}

async function closeTheDoors(owner: Client, { database, role }: Parts): Promise<void> {
  await owner.query(`revoke all on database ${escapeIdentifier(database)} from public`)
  await owner.query('revoke all on schema public from public')
  await owner.query(`grant connect on database ${escapeIdentifier(database)} to ${escapeIdentifier(role)}`)
  await owner.query(`grant usage on schema public to ${escapeIdentifier(role)}`)
}

async function grantRows(owner: Client, { role }: Parts): Promise<void> {
  const to = escapeIdentifier(role)
  await owner.query(`grant select, insert, update, delete on all tables in schema public to ${to}`)
  await owner.query(`grant usage, select on all sequences in schema public to ${to}`)
  for (const table of ['migrations_common', 'migrations_service', 'installation']) {
    await owner.query(`revoke insert, update, delete on ${table} from ${to}`)
  }
}

async function migrate(databaseUrl: string, dir: string, migrationsTable: string): Promise<void> {
  await runner({
    databaseUrl,
    dir,
    migrationsTable,
    direction: 'up',
    count: Infinity,
    verbose: false,
    log: () => undefined,
    logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: console.error },
  })
}

function serviceMigrations(service: string): string {
  const manifest = createRequire(import.meta.url).resolve(`@timesale/${service}-service/package.json`)
  return fileURLToPath(new URL('./db/migrations', pathToFileURL(manifest)))
}

async function withClient(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
