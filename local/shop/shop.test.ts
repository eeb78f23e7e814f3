import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findDataFolder } from './data-folder.ts'
import { portsWithOffset } from './ports.ts'
import { makeSecrets } from './secrets.ts'
import { describeShop, serviceEnvironment } from './shop.ts'

test('a shop has a database for each service, brokers, Redis and the services', async () => {
  const shop = await setup({})
  assert.deepEqual(shop.infrastructure.map(({ name }) => name).toSorted(), [
    'kafka-1',
    'postgres-account',
    'postgres-analytics',
    'postgres-notification',
    'postgres-order',
    'postgres-product',
    'postgres-seller',
    'postgres-stock',
    'redis',
  ])
  assert.deepEqual(shop.services.map(({ name }) => name).toSorted(), [
    'account',
    'analytics',
    'gateway',
    'notification',
    'order',
    'product',
    'seller',
    'stock',
    'storefront',
  ])
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
  const { env } = await launchOf(shop, 'order')
  assert.equal(env['ORDER_DB_URL'], 'postgres://o:p@db.example/orders')
  assert.equal(env['KAFKA_BROKERS'], 'a.example:9092,b.example:9093')
  assert.equal(env['REDIS_URL'], 'redis://cache.example')
})

test('a service gets the user’s environment, but no database and no admin of another', () => {
  const env = serviceEnvironment({
    service: 'stock',
    env: { LOG_LEVEL: 'debug', ORDER_DB_URL: 'x', STOCK_DB_ADMIN_URL: 'y', npm_config_cache: 'z', EMPTY: undefined },
    ports: portsWithOffset(0),
    secrets,
    serviceUrl: 'postgres://s',
    kafkaBrokers: 'k:1',
    redisUrl: 'redis://r',
  })
  assert.deepEqual(env, {
    LOG_LEVEL: 'debug',
    STOCK_HTTP_HOST: '127.0.0.1',
    STOCK_HTTP_PORT: '8082',
    STOCK_DB_URL: 'postgres://s',
    KAFKA_BROKERS: 'k:1',
    REDIS_URL: 'redis://r',
    INSTANCE_ID: 'stock-1',
    INTERNAL_KEYS: secrets.internalKeys,
  })
})

const secrets = makeSecrets()

async function setup(env: Record<string, string>) {
  const folder = await findDataFolder('/nowhere/data')
  return describeShop({ settings: { portOffset: 0, brokers: 1 }, folder, secrets, env })
}

async function launchOf(shop: Awaited<ReturnType<typeof setup>>, name: string) {
  const part = shop.services.find((service) => service.name === name)
  assert(part)
  return await part.launch()
}
