import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Writable } from 'node:stream'
import { startInfrastructure, type Infrastructure, type TestPart } from '@timesale/testkit/infrastructure'
import { openProxy } from '@timesale/testkit/tcp-proxy'
import { until } from '@timesale/testkit/until'
import { pino } from 'pino'
import { RedisHints, RedisUnavailable } from './redis.ts'

// 50 ms and what two busy cores make of it.
const SOON_MS = 500

test('what was said to Redis is answered', async () => {
  await using hints = await setup()
  await until('it answers', async () => {
    await hints.redis.call((client) => client.set('answers', 'yes'))
    return (await hints.redis.call((client) => client.get('answers'))) === 'yes'
  })
  assert.equal(hints.redis.reachable, true)
  assert.deepEqual(hints.log, [])
})

test('a killed Redis is missed soon, and used again when it is back', async () => {
  const redis = part()
  await using hints = await setup()
  await redis.kill()
  await until('it is missed', async () => (await timed(hints.redis)).error instanceof RedisUnavailable)
  for (let call = 0; call < 10; call += 1) {
    const { error, ms } = await timed(hints.redis)
    assert.ok(error instanceof RedisUnavailable)
    assert.ok(ms < SOON_MS, `${ms} ms`)
  }
  assert.equal(hints.redis.reachable, false)

  await redis.start()
  await until('it is back', () => hints.redis.reachable)
  await until('it answers', async () => (await timed(hints.redis)).error === undefined)
  assert.deepEqual(hints.log, ['redis: lost; going on without it', 'redis: back'])
})

test('a Redis that was not there at the start is used once it comes', async () => {
  const redis = part()
  await redis.kill()
  const hints = open()
  try {
    const { error, ms } = await timed(hints.redis)
    assert.ok(error instanceof RedisUnavailable)
    assert.ok(ms < SOON_MS, `${ms} ms`)
    assert.equal(hints.redis.reachable, false)
  } finally {
    await redis.start()
  }
  await until('it is there', () => hints.redis.reachable)
  await until('it answers', async () => (await timed(hints.redis)).error === undefined)
  await hints.redis.close()
})

test('a Redis that hangs costs each of three calls a moment and the next ones nothing, and comes back by itself', async () => {
  const redis = part()
  await using hints = await setup()
  redis.signal('SIGSTOP')
  try {
    for (let call = 0; call < 3; call += 1) {
      const { error, ms } = await timed(hints.redis)
      assert.ok(error instanceof RedisUnavailable)
      assert.ok(ms < SOON_MS, `${ms} ms`)
    }
    const rest = await Promise.all(Array.from({ length: 100 }, () => timed(hints.redis)))
    for (const { error, ms } of rest) {
      assert.ok(error instanceof RedisUnavailable)
      assert.ok(ms < SOON_MS, `${ms} ms`)
      assert.equal(error.message, 'Redis is being left alone after failures')
    }
    assert.equal(hints.redis.reachable, false)
  } finally {
    redis.signal('SIGCONT')
  }
  // Nobody asks meanwhile.
  await until('it is back', () => hints.redis.reachable)
  await until('it answers', async () => (await timed(hints.redis)).error === undefined)
})

test('calls that are under way together when Redis hangs all give up soon', async () => {
  const redis = part()
  await using hints = await setup()
  redis.signal('SIGSTOP')
  try {
    const asked = performance.now()
    const all = await Promise.all(Array.from({ length: 200 }, () => timed(hints.redis)))
    assert.ok(all.every(({ error }) => error instanceof RedisUnavailable))
    assert.ok(performance.now() - asked < SOON_MS)
  } finally {
    redis.signal('SIGCONT')
  }
  await until('it is back', () => hints.redis.reachable)
})

test('a connection on which no answer comes any more is replaced by another', async () => {
  await using proxy = await openProxy({ to: Number(new URL(infra.redisUrl).port) })
  await using hints = await setup(proxy.url(infra.redisUrl))
  // As when a machine in between forgets the connection; a new one would be served.
  proxy.blackHole({ connections: 'open' })
  await until('it is missed', () => timed(hints.redis).then(({ error }) => error instanceof RedisUnavailable))
  await until('it is back', () => timed(hints.redis).then(({ error }) => error === undefined), 9_000)
})

test('a call that Redis refuses is one that Redis did not answer', async () => {
  await using hints = await setup()
  // On a busy machine its answer may also be late.
  await until('it is refused', async () => {
    const error = await hints.redis.call((client) => client.sendCommand(['NONSENSE'])).catch((error: unknown) => error)
    assert.ok(error instanceof RedisUnavailable)
    return /unknown command/i.test(String(error.cause))
  })
})

let infra: Infrastructure

before(async () => {
  infra = await startInfrastructure({ databases: [], redis: true })
})

after(() => infra[Symbol.asyncDispose]())

async function setup(url?: string) {
  const hints = open(url)
  await until('Redis is reachable', () => hints.redis.reachable)
  return { ...hints, [Symbol.asyncDispose]: () => hints.redis.close() }
}

function open(url = infra.redisUrl): { redis: RedisHints; log: string[] } {
  const log: string[] = []
  const lines = new Writable({
    write(line, _encoding, done) {
      log.push((JSON.parse(String(line)) as { msg: string }).msg)
      done()
    },
  })
  return { redis: new RedisHints({ url, logger: pino(lines) }), log }
}

function part(): TestPart {
  const found = infra.parts.get('redis')
  assert.ok(found)
  return found
}

async function timed(redis: RedisHints): Promise<{ error: unknown; ms: number }> {
  const asked = performance.now()
  const error = await redis
    .call((client) => client.get('x'))
    .then(
      () => undefined,
      (error: unknown) => error ?? new Error('rejected with nothing'),
    )
  return { error, ms: performance.now() - asked }
}
