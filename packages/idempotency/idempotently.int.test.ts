import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Refusal, type RefusalCode } from '@timesale/contracts/refusals'
import { Database } from '@timesale/postgres/database'
import { isInfrastructure } from '@timesale/postgres/errors'
import type { Tx } from '@timesale/postgres/sql'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { idempotently, type Answer, type Once, type Outcome } from './idempotently.ts'

// The outbox stands for whatever a service writes: a row for each effect.

test('a request has its effect once, and gets the same bytes each time it is sent', async () => {
  const { once, work, effects } = setup('again')

  const first = await run(once, work)
  const again = await run(once, work)
  const reordered = await run({ ...once, asked: { note: { b: [1, 2], a: 'ü' }, add: 1 } }, work)

  assert.deepEqual(first, { status: 200, text: '{"effect":"again"}', viewToken: 'token-again', isReplay: false })
  for (const replay of [again, reordered]) assert.deepEqual(replay, { ...first, isReplay: true })
  assert.equal(await effects(), 1)
})

test('of fifty at once one has the effect; the others get its answer, or are told to come again', async () => {
  const { once, work, effects } = setup('fifty')

  const answers = await Promise.allSettled(Array.from({ length: 50 }, () => run(once, work)))

  const done = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const refused = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason as Refusal] : []))
  assert.equal(done.filter(({ isReplay }) => !isReplay).length, 1)
  assert.deepEqual([...new Set(done.map(({ text }) => text))], ['{"effect":"fifty"}'])
  assert.ok(refused.every(({ code }) => code === 'request-in-flight'))
  assert.equal(await effects(), 1)
  assert.equal((await run(once, work)).isReplay, true)
})

test('while one is being answered another one of its key is refused at once, and one of another key is not', async () => {
  const { once, work, effects } = setup('slow')
  const gate = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const slow = run(once, async (tx) => {
    const outcome = await work(tx)
    begun.resolve()
    await gate.promise
    return outcome
  })
  await begun.promise

  try {
    await refused(run(once, work), 'request-in-flight')
    await run({ ...once, key: 'another' }, work)
  } finally {
    gate.resolve()
  }

  assert.equal((await slow).isReplay, false)
  assert.equal((await run(once, work)).isReplay, true)
  assert.equal(await effects(), 2)
})

test('another request under the same key is refused and has no effect', async () => {
  const { once, work, effects } = setup('reused')
  await run(once, work)

  for (const asked of [{ add: 2, note: once.asked.note }, { add: 1 }, { ...once.asked, more: null }, [], 'x', null]) {
    await refused(run({ ...once, asked }, work), 'idempotency-key-reused')
  }
  assert.equal(await effects(), 1)
})

test('keys of another caller and of another route are other keys, whatever is in them', async () => {
  const { once, work, effects } = setup("it's; drop table outbox --")
  await run(once, work)

  for (const other of [{ caller: 'bob' }, { route: 'POST /other' }, { caller: 'alice"' }]) {
    assert.equal((await run({ ...once, ...other }, work)).isReplay, false)
    assert.equal((await run({ ...once, ...other }, work)).isReplay, true)
  }
  assert.equal(await effects(), 4)
})

test('without a key each time is a request of its own', async () => {
  const { once, work, effects } = setup('keyless')

  for (const _time of [1, 2]) assert.equal((await run({ ...once, key: undefined }, work)).isReplay, false)

  assert.equal(await effects(), 2)
})

test('what was refused for the state of things stays refused, without what was done before', async () => {
  const { once, work, effects } = setup('refused')
  const refusing = async (tx: Tx): Promise<Outcome> => {
    await work(tx)
    throw new Refusal('last-owner', { shopId: 'S' })
  }

  const first = await run(once, refusing)
  const again = await run(once, work)

  assert.equal(first.status, 409)
  assert.equal((JSON.parse(first.text) as { code: string }).code, 'last-owner')
  assert.deepEqual(again, { ...first, isReplay: true })
  assert.equal(await effects(), 0)
})

test('what was refused as wrong or not allowed, or failed, may be tried again under its key', async () => {
  const { once, work, effects } = setup('tried again')
  const failures: [Error, object][] = [
    ...(['invalid-request', 'unauthenticated', 'forbidden', 'product-not-found', 'overloaded'] as const).map(
      (code): [Error, object] => [new Refusal(code), { code }],
    ),
    [new Error('a bug'), { message: 'a bug' }],
  ]
  for (const [failure, expected] of failures) {
    const failing = async (tx: Tx): Promise<Outcome> => {
      await work(tx)
      throw failure
    }
    await assert.rejects(run(once, failing), expected)
  }
  await assert.rejects(
    run(once, async (tx) => (await tx`select 1 / 0`, work(tx))),
    { code: '22012' },
  )

  assert.equal((await run(once, work)).isReplay, false)
  assert.equal(await effects(), 1)
})

test('a connection that is lost in the middle leaves nothing, and the next attempt does all of it', async () => {
  const { once, work, effects } = setup('lost')
  const killed = run(once, async (tx) => {
    const outcome = await work(tx)
    const [own] = await tx<{ pid: number }>`select pg_backend_pid() as pid`
    await infra.admin('product').sql`select pg_terminate_backend(${own?.pid}, 5000)`
    return outcome
  })
  await assert.rejects(killed, isInfrastructure)
  assert.equal(await effects(), 0)

  assert.equal((await run(once, work)).isReplay, false)
  assert.equal(await effects(), 1)
})

test('after a crash of the server a replay has the same bytes', async () => {
  const { once, work, effects } = setup('crash')
  const first = await run(once, work)

  await infra.parts.get('postgres')?.kill('SIGKILL')
  await assert.rejects(run(once, work), isInfrastructure)
  await infra.parts.get('postgres')?.start()

  assert.deepEqual(await run(once, work), { ...first, isReplay: true })
  assert.equal(await effects(), 1)
})

test('an answer is kept for 72 hours, then it is a new request; old answers are taken away by whoever comes by', async () => {
  const { once, work, effects } = setup('old')
  await run(once, work)
  await age(once.key, '71 hours 59 minutes')
  assert.equal((await run(once, work)).isReplay, true)
  await age(once.key, '72 hours 1 minute')
  assert.equal((await run(once, work)).isReplay, false)
  assert.equal((await run(once, work)).isReplay, true)
  assert.equal(await effects(), 2)

  const { sql } = infra.admin('product')
  await sql`
    insert into idempotency_keys (caller, route, key, asked, status, body, answered_at)
    select 'carol', 'POST /things', 'k' || n, '', 200, '{}', now() - interval '73 hours' from generate_series(1, 15) n`
  const left = async (): Promise<number> =>
    (await sql`select 1 from idempotency_keys where answered_at < now() - interval '72 hours'`).length
  await run({ ...once, key: 'comes by' }, work)
  assert.equal(await left(), 5)
  await run({ ...once, key: 'comes by too' }, work)
  assert.equal(await left(), 0)
  assert.equal((await run(once, work)).isReplay, true, 'what is not old stays')
})

let infra: Infrastructure
let db: Database

before(async () => {
  infra = await startInfrastructure({ databases: ['product'] })
  const url = infra.env('product')['DB_URL'] ?? ''
  // Of fifty at once forty wait for a connection, on a busy machine for longer than a service would.
  db = new Database({ url, poolSize: 10, applicationName: 'test', connectTimeoutMs: 20_000 })
})

after(async () => {
  await db.close()
  await infra[Symbol.asyncDispose]()
})

function run(once: Once, work: (tx: Tx) => Promise<Outcome>): Promise<Answer> {
  return idempotently(db, once, work)
}

async function refused(answer: Promise<Answer>, code: RefusalCode): Promise<void> {
  await assert.rejects(answer, (error) => error instanceof Refusal && error.code === code)
}

async function age(key: string, by: string): Promise<void> {
  await infra.admin('product').sql`
    update idempotency_keys set answered_at = now() - ${by}::interval where key = ${key}`
}

function setup(name: string) {
  return {
    once: { caller: 'alice', route: 'POST /things', key: name, asked: { add: 1, note: { a: 'ü', b: [1, 2] } } },
    work: async (tx: Tx): Promise<Outcome> => {
      await tx`insert into outbox (events, bytes, lines) values (1, 1, ${name})`
      return { status: 200, body: { effect: name }, viewToken: `token-${name}` }
    },
    effects: async (): Promise<number> =>
      (await infra.admin('product').sql`select 1 from outbox where lines = ${name}`).length,
  }
}
