import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ConsoleAbout } from '@timesale/contracts/console-api'
import { findDataFolder } from './data-folder.ts'
import { makeSecrets } from './secrets.ts'
import { describeShop, ownEnvironment, type Control } from './shop.ts'

test('a shop has every service there is, a server for each that has tables, a broker and Redis', async () => {
  const shop = await setup({})
  const services = readdirSync(SERVICES)
  const keepers = services.filter((name) => existsSync(join(SERVICES, name, 'db/migrations')))
  assert.ok(keepers.includes('order') && !keepers.includes('gateway'))
  assert.deepEqual(
    shop.infrastructure.map(({ name }) => name).toSorted(),
    ['kafka-1', ...keepers.map((name) => `postgres-${name}`), 'redis'].toSorted(),
  )
  assert.deepEqual(shop.services.map(({ name }) => name).toSorted(), services.toSorted())
  assert.equal(shop.kafkaBrokers, '127.0.0.1:9092')
})

test('servers of the user’s own take the place of parts', async () => {
  const shop = await setup({
    KAFKA_BROKERS: 'a.example:9092,b.example:9093',
    REDIS_URL: 'redis://cache.example',
    ORDER_DB_URL: 'postgres://o:p@db.example/orders',
  })
  assert.deepEqual(
    shop.external.map(({ name, port }) => [name, port]),
    [
      ['postgres-order', 5432],
      ['kafka-1', 9092],
      ['kafka-2', 9093],
      ['redis', 6379],
    ],
  )
  assert(!shop.infrastructure.some(({ name }) => ['kafka-1', 'redis', 'postgres-order'].includes(name)))
  const order = shop.databases.find(({ service }) => service === 'order')
  assert.deepEqual(order, { service: 'order', serviceUrl: 'postgres://o:p@db.example/orders' })
  const told = toldTo(shop, 'order')
  assert.equal(told['ORDER_DB_URL'], 'postgres://o:p@db.example/orders')
  assert.equal(told['KAFKA_BROKERS'], 'a.example:9092,b.example:9093')
  assert.equal(told['REDIS_URL'], 'redis://cache.example')
})

test('a service gets the user’s environment, but no address that the shop decides and nothing of another service', () => {
  const env = ownEnvironment('stock', {
    ...{ LOG_LEVEL: 'debug', STOCK_DB_POOL_SIZE: '3', CONFIG_FILE: '/etc/timesale.json', EMPTY: undefined },
    ...{ ORDER_LOG_LEVEL: 'trace', GATEWAY_SIGNING_KEY: 'g', ORDER_DB_URL: 'x' },
    ...{
      STOCK_DB_URL: 'x',
      STOCK_DB_ADMIN_URL: 'y',
      DB_URL: 'x',
      HTTP_PORT: '1',
      STOCK_HTTP_HOST: '::',
      INSTANCE_ID: 'i',
    },
    ...{ npm_config_cache: 'z', CONFIG_URL: 'http://other.example', CONFIG_PROFILE: 'test' },
  })
  assert.deepEqual(env, { LOG_LEVEL: 'debug', STOCK_DB_POOL_SIZE: '3', CONFIG_FILE: '/etc/timesale.json' })
})

test('a service is started with where to ask, and is told what it needs', async () => {
  const shop = await setup({ LOG_LEVEL: 'debug' })
  const { env } = await launchOf(shop, 'stock')
  const { NODE_COMPILE_CACHE: _cache, ...rest } = env
  assert.deepEqual(rest, {
    LOG_LEVEL: 'debug',
    CONFIG_URL: `http://timesale:${secrets.configPassword}@127.0.0.1:8888`,
  })
  assert.deepEqual(toldTo(shop, 'stock'), {
    STOCK_HTTP_HOST: '127.0.0.1',
    STOCK_HTTP_PORT: '8082',
    STOCK_INSTANCE_ID: 'stock-1',
    STOCK_DB_URL: 'postgres://stock_local:stock_local@127.0.0.1:5435/stock_local',
    KAFKA_BROKERS: '127.0.0.1:9092',
    REDIS_URL: 'redis://127.0.0.1:6379',
    INTERNAL_KEYS: secrets.internalKeys,
  })
})

test('no service is told the database or the key of another', async () => {
  const shop = await setup({})
  for (const { name } of shop.services) {
    const told = JSON.stringify(shop.configOf(name))
    const urls = shop.databases.filter(({ serviceUrl }) => told.includes(serviceUrl))
    assert.deepEqual(
      urls.map(({ service }) => service),
      shop.databases.flatMap(({ service }) => (service === name ? [service] : [])),
    )
    assert.equal('GATEWAY_SIGNING_KEY' in toldTo(shop, name), name === 'gateway')
    assert.equal('ACCOUNT_KEY_SECRET' in toldTo(shop, name), name === 'account')
    assert.ok(!told.includes('DB_ADMIN_URL') && !told.includes(secrets.configPassword))
  }
  assert.deepEqual(shop.configOf('stranger'), [])
})

test('the gateway alone is told of the supervisor and of the people, and may be told otherwise', async () => {
  const shop = await setup({}, { port: 4711, token: 'secret-token' })
  const told = toldTo(shop, 'gateway')
  assert.equal(told['GATEWAY_SUPERVISOR_URL'], 'http://:secret-token@127.0.0.1:4711')
  assert.equal(told['GATEWAY_CONSOLE_ACTIONS'], 'on')
  const people = JSON.parse(told['GATEWAY_CONSOLE_PEOPLE'] ?? '') as ConsoleAbout['people']
  assert.ok(people.some(({ email, roles }) => email === 'operator@timesale.example' && roles.includes('operator')))
  for (const { name } of shop.services) {
    const text = JSON.stringify(shop.configOf(name))
    assert.equal(/secret-token|timesale-demo|CONSOLE/.test(text), name === 'gateway')
  }
  // What stands in a service's environment goes before what it is told.
  assert.equal(ownEnvironment('gateway', { GATEWAY_CONSOLE_ACTIONS: 'off' })['GATEWAY_CONSOLE_ACTIONS'], 'off')
  assert.equal('GATEWAY_SUPERVISOR_URL' in toldTo(await setup({}), 'gateway'), false)
})

const secrets = makeSecrets()

const SERVICES = join(import.meta.dirname, '../../services')

async function setup(env: Record<string, string>, control?: Control) {
  const folder = await findDataFolder('/nowhere/data')
  const supervised = control === undefined ? {} : { control }
  return describeShop({ settings: { portOffset: 0, brokers: 1 }, folder, secrets, env, ...supervised })
}

async function launchOf(shop: Awaited<ReturnType<typeof setup>>, name: string) {
  const part = shop.services.find((service) => service.name === name)
  assert(part)
  return await part.launch()
}

function toldTo(shop: Awaited<ReturnType<typeof setup>>, name: string): Record<string, string> {
  return Object.assign({}, ...shop.configOf(name).map(({ source }) => source)) as Record<string, string>
}
