import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startInfrastructure, type Infrastructure, type TestPart } from '@timesale/testkit/infrastructure'
import { pauseSessions } from '@timesale/testkit/parts'
import { commitOf, openProxy, postgresRequests } from '@timesale/testkit/tcp-proxy'
import { until } from '@timesale/testkit/until'
import { DatabaseError } from 'pg'
import { Database } from './database.ts'
import { CommitOutcomeUnknown, DatabaseUnavailable, isInfrastructure, isUniqueViolation, outcomeOf } from './errors.ts'
import { rememberInstallation } from './installation.ts'
import { schemaIsCurrent } from './schema.ts'
import type { Sql } from './sql.ts'

test('a transaction that throws leaves nothing behind, and throws what was thrown', async () => {
  const { db, id, rowsOf } = setup()
  const thrown = new Error('the answer is no')
  await assert.rejects(
    db.tx(async (tx) => {
      await tx`insert into probe (id) values (${id})`
      throw thrown
    }),
    thrown,
  )
  assert.equal(await rowsOf(id), 0)
  assert.deepEqual(db.load(), { total: 1, idle: 1, waiting: 0 })

  assert.equal(await db.tx(async (tx) => (await tx`insert into probe (id) values (${id}) returning id`).length), 1)
  assert.equal(await rowsOf(id), 1)
})

test('a transaction in which a statement failed does not claim to have been committed, whoever swallowed the error', async () => {
  const { db, id, rowsOf } = setup()
  await assert.rejects(
    db.tx(async (tx) => {
      await tx`insert into probe (id) values (${id})`
      await tx`insert into probe (id) values (${id})`.catch(() => undefined)
    }),
  )
  assert.equal(await rowsOf(id), 0)
})

test('a transaction whose session is ended took no effect, and the pool heals', async () => {
  const { db, id, rowsOf, endSessions } = setup()
  const error = await failure(
    db.tx(async (tx) => {
      await tx`insert into probe (id) values (${id})`
      await endSessions()
      await tx`insert into probe (id) values (${id + 1})`
    }),
  )
  assert.ok(error instanceof DatabaseUnavailable)
  assert.equal(outcomeOf(error), 'none')
  assert.ok(isInfrastructure(error))
  assert.equal(db.load().total, 0)
  assert.equal(await rowsOf(id), 0)
  await db.tx((tx) => tx`insert into probe (id) values (${id})`)
  assert.equal(await rowsOf(id), 1)
})

test('sessions that end while they are idle are replaced, and nothing but a message tells of it', async () => {
  const { db, errors, endSessions } = setup({ poolSize: 3 })
  await Promise.all([1, 2, 3].map(() => db.sql`select pg_sleep(0.05)`))
  assert.equal(db.load().idle, 3)
  await endSessions()
  await until('the pool has noticed', () => db.load().total === 0)
  assert.ok(errors.length >= 3)
  assert.equal((await db.sql`select 1`).length, 1)
})

test('a server that is killed in the midst of a transaction is missed, and used again when it is back', async () => {
  const { db, id, rowsOf } = setup()
  const postgres = part('postgres')
  const error = await failure(
    db.tx(async (tx) => {
      await tx`insert into probe (id) values (${id})`
      await postgres.kill()
      await tx`insert into probe (id) values (${id + 1})`
    }),
  )
  assert.ok(error instanceof DatabaseUnavailable)
  const asked = performance.now()
  assert.ok((await failure(db.sql`select 1`)) instanceof DatabaseUnavailable)
  assert.ok(performance.now() - asked < 2_500)

  await postgres.start()
  await until('the database is back', () => db.tx((tx) => tx`insert into probe (id) values (${id})`).then(() => true))
  assert.equal(await rowsOf(id), 1)
})

test('a session that hangs is given up in bounded time and never used again', async () => {
  const { db, application } = setup()
  const [before] = await db.sql<{ pid: number }>`select pg_backend_pid() as pid`
  const { pids, resume } = await pauseSessions(infra, 'order', application)
  try {
    assert.deepEqual(pids, [before?.pid])
    const asked = performance.now()
    const error = await failure(db.tx((tx) => tx`select 1`))
    assert.ok(error instanceof DatabaseUnavailable)
    assert.equal(outcomeOf(error), 'none')
    // 6 s, the client's own deadline.
    assert.ok(performance.now() - asked < 9_000)
    const [next] = await db.sql<{ pid: number }>`select pg_backend_pid() as pid`
    assert.notEqual(next?.pid, before?.pid)
  } finally {
    resume()
  }
})

test('a COMMIT whose answer is lost is told apart from one that failed', async () => {
  const { id, rowsOf } = setup()
  const direct = infra.env('order')['DB_URL'] ?? ''
  await using proxy = await openProxy({ to: Number(new URL(direct).port), requests: postgresRequests })
  await using db = open({ url: proxy.url(direct) })
  const drop = proxy.dropAnswerTo(commitOf('insert into probe'))
  const error = await failure(db.tx((tx) => tx`insert into probe (id) values (${id})`))
  assert.ok(error instanceof CommitOutcomeUnknown)
  assert.equal(outcomeOf(error), 'unknown')
  assert.ok(isInfrastructure(error))
  // Here it did take effect, and only a look can tell.
  await until('it is committed', async () => (await rowsOf(id)) === 1)
  assert.equal(drop.count, 1)
  await db.tx((tx) => tx`insert into probe (id) values (${id + 1})`)
  assert.equal(await rowsOf(id + 1), 1)
})

test('a COMMIT that the server refuses has rolled back, and its session is used again', async () => {
  const { db, id, rowsOf } = setup()
  const [before] = await db.sql<{ pid: number }>`select pg_backend_pid() as pid`
  const error = await failure(db.tx((tx) => tx`insert into probe_child (id, parent) values (${id}, ${id})`))
  assert.ok(error instanceof DatabaseError)
  assert.equal(error.code, '23503')
  assert.equal(outcomeOf(error), 'none')
  assert.ok(!isInfrastructure(error))
  assert.equal(await rowsOf(id), 0)
  const [next] = await db.sql<{ pid: number }>`select pg_backend_pid() as pid`
  assert.equal(next?.pid, before?.pid)
})

test('a full pool lets nobody wait for ever', async () => {
  const { db } = setup({ poolSize: 1, connectTimeoutMs: 200 })
  const release = Promise.withResolvers<void>()
  const holding = Promise.withResolvers<void>()
  const holder = db.tx(async (tx) => {
    await tx`select 1`
    holding.resolve()
    await release.promise
  })
  await holding.promise
  const asked = performance.now()
  const error = await failure(db.sql`select 1`)
  assert.ok(error instanceof DatabaseUnavailable)
  assert.ok(performance.now() - asked < 1_500)
  release.resolve()
  await holder
  assert.equal((await db.sql`select 1`).length, 1)
})

test('of two transactions that wait for each other one is told to try again', async () => {
  const { db, id } = setup({ poolSize: 2 })
  await db.sql`insert into probe (id) values (${id}), (${id + 1})`
  const first = Promise.withResolvers<void>()
  const second = Promise.withResolvers<void>()
  const crossing = async (own: PromiseWithResolvers<void>, other: PromiseWithResolvers<void>, ids: number[]) => {
    await db.tx(async (tx) => {
      await tx`update probe set n = n + 1 where id = ${ids[0]}`
      own.resolve()
      await other.promise
      await tx`update probe set n = n + 1 where id = ${ids[1]}`
    })
  }
  const results = await Promise.allSettled([
    crossing(first, second, [id, id + 1]),
    crossing(second, first, [id + 1, id]),
  ])
  const [lost, ...more] = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
  assert.equal(more.length, 0)
  assert.ok(lost instanceof DatabaseError)
  assert.equal(lost.code, '40P01')
  assert.ok(isInfrastructure(lost))
})

test('a transaction that waits too long for a lock is told to try again', async () => {
  const { db, id } = setup({ poolSize: 2 })
  await db.sql`insert into probe (id) values (${id})`
  const error = await db.tx(async (tx) => {
    await tx`update probe set n = 2 where id = ${id}`
    return await failure(db.tx((other) => other`update probe set n = 3 where id = ${id}`))
  })
  assert.ok(error instanceof DatabaseError)
  assert.equal(error.code, '55P03')
  assert.ok(isInfrastructure(error))
})

test('what the world does is told apart from what a statement does', async () => {
  const { db, id } = setup()
  await db.sql`insert into probe (id) values (${id})`
  const cases: [name: string, work: (sql: Sql) => Promise<unknown>, code: string, world: boolean][] = [
    ['unique violation', (sql) => sql`insert into probe (id) values (${id})`, '23505', false],
    ['CHECK violation', (sql) => sql`insert into probe (id, n) values (${id + 1}, -1)`, '23514', false],
    ['not a number', (sql) => sql`select ${'x'}::int`, '22P02', false],
    ['division by zero', (sql) => sql`select 1 / ${0}::int`, '22012', false],
    ['text with U+0000', (sql) => sql`select ${'\0'}::text`, '22021', false],
    ['statement_timeout', (sql) => slow(sql, 'statement_timeout'), '57014', true],
    ['transaction_timeout', (sql) => slow(sql, 'transaction_timeout'), '25P04', true],
    ['a table that is not there yet', (sql) => sql`select * from not_yet`, '42P01', true],
    ['a column that is not there yet', (sql) => sql`select not_yet from probe`, '42703', true],
    ['a grant that is not there yet', (sql) => sql`create table mine (id int)`, '42501', true],
  ]
  for (const [name, work, code, world] of cases) {
    const error = await failure(db.tx((tx) => work(tx)))
    const known = error instanceof DatabaseUnavailable ? error.cause : error
    assert.ok(known instanceof DatabaseError, name)
    assert.equal(known.code, code, name)
    assert.equal(isInfrastructure(error), world, name)
  }
  const duplicate = await failure(db.sql`insert into probe (id) values (${id})`)
  assert.ok(isUniqueViolation(duplicate))
  assert.ok(isUniqueViolation(duplicate, 'probe_pkey'))
  assert.ok(!isUniqueViolation(duplicate, 'another'))
})

test('a database that does not let us in is one that is away', async () => {
  const { sql } = infra.admin('order')
  const url = infra.env('order')['DB_URL'] ?? ''
  const refused = async (wrong: string): Promise<unknown> => {
    await using db = open({ url: wrong })
    return await failure(db.sql`select 1`)
  }
  assert.ok(isInfrastructure(await refused(url.replace(':order_local@', ':wrong@'))))
  assert.ok(isInfrastructure(await refused(url.replace(/order_local$/, 'nowhere_local'))))
  assert.ok(isInfrastructure(await refused(url.replace(/:\d+\//, ':1/'))))
  await sql`alter role order_local connection limit 0`
  try {
    assert.ok(isInfrastructure(await refused(url)))
  } finally {
    await sql`alter role order_local connection limit -1`
  }
})

test('a transaction that does nothing for too long is ended by the server', async () => {
  const { db, id, rowsOf, application } = setup()
  const error = await failure(
    db.tx(async (tx) => {
      await tx`select set_config('idle_in_transaction_session_timeout', '100', true)`
      await tx`insert into probe (id) values (${id})`
      await until('its session is gone', async () => (await sessionsOf(application)) === 0)
      await tx`select 1`
    }),
  )
  assert.ok(error instanceof DatabaseUnavailable)
  assert.equal(await rowsOf(id), 0)
})

test('the installation is remembered once it was read, and unknown while the database is away', async () => {
  const [row] = await infra.admin('order').sql<{ id: string }>`select id from installation`
  await using away = open({ url: (infra.env('order')['DB_URL'] ?? '').replace(/:\d+\//, ':1/') })
  assert.equal(await rememberInstallation(away.sql)(), undefined)

  const { db } = setup()
  const installation = rememberInstallation(db.sql)
  assert.equal(await installation(), row?.id)
  await db.close()
  assert.equal(await installation(), row?.id)
})

test('the schema is current when all migrations of this code were applied, and newer ones do no harm', async () => {
  const { db } = setup()
  const migrations = ['../kafka/migrations/', '../../services/order/db/migrations/'].map(
    (dir) => new URL(dir, import.meta.url),
  )
  const { sql } = infra.admin('order')
  assert.equal(await schemaIsCurrent(db.sql, migrations), true)
  await sql`insert into migrations_service (name, run_on) values ('9999_newer', now())`
  assert.equal(await schemaIsCurrent(db.sql, migrations), true)
  await sql`update migrations_common set name = 'gone-' || name`
  assert.equal(await schemaIsCurrent(db.sql, migrations), false)
  await sql`update migrations_common set name = substr(name, 6)`
  await sql`update migrations_service set name = 'gone-' || name where name like '0001%'`
  assert.equal(await schemaIsCurrent(db.sql, migrations), false)
  await sql`update migrations_service set name = substr(name, 6) where name like 'gone-%'`
  assert.equal(await schemaIsCurrent(db.sql, migrations), true)
})

let infra: Infrastructure
const opened: Database[] = []

before(async () => {
  infra = await startInfrastructure({ databases: ['order'] })
  const { sql } = infra.admin('order')
  await sql`create table probe (id bigint primary key, n integer not null default 1 check (n > 0))`
  await sql`
    create table probe_child (
      id bigint primary key,
      parent bigint references probe deferrable initially deferred
    )`
  await sql`grant select, insert, update on probe, probe_child to order_local`
})

after(async () => {
  await Promise.all(opened.map((db) => db.close().catch(() => undefined)))
  await infra[Symbol.asyncDispose]()
})

let tests = 0

function setup(options: { poolSize?: number; connectTimeoutMs?: number } = {}) {
  tests += 1
  const application = `test-${tests}`
  const errors: Error[] = []
  const db = open({ ...options, applicationName: application, onError: (error) => errors.push(error) })
  opened.push(db)
  const { sql } = infra.admin('order')
  return {
    db,
    errors,
    application,
    /** A row of this test's own. */
    id: tests * 100,
    rowsOf: async (id: number) => (await sql`select 1 from probe where id = ${id}`).length,
    endSessions: () =>
      sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${application}`,
  }
}

function open(options: Partial<ConstructorParameters<typeof Database>[0]>): Database {
  const url = infra.env('order')['DB_URL'] ?? ''
  return new Database({ url, poolSize: 1, applicationName: 'test', onError: () => undefined, ...options })
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  assert.fail('It did not fail')
}

async function slow(sql: Sql, timeout: string): Promise<void> {
  await sql`select set_config(${timeout}, '50', true)`
  await sql`select pg_sleep(3)`
}

async function sessionsOf(application: string): Promise<number> {
  const rows = await infra.admin('order').sql`select 1 from pg_stat_activity where application_name = ${application}`
  return rows.length
}

function part(name: string): TestPart {
  const found = infra.parts.get(name)
  assert.ok(found)
  return found
}
