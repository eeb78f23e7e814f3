import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { BadEnvironment } from '@timesale/process/env'
import { readConfig } from './config.ts'
import { UPSTREAMS } from './routes.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const signingKey = { ...privateKey.export({ format: 'jwk' }), kid: 'gateway-1' }
const { publicKey: other } = generateKeyPairSync('ed25519')
const complete = {
  REDIS_URL: 'redis://127.0.0.1:6379',
  KAFKA_BROKERS: '127.0.0.1:9092',
  GATEWAY_SIGNING_KEY: JSON.stringify(signingKey),
  ...Object.fromEntries(UPSTREAMS.map((name) => [`GATEWAY_${name.toUpperCase()}_URLS`, 'http://127.0.0.1:9'])),
}

test('what is set is read', () => {
  const config = readConfig({ ...complete, GATEWAY_ORDER_URLS: 'http://a:1, https://b', GATEWAY_LIMIT_ORDERS: '7/3' })
  assert.deepEqual(config.upstreams.order, ['http://a:1', 'https://b'])
  assert.deepEqual(config.limits.orders, { points: 7, seconds: 3 })
  assert.deepEqual(config.limits.credentials, { points: 10, seconds: 60 })
  assert.equal(config.trustedHops, 0)
  const { actions, supervisor, people } = config.console
  assert.deepEqual({ actions, supervisor, people }, { actions: false, supervisor: undefined, people: [] })
})

test('the console of a local start is read', () => {
  const people = [{ email: 'a@b.example', password: 'c', roles: ['operator'] }]
  const { console } = readConfig({
    ...complete,
    GATEWAY_CONSOLE_ACTIONS: 'on',
    GATEWAY_SUPERVISOR_URL: 'http://:to%20ken@127.0.0.1:99',
    GATEWAY_CONSOLE_PEOPLE: JSON.stringify(people),
    GATEWAY_CONSOLE_PAGES: '/pages',
  })
  const supervisor = { origin: 'http://127.0.0.1:99', token: 'to ken' }
  assert.deepEqual(console, { actions: true, supervisor, people, pages: '/pages', kafkaWithinMs: 2_800 })
})

for (const [key, value] of [
  ['GATEWAY_SIGNING_KEY', JSON.stringify({ ...publicKey.export({ format: 'jwk' }), kid: 'gateway-1' })],
  ['GATEWAY_SIGNING_KEY', JSON.stringify({ ...signingKey, kid: undefined })],
  ['GATEWAY_SIGNING_KEY', JSON.stringify({ ...signingKey, d: 'c2hvcnQ' })],
  ['GATEWAY_SIGNING_KEY', JSON.stringify({ ...signingKey, x: other.export({ format: 'jwk' }).x })],
  ['GATEWAY_SIGNING_KEY', '"text"'],
  ['GATEWAY_SIGNING_KEY', 'null'],
  ['GATEWAY_LIMIT_ORDERS', '0/10'],
  ['GATEWAY_LIMIT_ORDERS', '60'],
  ['GATEWAY_ORDER_URLS', 'http://a:1/path'],
  ['GATEWAY_ORDER_URLS', 'http://a:1,nonsense'],
  ['GATEWAY_ORDER_URLS', 'redis://a:1'],
  ['GATEWAY_TRUSTED_HOPS', 'true'],
  ['GATEWAY_TRUSTED_HOPS', '-1'],
  ['GATEWAY_UPSTREAM_QUEUE', '-1'],
  ['GATEWAY_REPLICAS', '0'],
  ['GATEWAY_DRAIN_MS', '15001'],
  ['GATEWAY_CONSOLE_ACTIONS', 'true'],
  ['GATEWAY_CONSOLE_KAFKA_MS', '99'],
  ['GATEWAY_SUPERVISOR_URL', 'http://127.0.0.1:99'],
  ['GATEWAY_SUPERVISOR_URL', 'https://:token@127.0.0.1:99'],
  ['GATEWAY_CONSOLE_PEOPLE', '{}'],
  ['GATEWAY_CONSOLE_PEOPLE', '[{"email":"a","password":"b","roles":["king"]}]'],
] as const) {
  test(`${key}=${value.slice(0, 20)} is refused by name`, () => {
    assert.throws(
      () => readConfig({ ...complete, [key]: value }),
      (error) =>
        error instanceof BadEnvironment &&
        error.problems.length === 1 &&
        error.message.includes(key) &&
        !error.message.includes(signingKey.x ?? '') &&
        !error.message.includes(signingKey.d ?? ''),
    )
  })
}
