import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RefusalCode } from '@timesale/contracts/refusals'
import type { Role } from '@timesale/contracts/roles'
import type { ShopPage, ShopView } from '@timesale/contracts/seller-api'
import { VIEW_TOKEN_HEADER } from '@timesale/contracts/view-token'
import type { Running } from '@timesale/process/run'
import { calledFor } from '@timesale/testkit/gateway-key'
import { readProblem, send, type Answer } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import { readTopic } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startSeller } from '../app.ts'
import { readConfig } from '../config.ts'

/** Who calls: an account and its roles; nobody who is logged in; or past the gateway, without a token. */
type Caller = { readonly account: string; readonly roles: readonly Role[] } | 'anonymous' | 'open'

const ALICE: Caller = { account: 'alice', roles: ['buyer', 'seller'] }
const BOB: Caller = { account: 'bob', roles: ['seller'] }
const BUYER: Caller = { account: 'buyer', roles: ['buyer'] }
const OPERATOR: Caller = { account: 'root', roles: ['operator'] }
const STRANGERS: readonly Caller[] = ['anonymous', BUYER, BOB]

test('a seller opens a shop and owns it; sent again it is the same shop, and its id is nobody else’s', async () => {
  const first = await call(ALICE, 'POST /shops', { shopId: 'S1', name: '과수원' })

  assert.equal(first.status, 201)
  assert.deepEqual(JSON.parse(first.text), {
    shopId: 'S1',
    name: '과수원',
    members: [{ accountId: 'alice', role: 'owner' }],
    version: 1,
  })
  assert.equal(first.headers[VIEW_TOKEN_HEADER], '/seller/shops/S1.1')
  const again = await call(ALICE, 'POST /shops', { shopId: 'S1', name: '과수원' })
  assert.deepEqual([again.status, again.text], [200, first.text])
  refused(await call(ALICE, 'POST /shops', { shopId: 'S1', name: 'Another' }), 'shop-exists')
  const taken = await call(BOB, 'POST /shops', { shopId: 'S1', name: '과수원' })
  refused(taken, 'shop-exists')
  assert.doesNotMatch(taken.text, /alice/)
})

test('without an id a shop gets one, and once for each Idempotency-Key', async () => {
  const key = { 'idempotency-key': 'open-it' }
  const first = await call(ALICE, 'POST /shops', { name: 'Keyed' }, key)
  const again = await call(ALICE, 'POST /shops', { name: 'Keyed' }, key)
  const other = await call(BOB, 'POST /shops', { name: 'Keyed' }, key)

  assert.match((JSON.parse(first.text) as ShopView).shopId, /^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  assert.deepEqual([again.status, again.text, again.headers['idempotency-replayed']], [201, first.text, 'true'])
  assert.equal(again.headers[VIEW_TOKEN_HEADER], first.headers[VIEW_TOKEN_HEADER])
  assert.notEqual((JSON.parse(other.text) as ShopView).shopId, (JSON.parse(first.text) as ShopView).shopId)
  refused(await call(ALICE, 'POST /shops', { name: 'Keyed' }), 'idempotency-key-required', 'idempotency-key')
})

test('only operators and open callers open a shop for somebody else', async () => {
  refused(await call(ALICE, 'POST /shops', { shopId: 'S2', name: 'x', owner: 'bob' }), 'invalid-request', 'owner')
  for (const [caller, wish, owner] of [
    [ALICE, { owner: 'alice' }, 'alice'],
    [OPERATOR, { owner: 'bob' }, 'bob'],
    [OPERATOR, {}, 'root'],
    ['open', { owner: 'bob' }, 'bob'],
    ['open', {}, 'open'],
  ] as const) {
    const key = { 'idempotency-key': `for-${owner}` }
    const { members } = view(await call(caller, 'POST /shops', { name: 'x', ...wish }, key), 201)
    assert.deepEqual(members, [{ accountId: owner, role: 'owner' }])
  }
})

test('owners say who is a member, members may rename, and each change is told once', async () => {
  await call(ALICE, 'POST /shops', { shopId: 'S3', name: 'One' })

  const joined = await call(ALICE, 'PUT /shops/S3/members/bob', { role: 'member' })
  assert.equal(joined.headers[VIEW_TOKEN_HEADER], '/seller/shops/S3.2')
  assert.equal(view(joined).version, 2)
  assert.equal(view(await call(ALICE, 'PUT /shops/S3/members/bob', { role: 'member' })).version, 2)
  assert.equal(view(await call(BOB, 'PUT /shops/S3', { name: 'Two' })).version, 3)
  assert.equal(view(await call(BOB, 'PUT /shops/S3', { name: 'Two' })).version, 3)
  refused(await call(BOB, 'PUT /shops/S3/members/carol', { role: 'member' }), 'forbidden')
  refused(await call(BOB, 'DELETE /shops/S3/members/alice'), 'forbidden')
  refused(await call(ALICE, 'DELETE /shops/S3/members/alice'), 'last-owner')
  refused(await call(ALICE, 'PUT /shops/S3/members/alice', { role: 'member' }), 'last-owner')
  assert.equal(view(await call(ALICE, 'DELETE /shops/S3/members/nobody')).version, 3)

  view(await call(ALICE, 'DELETE /shops/S3/members/bob'))
  for (const request of ['GET /shops/S3', 'GET /shops/S3/members']) {
    refused(await call(BOB, request), 'shop-not-found')
  }
  refused(await call(BOB, 'PUT /shops/S3', { name: 'Three' }), 'shop-not-found')
  assert.deepEqual(view(await call(ALICE, 'GET /shops/S3')), {
    shopId: 'S3',
    name: 'Two',
    members: [{ accountId: 'alice', role: 'owner' }],
    version: 4,
  })
})

test('of changes at once none is lost, and of two owners who remove each other one stays', async () => {
  await call(ALICE, 'POST /shops', { shopId: 'S4', name: 'Crowd' })
  const crowd = Array.from({ length: 20 }, (_, index) => `m-${index + 10}`)
  await Promise.all(
    crowd.map(async (one) => view(await call(ALICE, `PUT /shops/S4/members/${one}`, { role: 'member' }))),
  )
  const full = view(await call(ALICE, 'GET /shops/S4'))
  assert.deepEqual([full.version, full.members.map(({ accountId }) => accountId)], [21, ['alice', ...crowd]])

  view(await call(ALICE, 'PUT /shops/S4/members/bob', { role: 'owner' }))
  const answers = await Promise.all([
    call(ALICE, 'DELETE /shops/S4/members/bob'),
    call(BOB, 'DELETE /shops/S4/members/alice'),
  ])
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 404])
  const { members } = view(await call('open', 'GET /shops/S4'))
  assert.equal(members.filter(({ role }) => role === 'owner').length, 1)
})

test('an account lists its shops page by page, an operator all of them', async () => {
  const ids = Array.from({ length: 7 }, (_, index) => `list-${index}`)
  const lister: Caller = { account: 'lister', roles: ['seller'] }
  await Promise.all(ids.map((shopId) => call(lister, 'POST /shops', { shopId, name: 'L' })))
  await call(BOB, 'POST /shops', { shopId: 'list-3a', name: 'of Bob' })

  const seen: string[] = []
  for (let after: string | undefined = '0'; after !== undefined;) {
    const page: ShopPage = JSON.parse((await call(lister, `GET /shops?limit=3&after=${after}`)).text) as ShopPage
    assert.ok(page.shops.length === 3 || page.next === undefined)
    seen.push(...page.shops.map(({ shopId }) => shopId))
    after = page.next
  }
  assert.deepEqual(seen, ids)
  for (const caller of [OPERATOR, 'open'] as const) {
    const all = JSON.parse((await call(caller, 'GET /shops?after=list-2')).text) as ShopPage
    assert.deepEqual(
      all.shops.slice(0, 3).map(({ shopId }) => shopId),
      ['list-3', 'list-3a', 'list-4'],
    )
  }
})

test('no route gives a stranger, a buyer or nobody what is of a shop, or lets them change it', async () => {
  await call(ALICE, 'POST /shops', { shopId: 'secret', name: 'Hidden away' })
  view(await call(ALICE, 'PUT /shops/secret/members/friend', { role: 'owner' }))
  const before = await call('open', 'GET /shops/secret')
  // What each is answered: nobody, a buyer, another seller; then who may.
  const cases: Record<string, { request: string; body?: object; wrong: [number, number, number]; right: Caller[] }> = {
    'POST /shops': { request: 'POST /shops', body: { shopId: 'secret', name: 'x' }, wrong: [401, 403, 409], right: [] },
    'GET /shops': { request: 'GET /shops', wrong: [401, 200, 200], right: [ALICE, OPERATOR, 'open'] },
    'GET /shops/{shopId}': { request: 'GET /shops/secret', wrong: [401, 404, 404], right: [ALICE, OPERATOR, 'open'] },
    'PUT /shops/{shopId}': {
      ...{ request: 'PUT /shops/secret', body: { name: 'Hidden away' } },
      ...{ wrong: [401, 403, 404], right: [ALICE, OPERATOR, 'open'] },
    },
    'GET /shops/{shopId}/members': {
      ...{ request: 'GET /shops/secret/members', wrong: [401, 404, 404], right: [ALICE, OPERATOR, 'open'] },
    },
    'PUT /shops/{shopId}/members/{accountId}': {
      ...{ request: 'PUT /shops/secret/members/friend', body: { role: 'owner' } },
      ...{ wrong: [401, 403, 404], right: [ALICE, OPERATOR, 'open'] },
    },
    'DELETE /shops/{shopId}/members/{accountId}': {
      ...{ request: 'DELETE /shops/secret/members/nobody', wrong: [401, 403, 404], right: [ALICE, OPERATOR, 'open'] },
    },
    'GET /totals': { request: 'GET /totals', wrong: [401, 403, 403], right: [OPERATOR, 'open'] },
  }
  assert.deepEqual(Object.keys(cases).sort(), await routes())

  for (const [name, { request, body, wrong, right }] of Object.entries(cases)) {
    for (const [index, caller] of STRANGERS.entries()) {
      const answer: Answer = await call(caller, request, body)
      assert.equal(answer.status, wrong[index], `${name} for ${JSON.stringify(caller)}: ${answer.text}`)
      const told = answer.text.replaceAll('"shopId":"secret"', '')
      assert.doesNotMatch(told, /secret|Hidden|alice|friend/, `${name}: ${answer.text}`)
      if (answer.status !== 404) continue
      const nowhere = await call(caller, request.replace('secret', 'nowhere'), body)
      assert.equal(answer.text.replaceAll('secret', 'nowhere'), nowhere.text, 'like what does not exist')
    }
    for (const caller of right) assert.equal((await call(caller, request, body)).status, 200, name)
  }
  assert.equal((await call('open', 'GET /shops/secret')).text, before.text)
})

test('what is wrong is refused by its field, and changes nothing', async () => {
  await call(ALICE, 'POST /shops', { shopId: 'steady', name: 'Steady' })
  for (const [request, body, field] of [
    ['POST /shops', {}, 'name'],
    ['POST /shops', { name: '' }, 'name'],
    ['POST /shops', { name: 'a\nb' }, 'name'],
    ['POST /shops', { name: 7 }, 'name'],
    ['POST /shops', { name: 'x', shopId: 'a/b' }, 'shopId'],
    ['POST /shops', { name: 'x', owner: '' }, 'owner'],
    ['POST /shops', { name: 'x', members: [] }, 'members'],
    ['POST /shops', { name: 'x', version: 9 }, 'version'],
    ['PUT /shops/steady', {}, 'name'],
    ['PUT /shops/steady', { name: 'x', shopId: 'other' }, 'shopId'],
    ['PUT /shops/steady/members/bob', {}, 'role'],
    ['PUT /shops/steady/members/bob', { role: 'operator' }, 'role'],
    ['PUT /shops/steady/members/b%20b', { role: 'member' }, 'accountId'],
    ['PUT /shops/steady/members/bob', { role: 'member', accountId: 'carol' }, 'accountId'],
  ] as const) {
    refused(await call(ALICE, request, body), 'invalid-request', field)
  }
  for (const query of ['limit=0', 'limit=101', 'after=a%20b', 'of=x']) {
    refused(await call(ALICE, `GET /shops?${query}`), 'invalid-request', query.split('=')[0])
  }
  assert.equal(view(await call(ALICE, 'GET /shops/steady')).version, 1)
})

test('seller-topic has the whole state of each version of each shop once, in order', async () => {
  const { sql } = infra.admin('seller')
  await until('the outbox is empty', async () => (await sql`select 1 from outbox limit 1`).length === 0)
  const shops = await sql<{ shop_id: string; version: number }>`select shop_id, version from shops`
  const versions = shops.reduce((sum, { version }) => sum + version, 0)
  await using offsets = new Offsets(infra.brokers)
  assert.equal(await offsets.count('seller-topic'), versions)
  const records = await readTopic(infra.brokers, 'seller-topic', versions)

  assert.equal(new Set(records.map(({ key }) => key)).size, shops.length)
  for (const { shop_id: id, version } of shops) {
    const told = records.filter(({ key }) => key === id).toSorted((one, other) => one.offset - other.offset)
    assert.deepEqual(
      told.map(({ headers: { ce_id, ce_type, ce_source } }) => [ce_id, ce_type, ce_source]),
      Array.from({ length: version }, (_, index) => [`${id}.${index + 1}`, 'shop.changed.v1', '/seller/shops']),
    )
    const { version: _version, ...state } = view(await call('open', `GET /shops/${id}`))
    assert.deepEqual(JSON.parse(told.at(-1)?.value ?? ''), state)
  }
})

let infra: Infrastructure
let seller: Running & { port: number }

before(async () => {
  infra = await startInfrastructure({ databases: ['seller'], kafka: true })
  seller = await startSeller(readConfig(infra.env('seller')))
})

after(async () => {
  await seller?.stop()
  await infra?.[Symbol.asyncDispose]()
})

async function call(caller: Caller, request: string, body?: object, headers = {}): Promise<Answer> {
  const [method = '', path = ''] = request.split(' ')
  const token =
    caller === 'open' ? {} : await (caller === 'anonymous' ? calledFor() : calledFor(caller.account, ...caller.roles))
  const json = body === undefined ? {} : { 'content-type': 'application/json' }
  return send(`http://127.0.0.1:${seller.port}${path}`, {
    method,
    headers: { ...json, ...token, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

function view(answer: Answer, status = 200): ShopView {
  assert.equal(answer.status, status, answer.text)
  return JSON.parse(answer.text) as ShopView
}

function refused(answer: Answer, code: RefusalCode, field?: string): void {
  const document = readProblem(answer)
  assert.equal(document.code, code, answer.text)
  if (field !== undefined)
    assert.deepEqual(
      document.errors?.map((error) => error.field),
      [field],
      answer.text,
    )
}

/** What the service says of itself: a route that is new must get a case. */
async function routes(): Promise<string[]> {
  const { paths } = JSON.parse((await call('anonymous', 'GET /openapi.json')).text) as { paths: Record<string, object> }
  return Object.entries(paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    .sort()
}
