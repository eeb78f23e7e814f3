import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { servicePorts, startInfrastructure, type Infrastructure, type TestPart } from '@timesale/testkit/infrastructure'
import { pauseSessions } from '@timesale/testkit/parts'
import { commitOf, openProxy, postgresRequests, type RequestCutter } from '@timesale/testkit/tcp-proxy'
import { until } from '@timesale/testkit/until'
import fc from 'fast-check'
import { Client, DatabaseError } from 'pg'
import { Database } from './database.ts'
import {
  CommitOutcomeUnknown,
  DatabaseUnavailable,
  TransactionAborted,
  isInfrastructure,
  isUniqueViolation,
  outcomeOf,
} from './errors.ts'
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
  try {
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
    // It is refused at once; the rest is for a machine that stands still.
    assert.ok(performance.now() - asked < 5_000)
  } finally {
    await postgres.start()
  }
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
    // 6 s, the client's own deadline; the rest is for a machine that stands still just then.
    assert.ok(performance.now() - asked < 12_000)
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
  // For a new connection 200 ms may be too little.
  await until('there is a connection', () => db.sql`select 1`)
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
  assert.ok(performance.now() - asked < 4_500)
  release.resolve()
  await holder
  assert.equal((await db.sql`select 1`).length, 1)
})

test('of two transactions that wait for each other one is told to try again', async () => {
  const { db, id } = setup({ poolSize: 2 })
  await db.sql`insert into probe (id) values (${id}), (${id + 1})`
  const [patience] = await db.sql<{ is_enough: boolean }>`
    select current_setting('lock_timeout')::interval > current_setting('deadlock_timeout')::interval as is_enough`
  assert.equal(patience?.is_enough, true)
  const first = Promise.withResolvers<void>()
  const second = Promise.withResolvers<void>()
  const crossing = async (own: PromiseWithResolvers<void>, other: PromiseWithResolvers<void>, ids: number[]) => {
    await db.tx(async (tx) => {
      // A server that stood still for a while would find that both times are over.
      await tx`select set_config('lock_timeout', '30s', true)`
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
    // It holds the lock for as long as the other one waits, however long that takes.
    await tx`select set_config('idle_in_transaction_session_timeout', '60s', true)`
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
    ['statement_timeout', slow, '57014', true],
    // In one statement: it also ends a transaction that is only waiting for the next one, and then there is nobody to tell.
    [
      'transaction_timeout',
      (sql) => sql`select set_config('transaction_timeout', '50', true), pg_sleep(3)`,
      '25P04',
      true,
    ],
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

test('statements that nobody awaited go with COMMIT, also those that were said before BEGIN was answered', async () => {
  const { db, id, rowsOf } = setup()
  for (const early of [true, false]) {
    const own = early ? id : id + 10
    await db.tx(async (tx) => {
      if (!early) await tx`select 1`
      void tx`insert into probe (id) values (${own})`
      void tx`insert into probe (id) values (${own + 1})`
    })
    assert.deepEqual([await rowsOf(own), await rowsOf(own + 1)], [1, 1], early ? 'before BEGIN was answered' : 'later')
  }
})

test('of statements that nobody awaited the one that fails undoes all, and is what the transaction throws', async () => {
  const { db, id, rowsOf } = setup()
  for (const early of [true, false]) {
    const error = await failure(
      db.tx(async (tx) => {
        if (!early) await tx`select 1`
        void tx`insert into probe (id) values (${id})`
        void tx`insert into probe (id, n) values (${id + 1}, -1)`
        void tx`insert into probe (id) values (${id + 2})`
      }),
    )
    assert.ok(error instanceof DatabaseError)
    assert.equal(error.code, '23514', early ? 'before BEGIN was answered' : 'later')
    assert.ok(!isInfrastructure(error))
    assert.deepEqual([await rowsOf(id), await rowsOf(id + 1), await rowsOf(id + 2)], [0, 0, 0])
    assert.deepEqual(db.load(), { total: 1, idle: 1, waiting: 0 })
  }
})

test('of statements that share a round trip the first that fails is what the transaction throws, however it is awaited', async () => {
  const { db, id } = setup()
  // What is awaited at the other end of a chain of functions is heard of later than what is awaited at once.
  const deep = async (work: () => Promise<unknown>, depth: number): Promise<unknown> =>
    depth === 0 ? await work() : await deep(work, depth - 1)
  for (const [failing, next] of [
    [0, 9],
    [9, 0],
  ] as const) {
    const error = await failure(
      db.tx(async (tx) => {
        await tx`select 1`
        await Promise.all([
          deep(() => tx`insert into probe (id, n) values (${id}, -1)`, failing),
          deep(() => tx`insert into probe (id) values (${id + 1})`, next),
        ])
      }),
    )
    assert.ok(error instanceof DatabaseError)
    assert.equal(error.code, '23514')
  }
  const awaitedLast = await failure(
    db.tx(async (tx) => {
      await tx`select 1`
      void tx`insert into probe (id, n) values (${id}, -1)`
      await tx`insert into probe (id) values (${id + 1})`
    }),
  )
  assert.ok(awaitedLast instanceof DatabaseError)
  assert.equal(awaitedLast.code, '23514')
})

test('a statement after its transaction is refused, and never part of what the connection does next', async () => {
  const { db, id, rowsOf } = setup()
  let late: Sql | undefined
  await db.tx(async (tx) => {
    late = tx
    await tx`insert into probe (id) values (${id})`
  })
  assert.ok(late !== undefined)
  const sayLate = late
  assert.ok((await failure(sayLate`insert into probe (id) values (${id + 1})`)) instanceof TransactionAborted)
  await db.tx(async (tx) => {
    await tx`insert into probe (id) values (${id + 2})`
    assert.ok((await failure(sayLate`insert into probe (id) values (${id + 3})`)) instanceof TransactionAborted)
  })
  assert.deepEqual([await rowsOf(id), await rowsOf(id + 1), await rowsOf(id + 2), await rowsOf(id + 3)], [1, 0, 1, 0])

  // Something that goes on after another part has failed, from before BEGIN was answered and from later.
  for (const early of [true, false]) {
    const goOn = Promise.withResolvers<void>()
    let second: Promise<unknown> = Promise.resolve()
    const thrown = new Error('the other part failed')
    const work = db.tx(async (tx) => {
      if (!early) await tx`select 1`
      void tx`insert into probe (id) values (${id + 4})`
      second = failure(goOn.promise.then(() => tx`insert into probe (id) values (${id + 5})`))
      throw thrown
    })
    const next = db.tx(async (tx) => {
      await tx`insert into probe (id) values (${id + (early ? 6 : 7)})`
      goOn.resolve()
      assert.ok((await second) instanceof TransactionAborted)
    })
    assert.equal(await failure(work), thrown)
    await next
    assert.deepEqual([await rowsOf(id + 4), await rowsOf(id + 5), await rowsOf(id + (early ? 6 : 7))], [0, 0, 1])
  }
})

test('no write is under way before BEGIN was answered; reads are', async () => {
  const { id, rowsOf, application } = setup()
  const said: string[] = []
  await using proxy = await openProxy({ to: portOf(direct()), requests: () => overheard(postgresRequests(), said) })
  await using db = open({ url: proxy.url(direct()), applicationName: application })
  await db.sql`select 1`
  const { resume } = await pauseSessions(infra, 'order', application)
  said.length = 0
  const done = db.tx((tx) =>
    Promise.all([
      tx`insert into probe (id) values (${id})`,
      tx`with added as (insert into probe (id) values (${id + 1}) returning 1) select * from added`,
      tx`select 'a read'`,
    ]),
  )
  try {
    await until('the read was said', () => said.some((text) => text.includes('a read')))
    await sleep(100)
    assert.ok(said.some((text) => text.includes('begin')))
    assert.deepEqual(
      said.filter((text) => text.includes('insert')),
      [],
    )
  } finally {
    resume()
  }
  await done
  assert.deepEqual([await rowsOf(id), await rowsOf(id + 1)], [1, 1])
})

test('a transaction that could not begin has done nothing', async () => {
  const { id, rowsOf } = setup()
  await using forger = await openForger('begin', 'begim')
  await using db = open({ url: forger.url })
  const error = await failure(
    db.tx((tx) =>
      Promise.all([
        tx`insert into probe (id) values (${id})`,
        tx`insert into probe (id) values (${id + 1})`,
        tx`select 1`,
      ]),
    ),
  )
  assert.ok(error instanceof DatabaseError)
  assert.equal(error.code, '42601')
  const unawaited = await failure(db.tx(async (tx) => void tx`insert into probe (id) values (${id + 2})`))
  assert.ok(unawaited instanceof DatabaseError)
  assert.deepEqual([await rowsOf(id), await rowsOf(id + 1), await rowsOf(id + 2)], [0, 0, 0])
})

test('a write that the server refuses has done nothing, and its session is used again', async () => {
  const { db, id, rowsOf } = setup()
  const [before] = await db.sql<{ pid: number }>`select pg_backend_pid() as pid`
  const refused = await failure(db.write`insert into probe (id, n) values (${id}, 1), (${id + 1}, -1)`)
  assert.ok(refused instanceof DatabaseError)
  assert.equal(refused.code, '23514')
  assert.equal(outcomeOf(refused), 'none')
  assert.deepEqual([await rowsOf(id), await rowsOf(id + 1)], [0, 0])
  assert.deepEqual(await db.write`insert into probe (id) values (${id}) returning n`, [{ n: 1 }])
  const [next] = await db.sql<{ pid: number }>`select pg_backend_pid() as pid`
  assert.equal(next?.pid, before?.pid)
})

test('a write whose answer is lost may stand, and one that no connection was found for does not', async () => {
  const { id, rowsOf } = setup()
  await using proxy = await openProxy({ to: portOf(direct()), requests: postgresRequests })
  await using db = open({ url: proxy.url(direct()) })
  const add = (added: number) => db.write`insert into probe (id) values (${added})`
  await add(id)
  // By now it is prepared: its text is not said again, its value is.
  proxy.dropAnswerTo((request) => request.includes(String(id + 1)))
  const error = await failure(add(id + 1))
  assert.ok(error instanceof CommitOutcomeUnknown)
  assert.equal(outcomeOf(error), 'unknown')
  await until('it is committed', async () => (await rowsOf(id + 1)) === 1)
  await add(id + 2)
  assert.equal(await rowsOf(id + 2), 1)

  await using away = open({ url: direct().replace(/:\d+\//, ':1/') })
  const unsent = await failure(away.write`insert into probe (id) values (${id + 3})`)
  assert.ok(unsent instanceof DatabaseUnavailable)
  assert.equal(outcomeOf(unsent), 'none')
})

test('a write that is cut off by the end of its session may stand', async () => {
  const { db, id, rowsOf, application } = setup()
  const { sql } = infra.admin('order')
  const cut = failure(db.write`insert into probe (id) select ${id}::bigint from pg_sleep(20)`)
  await until('it runs', async () => {
    const rows = await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = ${application} and wait_event = 'PgSleep'`
    return rows.length > 0
  })
  assert.ok((await cut) instanceof CommitOutcomeUnknown)
  assert.equal(await rowsOf(id), 0)
})

test('statements are prepared once a connection, and again on the next one', async () => {
  const { db, id, endSessions, rowsOf } = setup()
  const add = (sql: Sql, added: number) => sql`insert into probe (id) values (${added})`
  const prepared = async () => {
    const rows = await db.sql<{ statement: string }>`select statement from pg_prepared_statements order by statement`
    return rows.map(({ statement }) => statement).filter((text) => text.includes('into probe'))
  }
  // Several times before the first of them was answered, too.
  await db.tx(async (tx) => {
    await Promise.all([add(tx, id), add(tx, id + 1), add(tx, id + 2)])
  })
  await add(db.sql, id + 3)
  assert.deepEqual(await prepared(), ['insert into probe (id) values ($1)'])
  await endSessions()
  await until('the pool has noticed', () => db.load().total === 0)
  await db.tx(async (tx) => {
    await Promise.all([add(tx, id + 4), add(tx, id + 5)])
  })
  assert.deepEqual(await prepared(), ['insert into probe (id) values ($1)'])
  assert.equal(await rowsOf(id + 5), 1)
})

test('a statement whose first try is refused works the next time', async () => {
  const { db, id, rowsOf } = setup()
  const { sql } = infra.admin('order')
  const look = () => db.sql<{ n: number }>`select n from probe_later where id = ${id}`
  assert.ok(isInfrastructure(await failure(look())))
  await sql`create table probe_later (id bigint primary key, n integer)`
  await sql`grant select on probe_later to order_local`
  assert.deepEqual(await look(), [])

  const add = (n: number) => db.write`insert into probe (id, n) values (${id}, ${n})`
  await failure(add(-1))
  await add(1)
  assert.equal(await rowsOf(id), 1)
})

test('a statement works on when a migration adds a column to its table; at worst the world is to blame, once', async () => {
  const { db, id } = setup()
  const { sql } = infra.admin('order')
  await sql`create table probe_grown (id bigint primary key, n integer)`
  await sql`grant select, insert on probe_grown to order_local`
  await db.write`insert into probe_grown (id, n) values (${id}, 1)`
  const all = (on: Sql) => on<{ n: number }>`select * from probe_grown where id = ${id}`
  for (const run of [() => all(db.sql), () => db.tx(all)]) {
    assert.equal((await run()).length, 1)
    await sql`alter table probe_grown add column more text`
    const first = await run().catch((error: unknown) => error)
    // Else a consumer would take it for the fault of its events, and set all of them aside.
    if (first instanceof Error) assert.ok(isInfrastructure(first), first.message)
    assert.equal((await run())[0]?.n, 1)
    await sql`alter table probe_grown drop column more`
    await run().catch(() => undefined)
  }
})

test('two databases that say different things never mix them up', async () => {
  const one = setup()
  const other = setup()
  for (let round = 0; round < 2; round += 1) {
    assert.deepEqual(await one.db.sql`select 'one' as said, ${1}::int as n`, [{ said: 'one', n: 1 }])
    assert.deepEqual(await other.db.sql`select 'other' as said, ${2}::int as n`, [{ said: 'other', n: 2 }])
    assert.deepEqual(await other.db.sql`select 'third' as said`, [{ said: 'third' }])
    assert.deepEqual(await one.db.sql`select 'fourth' as said`, [{ said: 'fourth' }])
  }
})

test('an array is for the server what it is when the driver itself puts it together', async () => {
  const { db } = setup()
  const client = new Client({ connectionString: infra.env('order')['DB_URL'] ?? '' })
  await client.connect()
  try {
    const same = async <Row>(ours: Promise<Row[]>, theirs: string, values: unknown[]): Promise<void> => {
      assert.deepEqual(await ours, (await client.query({ text: theirs, values })).rows)
    }
    await fc.assert(
      fc.asyncProperty(texts, numbers, dates, binaries, async (text, number, date, binary) => {
        await same(db.sql`select ${text}::text[] as got`, 'select $1::text[] as got', [text])
        await same(db.sql`select ${number}::float8[] as got`, 'select $1::float8[] as got', [number])
        await same(db.sql`select ${date}::timestamptz[] as got`, 'select $1::timestamptz[] as got', [date])
        await same(db.sql`select ${binary}::bytea[] as got`, 'select $1::bytea[] as got', [binary])
        assert.deepEqual(
          await db.sql`select * from unnest(${text}::text[], ${text.map((_one, index) => index)}::int[]) as t (one, at)`,
          text.map((one, at) => ({ one: one ?? null, at })),
        )
      }),
      { numRuns: 150 },
    )
  } finally {
    await client.end()
  }
})

const hardTexts = fc.constantFrom(
  ...[
    '',
    ' ',
    'NULL',
    'null',
    '"',
    '\\',
    '\\"',
    "'",
    ',',
    '{',
    '}',
    '{}',
    '{"a",NULL}',
    '\t',
    '\n',
    '사과',
    '🍎',
    '$1',
    '--',
  ],
)
const anyText = fc.oneof(
  hardTexts,
  fc.string({ unit: 'binary' }).map((one) => one.replaceAll('\0', '')),
)
const texts = fc.array(fc.oneof({ weight: 6, arbitrary: anyText }, fc.constantFrom(null, undefined)), { maxLength: 12 })
const numbers = fc.array(fc.oneof(fc.integer(), fc.double(), fc.maxSafeInteger(), fc.constantFrom(null, 0, -0, 1e21)))
const dates = fc.array(fc.option(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })))
const binaries = fc.array(fc.option(fc.uint8Array().map((some) => Buffer.from(some))))

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
  // Long, since nothing here is about how soon a busy server lets somebody in.
  const usual = { url, poolSize: 1, applicationName: 'test', connectTimeoutMs: 10_000, onError: () => undefined }
  return new Database({ ...usual, ...options })
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  assert.fail('It did not fail')
}

async function slow(sql: Sql): Promise<void> {
  await sql`select set_config('statement_timeout', '50', true)`
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

function direct(): string {
  return infra.env('order')['DB_URL'] ?? ''
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}

function overheard(cut: RequestCutter, said: string[]): RequestCutter {
  return (bytes) => {
    const requests = cut(bytes)
    said.push(...requests.map((request) => request.toString('latin1')))
    return requests
  }
}

/** A way to the server on which one word becomes another that is as long. */
async function openForger(word: string, forged: string): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((client) => {
    const upstream = connect(portOf(direct()), '127.0.0.1')
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy())
    client.on('data', (data) => upstream.write(data.toString('latin1').replaceAll(word, forged), 'latin1'))
    upstream.pipe(client)
  })
  const [port] = await servicePorts(1)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const url = new URL(direct())
  url.port = String(port)
  return { url: url.href, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) }
}
