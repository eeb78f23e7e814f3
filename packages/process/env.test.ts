import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadEnvironment, readEnv, type EnvReader } from './env.ts'

test('settings are found under the prefix of the service', () => {
  const env = {
    ORDER_LOG_LEVEL: 'debug',
    ORDER_HTTP_PORT: '9000',
    ORDER_KAFKA_BROKERS: 'a:9092,b:9092',
    ORDER_REDIS_URL: 'redis://localhost:6379',
  }

  assert.deepEqual(readEnv(env, 'ORDER_', readAll), {
    level: 'debug',
    port: 9000,
    brokers: ['a:9092', 'b:9092'],
    redis: 'redis://localhost:6379',
  })
})

test('what all services share is set once, and the setting of one service goes before it', () => {
  const env = { KAFKA_BROKERS: 'a:9092', REDIS_URL: 'redis://shared:6379', ORDER_REDIS_URL: 'redis://own:6379' }

  const { brokers, redis } = readEnv(env, 'ORDER_', readAll)

  assert.deepEqual([brokers, redis], [['a:9092'], 'redis://own:6379'])
})

test('a setting of another service does not count', () => {
  assert.throws(() => readEnv({ STOCK_DB_URL: 'postgres://localhost/stock' }, 'ORDER_', (get) => get.url('DB_URL')))
})

test('what has a fallback may be absent or empty', () => {
  for (const env of [{}, { LOG_LEVEL: '', HTTP_PORT: '' }]) {
    assert.deepEqual(
      readEnv(env, 'ORDER_', (get) => [get.text('LOG_LEVEL', 'info'), get.int('HTTP_PORT', 8081)]),
      ['info', 8081],
    )
  }
})

test('a list takes spaces and a comma too much', () => {
  assert.deepEqual(
    readEnv({ KAFKA_BROKERS: ' a:9092 , b:9092,, ' }, 'ORDER_', (get) => get.list('KAFKA_BROKERS')),
    ['a:9092', 'b:9092'],
  )
})

test('a list of nothing but commas is missing', () => {
  assert.throws(() => readEnv({ KAFKA_BROKERS: ' , ' }, 'ORDER_', (get) => get.list('KAFKA_BROKERS')), BadEnvironment)
})

test('every problem is named at once, with both names that a setting may have', () => {
  const env = { ORDER_HTTP_PORT: 'eighty', REDIS_URL: 'no url' }

  const { problems, message } = failure(env, (get) => [
    get.text('INSTANCE_ID'),
    get.int('HTTP_PORT', 8081),
    get.list('KAFKA_BROKERS'),
    get.url('REDIS_URL'),
    get.url('DB_URL'),
  ])

  assert.equal(problems.length, 5)
  for (const name of ['INSTANCE_ID', 'KAFKA_BROKERS', 'DB_URL']) {
    assert.ok(problems.some((problem) => problem.startsWith(`ORDER_${name} (or ${name}) is missing`)))
  }
  assert.ok(problems.includes('ORDER_HTTP_PORT is not a whole number of at least 0: eighty'))
  assert.ok(problems.includes('ORDER_REDIS_URL is not a URL'))
  for (const problem of problems) assert.ok(message.includes(problem))
})

test('a number that is not whole, or more than one, is a problem and not rounded', () => {
  for (const value of ['1.5', '1e3', '0x10', '8081 ', '8081,8082', 'NaN', '9'.repeat(13)]) {
    assert.equal(failure({ HTTP_PORT: value }, (get) => get.int('HTTP_PORT', 8081)).problems.length, 1, value)
  }
})

test('a URL or an address that may hold a password is never repeated', () => {
  const env = {
    ORDER_DB_URL: 'postgres//order:secret@localhost:5434/order',
    REDIS_URL: 'redis secret',
    KAFKA_BROKERS: 'a:9092,kafka://u:secret@h:1,b:9092',
  }

  const { message, problems } = failure(env, (get) => [
    get.url('DB_URL'),
    get.url('REDIS_URL'),
    get.addresses('KAFKA_BROKERS'),
  ])

  assert.equal(problems.length, 3)
  assert.ok(problems.includes('ORDER_KAFKA_BROKERS: item 2 of the list is not host:port'), message)
  assert.doesNotMatch(message, /secret/)
})

function readAll(get: EnvReader) {
  return {
    level: get.text('LOG_LEVEL', 'info'),
    port: get.int('HTTP_PORT', 8081),
    brokers: get.list('KAFKA_BROKERS'),
    redis: get.url('REDIS_URL'),
  }
}

function failure(env: NodeJS.ProcessEnv, read: (get: EnvReader) => unknown): BadEnvironment {
  try {
    readEnv(env, 'ORDER_', read)
  } catch (error) {
    assert.ok(error instanceof BadEnvironment)
    return error
  }
  return assert.fail('The environment was accepted.')
}
