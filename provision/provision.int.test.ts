import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Admin, ConfigResourceTypes } from '@platformatic/kafka'
import { PLAYGROUND_TOPICS, TOPICS, topicSpecs } from '@timesale/contracts/topics'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { until } from '@timesale/testkit/until'
import { Client, DatabaseError } from 'pg'
import { provisionInstallation, type DatabaseTarget } from './databases.ts'
import { provision } from './provision.ts'
import { provisionTopics } from './topics.ts'

test('provisioning twice leaves what provisioning once has made', async () => {
  const { target, databaseState, topicsState, options } = setup()
  const targets = [target('order'), target('stock')]
  await provision(options(targets))
  const once = [await Promise.all(targets.map(databaseState)), await topicsState()]
  await provision(options(targets))
  assert.deepEqual([await Promise.all(targets.map(databaseState)), await topicsState()], once)
})

test('provisioning again keeps what services have written', async () => {
  const { target, asService, options } = setup()
  const order = target('order')
  await provision(options([order]))
  await asService(order)("insert into outbox (events, bytes, lines) values (1, 1, 'kept')")
  await provision(options([order]))
  assert.deepEqual(await asService(order)("delete from outbox where lines = 'kept' returning events"), [{ events: 1 }])
})

test('two provisioners at once do what one does', async () => {
  const { target, databaseState, options } = setup()
  const targets = ['notification', 'analytics', 'product'].map((service) => target(service))
  await Promise.all([provision(options(targets)), provision(options(targets)), provision(options(targets))])
  const [first, ...rest] = await Promise.all(targets.map(installationOf))
  assert.ok(first)
  for (const other of rest) assert.equal(other, first)
  const state = await Promise.all(targets.map(databaseState))
  await provision(options(targets))
  assert.deepEqual(await Promise.all(targets.map(databaseState)), state)
})

test('a service may read and write rows, and change nothing else', async () => {
  const { target, asService, options } = setup()
  const order = target('order')
  await provision(options([order]))
  const query = asService(order)
  await query("insert into outbox (events, bytes, lines) values (1, 1, 'x')")
  await query("update outbox set lines = 'y' where lines = 'x'")
  assert.equal((await query("delete from outbox where lines = 'y' returning 1")).length, 1)
  await query('select name from migrations_common union all select name from migrations_service')

  for (const statement of [
    'create table mine (id integer)',
    'create temporary table mine (id integer)',
    'create table public.mine as select 1',
    'create view mine as select 1',
    'create schema mine',
    'create function mine() returns integer language sql as $$ select 1 $$',
    'create index on outbox (events)',
    'create extension if not exists plpgsql_check',
    'create database mine',
    'create role mine',
    'alter table orders add column mine integer',
    'alter table orders disable trigger all',
    'alter role order_local superuser',
    'alter database order_local set statement_timeout = 0',
    'drop table orders',
    'drop database stock_local',
    'truncate orders',
    'truncate outbox',
    'set role postgres',
    'set session authorization stock_local',
    "copy orders to program 'true'",
    "copy orders to '/tmp/mine'",
    "select pg_read_file('/etc/passwd')",
    'alter system set fsync = off',
    "insert into migrations_service (name, run_on) values ('9999_mine', now())",
    "update migrations_service set name = 'mine'",
    'delete from migrations_service',
    "insert into migrations_common (name, run_on) values ('9999_mine', now())",
    'delete from migrations_common',
    'truncate migrations_common',
  ]) {
    const error = await failure(query(statement))
    assert.ok(error instanceof DatabaseError, statement)
    // insufficient_privilege, except where a role that may not set another's role is told so in other words.
    assert.ok(error.code === '42501' || error.code === '0A000', `${statement}: ${error.code} ${error.message}`)
  }
})

test("a service cannot enter another service's database", async () => {
  const { target, asService, options } = setup()
  const targets = [target('order'), target('stock')]
  await provision(options(targets))
  for (const [own, other] of [targets, targets.toReversed()]) {
    assert.ok(own && other)
    const url = new URL(own.serviceUrl)
    url.pathname = new URL(other.serviceUrl).pathname
    const error = await failure(asService({ ...own, serviceUrl: url.href })('select 1'))
    assert.ok(error instanceof DatabaseError)
    assert.equal(error.code, '42501')
  }
})

test("a service cannot enter the server's own databases", async () => {
  const { target, asService, options } = setup()
  const order = target('order')
  await provision(options([order]))
  for (const database of ['postgres', 'template1']) {
    const url = new URL(order.serviceUrl)
    url.pathname = `/${database}`
    const error = await failure(asService({ ...order, serviceUrl: url.href })('select 1'))
    assert.ok(error instanceof DatabaseError)
    assert.equal(error.code, '42501', database)
  }
})

test('a password that was changed is the one that counts from then on', async () => {
  const { target, asService, options } = setup()
  const before = target('order')
  await provision(options([before]))
  const changed = { ...before, serviceUrl: before.serviceUrl.replace(':order_local@', ':another%20one%27@') }
  await provision(options([changed]))
  assert.equal((await asService(changed)('select 1')).length, 1)
  assert.ok((await failure(asService(before)('select 1'))) instanceof DatabaseError)
  await provision(options([before]))
})

test('names and passwords may hold any character that a URL can', async () => {
  const { target, asService, options } = setup()
  const odd = { ...target('order'), serviceUrl: infraUrl(`Or-der "1"'s`, `p@ss:/'"\\ 가`, `data base"'`) }
  await provision(options([odd]))
  await provision(options([odd]))
  assert.equal((await asService(odd)('select * from orders')).length, 0)
  assert.equal(await failure(asService(odd)('create table mine (id integer)')).then(codeOf), '42501')
})

test("without an administrator the service's own role makes its tables in a database of its own", async () => {
  const { asService, options } = setup()
  await asAdmin("create role own login password 'own'")
  await asAdmin('create database own owner own')
  const own = { service: 'stock', serviceUrl: infraUrl('own', 'own', 'own') }
  await provision(options([own]))
  await provision(options([own]))
  assert.equal((await asService(own)('select * from reservations')).length, 0)
  assert.equal((await asService(own)('select id from installation')).length, 1)
})

test('topics have the partitions and the retention of the contract', async () => {
  const { topicsState } = setup()
  await provisionTopics({ brokers: [infra.brokers], replication: 1, playground: false })
  const state = new Map((await topicsState()).map((topic) => [topic.name, topic]))
  for (const name of TOPICS) {
    const topic = state.get(name)
    assert.equal(topic?.partitions, 6, name)
    assert.equal(topic?.configs['retention.ms'], '-1', name)
    assert.equal(topic?.configs['cleanup.policy'], 'delete', name)
  }
  for (const { name, partitions, configs } of topicSpecs({ playground: false })) {
    const topic = state.get(name)
    assert.equal(topic?.partitions, partitions, name)
    for (const [config, value] of Object.entries(configs)) assert.equal(topic?.configs[config], value, name)
  }
  assert.equal(state.get('order-topic.stock.dlq')?.partitions, 1)
  assert.equal(state.get('order-topic.stock.dlq')?.configs['retention.ms'], String(14 * 24 * 3600 * 1000))
})

test('all databases of a shop share one installation id, kept as long as none of them is new', async () => {
  const { target, options } = setup()
  const targets = [target('order'), target('stock')]
  await provision(options(targets))
  const ids = await Promise.all(targets.map(installationOf))
  assert.ok(ids[0])
  assert.equal(ids[0], ids[1])
  await provisionInstallation(targets, randomUUID())
  assert.deepEqual(await Promise.all(targets.map(installationOf)), ids)
})

test('when one database is new, all of them get a new installation id', async () => {
  const { target, options } = setup()
  const targets = [target('order'), target('stock')]
  await provision(options(targets))
  const before = await installationOf(targets[0])
  await asAdmin('drop database stock_local with (force)')
  await provision(options(targets))
  const [order, stock] = await Promise.all(targets.map(installationOf))
  assert.ok(order)
  assert.notEqual(order, before)
  assert.equal(order, stock)
})

test('two provisioners at once leave one installation id', async () => {
  const { target, options } = setup()
  const targets = [target('order'), target('stock')]
  await provision(options(targets))
  for (let round = 0; round < 20; round += 1) {
    for (const { adminUrl, serviceUrl } of targets)
      await query(withDatabase(adminUrl, serviceUrl), 'delete from installation')
    await Promise.all([provisionInstallation(targets, randomUUID()), provisionInstallation(targets, randomUUID())])
    const [order, stock] = await Promise.all(targets.map(installationOf))
    assert.ok(order)
    assert.equal(order, stock)
  }
})

test('two provisioners at once make the topics that are missing', async () => {
  const { topicsState } = setup()
  const target = { brokers: [infra.brokers], replication: 1, playground: true }
  const there = async (): Promise<Set<string>> => new Set((await topicsState()).map(({ name }) => name))
  // In rounds, since the slower one may come before or after the broker has heard what the controller knows.
  for (let round = 0; round < 5; round += 1) {
    const old = round === 0 ? [] : [...PLAYGROUND_TOPICS]
    if (old.length > 0) await kafka.deleteTopics({ topics: old })
    await until('the old topics are gone', async () => {
      const names = await there()
      return old.every((name) => !names.has(name))
    })
    await Promise.all([provisionTopics(target), provisionTopics(target)])
    await until('all topics are there', async () => {
      const names = await there()
      return [...TOPICS, ...PLAYGROUND_TOPICS].every((name) => names.has(name))
    })
  }
})

// Last, since nobody can provision these brokers any more afterwards.
test('a topic with other partitions than the contract says is refused, and left as it is', async () => {
  const { topicsState } = setup()
  const target = { brokers: [infra.brokers], replication: 1, playground: false }
  await kafka.createPartitions({ topics: [{ name: 'seller-topic', count: 7, assignments: null }] })
  const partitions = async (): Promise<number | undefined> =>
    (await topicsState()).find(({ name }) => name === 'seller-topic')?.partitions
  await until('the broker knows', async () => (await partitions()) === 7)
  await assert.rejects(provisionTopics(target), /seller-topic has 7 partitions, the contract says 6/)
  assert.equal(await partitions(), 7)
})

let infra: Infrastructure
let kafka: Admin

before(async () => {
  // One database, so that there is a server; the tests make their own.
  infra = await startInfrastructure({ databases: ['order'], kafka: true })
  kafka = new Admin({ clientId: 'test', bootstrapBrokers: [infra.brokers] })
})

after(async () => {
  await kafka.close()
  await infra[Symbol.asyncDispose]()
})

function setup() {
  return {
    target: (service: string): DatabaseTarget & { adminUrl: string } => ({
      service,
      adminUrl: infra.adminUrl,
      exclusive: true,
      serviceUrl: infra.env(service)['DB_URL'] ?? '',
    }),
    options: (databases: readonly DatabaseTarget[]) => ({
      databases,
      kafkaBrokers: infra.brokers,
      replication: 1,
      playground: false,
    }),
    asService: (target: DatabaseTarget) => (statement: string) => query(target.serviceUrl, statement),
    /** Everything that provisioning makes in a database: tables, columns, grants, migrations, the id. */
    async databaseState({ adminUrl, serviceUrl }: DatabaseTarget) {
      const url = withDatabase(adminUrl, serviceUrl)
      return {
        database: await query(url, 'select datname, datacl::text from pg_database where datname = current_database()'),
        schema: await query(url, "select nspacl::text from pg_namespace where nspname = 'public'"),
        tables: await query(
          url,
          `select relname, relkind, relacl::text, reloptions::text from pg_class
           where relnamespace = 'public'::regnamespace order by relname`,
        ),
        columns: await query(
          url,
          `select table_name, column_name, data_type from information_schema.columns
           where table_schema = 'public' order by table_name, ordinal_position`,
        ),
        roles: await query(
          url,
          `select rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin
           from pg_roles order by rolname`,
        ),
        migrations: await query(url, 'select * from migrations_common union all select * from migrations_service'),
        installation: await query(url, 'select * from installation'),
      }
    },
    async topicsState() {
      const names = (await kafka.listTopics({ includeInternals: false })).sort()
      const metadata = await kafka.metadata({ topics: names, forceUpdate: true })
      const described = await kafka.describeConfigs({
        resources: names.map((resourceName) => ({ resourceType: ConfigResourceTypes.TOPIC, resourceName })),
      })
      const configs = new Map(
        described.map((topic) => [
          topic.resourceName,
          Object.fromEntries(topic.configs.map(({ name, value }) => [name, value])),
        ]),
      )
      return names.map((name) => ({
        name,
        partitions: metadata.topics.get(name)?.partitionsCount,
        configs: configs.get(name) ?? {},
      }))
    },
  }
}

async function installationOf(target: DatabaseTarget | undefined): Promise<unknown> {
  const [row] = await query(target?.serviceUrl ?? '', 'select id from installation')
  return row?.['id']
}

function asAdmin(statement: string): Promise<Record<string, unknown>[]> {
  return query(infra.adminUrl, statement)
}

function infraUrl(role: string, password: string, database: string): string {
  const { host } = new URL(infra.adminUrl)
  return `postgres://${encodeURIComponent(role)}:${encodeURIComponent(password)}@${host}/${encodeURIComponent(database)}`
}

function withDatabase(adminUrl: string | undefined, serviceUrl: string): string {
  const url = new URL(adminUrl ?? serviceUrl)
  url.pathname = new URL(serviceUrl).pathname
  return url.href
}

async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  return undefined
}

function codeOf(error: unknown): string | undefined {
  return error instanceof DatabaseError ? error.code : undefined
}
