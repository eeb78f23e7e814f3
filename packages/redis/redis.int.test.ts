import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
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
  const calls: Timed[] = []
  while (calls.length < 10) calls.push(await timed(hints.redis))
  await assertGivenUpSoon(calls)
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
    await assertGivenUpSoon([await timed(hints.redis)])
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
    const first: Timed[] = []
    while (first.length < 3) first.push(await timed(hints.redis))
    const rest = await Promise.all(Array.from({ length: 100 }, () => timed(hints.redis)))
    await assertGivenUpSoon([...first, ...rest])
    assert.deepEqual(
      new Set(rest.map(({ error }) => (error as Error).message)),
      new Set(['Redis is being left alone after failures']),
    )
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
    await assertGivenUpSoon(await Promise.all(Array.from({ length: 200 }, () => timed(hints.redis))))
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
  // Four breaks of a second each; without another connection it would never be.
  await until('it is back', () => timed(hints.redis).then(({ error }) => error === undefined))
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
/** What this process has stood still for, since the client was made. */
const stoodStill = monitorEventLoopDelay({ resolution: 10 })

before(async () => {
  infra = await startInfrastructure({ databases: [], redis: true })
  stoodStill.enable()
})

after(() => infra[Symbol.asyncDispose]())

async function setup(url?: string) {
  const hints = open(url)
  await until('Redis is reachable', () => hints.redis.reachable)
  return { ...hints, [Symbol.asyncDispose]: () => hints.redis.close() }
}

function open(url = infra.redisUrl): { redis: RedisHints; log: string[] } {
  stoodStill.reset()
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

interface Timed {
  readonly error: unknown
  readonly ms: number
}

/** While this process stood still, nobody could give up. */
async function assertGivenUpSoon(calls: readonly Timed[]): Promise<void> {
  // So that also what has only just ended is known of.
  await sleep(50)
  const soonMs = SOON_MS + stoodStill.max / 1e6
  for (const { error, ms } of calls) {
    assert.ok(error instanceof RedisUnavailable)
    assert.ok(ms < soonMs, `${ms} ms`)
  }
}

async function timed(redis: RedisHints): Promise<Timed> {
  const asked = performance.now()
  const error = await redis
    .call((client) => client.get('x'))
    .then(
      () => undefined,
      (error: unknown) => error ?? new Error('rejected with nothing'),
    )
  return { error, ms: performance.now() - asked }
}
