import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Settings } from '@timesale/contracts/settings'
import type { SettingsView } from '@timesale/contracts/settings-api'
import { readViewToken } from '@timesale/contracts/view-token'
import type { Running } from '@timesale/process/run'
import { calledFor } from '@timesale/testkit/gateway-key'
import { readProblem, send, sendJson, type Answer } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { readTopic } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startAccount } from '../app.ts'
import { readConfig } from '../config.ts'

// One record for all: each test goes on from the version of the one before.

const ORDERS = { points: 5, seconds: 1 }

test('at first there are the defaults, at version 0', async () => {
  const answer = await send(url())

  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual(JSON.parse(answer.text), { version: 0, ordersOpen: true, limits: {} })
  assert.equal(answer.headers['etag'], '"0"')
})

test('a change is answered with its version, and read back', async () => {
  const answer = await put({ ordersOpen: false, limits: { orders: ORDERS }, outboxCapEvents: 7 })

  const wanted = { version: 1, ordersOpen: false, limits: { orders: ORDERS }, outboxCapEvents: 7 }
  assert.deepEqual(viewOf(answer), wanted)
  assert.equal(answer.headers['etag'], '"1"')
  assert.deepEqual(readViewToken(answer.headers['view-token'] ?? ''), {
    ...{ source: '/account/settings', aggregateId: 'shop', version: 1 },
  })
  assert.deepEqual(viewOf(await send(url())), wanted)
})

test('what is left out is back to its default, and what is the same is no change', async () => {
  assert.deepEqual(viewOf(await put({ ordersOpen: false, limits: {} })), { version: 2, ordersOpen: false, limits: {} })
  assert.equal(viewOf(await put({ ordersOpen: false, limits: {} })).version, 2)
})

test('of two who saw the same version one is refused', async () => {
  const seen = { 'if-match': '"2"' }

  // Both have begun, and wait for the row, before either can change it.
  const sent: Promise<Answer>[] = []
  const db = infra.admin('account')
  await db.tx(async (tx) => {
    await tx`select from settings for update`
    for (const cap of [10, 20]) sent.push(put({ ordersOpen: true, limits: {}, outboxCapEvents: cap }, seen))
    await until('both wait', async () => {
      const waiting = await db.sql`
        select from pg_stat_activity where application_name = 'account-http' and wait_event_type = 'Lock'`
      return waiting.length === 2
    })
  })
  const answers = await Promise.all(sent)

  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 412])
  const refused = answers.find(({ status }) => status === 412)
  assert.ok(refused !== undefined)
  assert.equal(readProblem(refused).code, 'precondition-failed')
  assert.equal(viewOf(await send(url())).version, 3)
  assert.equal((await put({ version: 2, ordersOpen: true, limits: {} })).status, 412)
  assert.equal(viewOf(await put({ version: 3, ordersOpen: true, limits: {} })).version, 4)
  assert.equal(viewOf(await put({ ordersOpen: false, limits: {} }, { 'if-match': '*' })).version, 5)
})

test('what cannot be is refused by its field', async () => {
  const fine = { ordersOpen: true, limits: {} }
  for (const [body, field, headers] of [
    [{ limits: {} }, 'ordersOpen'],
    [{ ordersOpen: true }, 'limits'],
    [{ ...fine, ordersOpen: 'false' }, 'ordersOpen'],
    [{ ...fine, closed: true }, 'closed'],
    [{ ...fine, limits: { everything: ORDERS } }, 'limits.everything'],
    [{ ...fine, limits: { orders: { points: 0, seconds: 1 } } }, 'limits.orders.points'],
    [{ ...fine, limits: { orders: { points: 1_000_001, seconds: 1 } } }, 'limits.orders.points'],
    [{ ...fine, limits: { orders: { points: 1, seconds: 0.5 } } }, 'limits.orders.seconds'],
    [{ ...fine, limits: { orders: { points: 1 } } }, 'limits.orders.seconds'],
    [{ ...fine, limits: { orders: null } }, 'limits.orders'],
    // Or the operator could shut himself out of here, where it is counted by this one.
    [{ ...fine, limits: { account: { points: 4, seconds: 60 } } }, 'limits.account.points'],
    [{ ...fine, limits: { account: { points: 5, seconds: 61 } } }, 'limits.account.seconds'],
    [{ ...fine, outboxCapEvents: 0 }, 'outboxCapEvents'],
    [{ ...fine, outboxCapEvents: 1_000_000 }, 'outboxCapEvents'],
    [{ ...fine, version: -1 }, 'version'],
    [[], 'body'],
    [fine, 'if-match', { 'if-match': '5' }],
  ] as [unknown, string, Record<string, string>?][]) {
    const answer = await put(body, headers)
    assert.equal(answer.status, 400, answer.text)
    assert.deepEqual(
      readProblem(answer).errors?.map((error) => error.field),
      [field],
    )
  }
  assert.equal(viewOf(await send(url())).version, 5)
})

test('operators alone may see and change them', async () => {
  for (const [headers, status] of [
    [await calledFor(), 401],
    [await calledFor('mina'), 403],
    [await calledFor('mina', 'seller'), 403],
    [await calledFor('joon', 'operator'), 200],
  ] as const) {
    assert.equal((await send(url(), { headers })).status, status)
    assert.equal((await put({ ordersOpen: true, limits: { orders: ORDERS } }, headers)).status, status)
  }
  const [row] = await infra.admin('account').sql`select version, changed_by from settings`
  assert.deepEqual(row, { version: 6, changed_by: 'joon' })
})

test('every change is on the topic once, with all that was set', async () => {
  await until('the outbox is empty', async () => (await infra.admin('account').sql`select 1 from outbox`).length === 0)

  const records = await readTopic(infra.brokers, 'settings-topic', 6)

  const told = records.map(({ key, headers, value }) => [
    key,
    headers['ce_id'],
    (JSON.parse(value) as Settings).ordersOpen,
  ])
  assert.deepEqual(told, [
    ...[
      ['shop', 'shop.1', false],
      ['shop', 'shop.2', false],
      ['shop', 'shop.3', true],
    ],
    ...[
      ['shop', 'shop.4', true],
      ['shop', 'shop.5', false],
      ['shop', 'shop.6', true],
    ],
  ])
  assert.deepEqual(JSON.parse(records[0]?.value ?? ''), {
    ...{ settingsId: 'shop', ordersOpen: false, limits: { orders: ORDERS }, outboxCapEvents: 7 },
  })
})

let infra: Infrastructure
let account: Running & { port: number }

before(async () => {
  infra = await startInfrastructure({ databases: ['account'], kafka: true })
  account = await startAccount(readConfig(infra.env('account')))
})

after(async () => {
  await account?.stop()
  await infra?.[Symbol.asyncDispose]()
})

function url(): string {
  return `http://127.0.0.1:${account.port}/settings`
}

function put(body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return sendJson(url(), body, { method: 'PUT', headers })
}

function viewOf(answer: Answer): SettingsView {
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text) as SettingsView
}
