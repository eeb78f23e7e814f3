import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fact } from '@timesale/contracts/event'
import type { Sale } from '@timesale/contracts/fields'
import type { ProductPage, ProductView } from '@timesale/contracts/product-api'
import type { RefusalCode } from '@timesale/contracts/refusals'
import type { Role } from '@timesale/contracts/roles'
import { ShopChanged } from '@timesale/contracts/seller-events'
import { VIEW_TOKEN_HEADER } from '@timesale/contracts/view-token'
import type { Running } from '@timesale/process/run'
import { calledFor } from '@timesale/testkit/gateway-key'
import { readProblem, send, type Answer } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { produce, recordOf, type TestRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startProduct } from '../app.ts'
import { readConfig } from '../config.ts'

/** Who calls: an account and its roles; nobody who is logged in; or past the gateway, without a token. */
type Caller = { readonly account: string; readonly roles: readonly Role[] } | 'anonymous' | 'open'

const ALICE: Caller = { account: 'alice', roles: ['buyer', 'seller'] }
const BOB: Caller = { account: 'bob', roles: ['seller'] }
const BUYER: Caller = { account: 'buyer', roles: ['buyer'] }
const OPERATOR: Caller = { account: 'root', roles: ['operator'] }
const STRANGERS: readonly Caller[] = ['anonymous', BUYER, BOB]

const WISH = { name: { ko: '사과', en: 'Hidden apple' }, priceMinor: 12_900, currency: 'KRW', units: 10 }
const BOBS_NAME = { ko: '배', en: 'Pear' }
const HOUR_MS = 60 * 60 * 1000

test('a shop is known once its event is here, and then its members may put products into it, for good', async () => {
  const wish = { productId: 'known-1', shopId: 'just-made', ...WISH }
  const early = await call(ALICE, 'POST /products', wish)
  refused(early, 'shop-not-found')
  assert.equal(early.headers['retry-after'], '1')
  refused(await call('open', 'POST /products', wish), 'shop-not-found')

  await told(shop('just-made', 1, 'alice'))
  const created = await until('the shop is known', async () => {
    const answer = await call(ALICE, 'POST /products', wish)
    return answer.status === 404 ? undefined : answer
  })
  assert.equal(view(created, 201).shopId, 'just-made')
  assert.equal(created.headers[VIEW_TOKEN_HEADER], '/product/products/known-1.1')
  const again = await call(ALICE, 'POST /products', wish)
  assert.deepEqual([again.status, again.text], [200, created.text])
  refused(await call('open', 'POST /products', { ...wish, shopId: undefined }), 'product-exists')
  refused(await call(ALICE, 'PUT /products/known-1', { shopId: 'shop-b' }), 'invalid-request', 'shopId')
})

test('an account must say the shop, operators and open callers need not', async () => {
  refused(await call(ALICE, 'POST /products', WISH), 'invalid-request', 'shopId')
  refused(await call(BUYER, 'POST /products', WISH), 'forbidden')
  for (const caller of [OPERATOR, 'open'] as const) {
    const made = async (wish: object, key: string): Promise<string | undefined> =>
      view(await call(caller, 'POST /products', wish, keyed(key)), 201).shopId
    assert.equal(await made(WISH, 'of no shop'), undefined)
    assert.equal(await made({ ...WISH, shopId: 'shop-a' }, 'of a shop'), 'shop-a')
  }
})

test('no route gives a stranger, a buyer or nobody a product of a shop, or lets them change it', async () => {
  view(await call(ALICE, 'POST /products', { productId: 'secret', shopId: 'shop-a', ...WISH }), 201)
  view(await call(BOB, 'POST /products', { ...WISH, productId: 'of-bob', shopId: 'shop-b', name: BOBS_NAME }), 201)
  view(await call('open', 'POST /products', { productId: 'of-nobody', ...WISH }), 201)
  const sale = saleOf('secret-sale')
  view(await call(ALICE, 'PUT /products/secret/sale', sale))
  const before = await call('open', 'GET /products/secret')
  // What each is answered: nobody, a buyer, another seller.
  const cases: Record<string, { request: string; body?: object; wrong: readonly [number, number, number] }> = {
    'POST /products': {
      request: 'POST /products',
      body: { productId: 'secret', shopId: 'shop-a', ...WISH },
      wrong: [401, 403, 404],
    },
    'GET /products': { request: 'GET /products', wrong: [401, 200, 200] },
    'GET /products/{productId}': { request: 'GET /products/secret', wrong: [401, 404, 404] },
    'PUT /products/{productId}': { request: 'PUT /products/secret', body: { priceMinor: 1 }, wrong: [401, 403, 404] },
    'POST /products/{productId}/units': {
      request: 'POST /products/secret/units',
      body: { add: 1 },
      wrong: [401, 403, 404],
    },
    'PUT /products/{productId}/sale': {
      request: 'PUT /products/secret/sale',
      body: saleOf('another-sale'),
      wrong: [401, 403, 404],
    },
    'DELETE /products/{productId}/sale': { request: 'DELETE /products/secret/sale', wrong: [401, 403, 404] },
    'GET /totals': { request: 'GET /totals', wrong: [401, 403, 403] },
  }
  assert.deepEqual(Object.keys(cases).sort(), await routes())

  for (const [name, { request, body, wrong }] of Object.entries(cases)) {
    for (const [index, caller] of STRANGERS.entries()) {
      const answer: Answer = await call(caller, request, body, keyed(`as ${name}`))
      assert.equal(answer.status, wrong[index], `${name} for ${JSON.stringify(caller)}: ${answer.text}`)
      // But for what it said itself.
      const words = answer.text.replaceAll(/"(productId|shopId)":"(secret|shop-a)"/g, '')
      assert.doesNotMatch(words, /secret|Hidden|shop-a|alice/, `${name}: ${answer.text}`)
      if (answer.status !== 404) continue
      const elsewhere = body !== undefined && 'shopId' in body ? { ...body, shopId: 'nowhere' } : body
      const nowhere: Answer = await call(caller, request.replace('secret', 'nowhere'), elsewhere, keyed(`no ${name}`))
      assert.equal(answer.text.replace(/secret|shop-a/g, 'nowhere'), nowhere.text, 'like what does not exist')
    }
  }
  assert.equal((await call('open', 'GET /products/secret')).text, before.text)
  const list = JSON.parse((await call(BOB, 'GET /products')).text) as ProductPage
  assert.ok(list.products.length > 0 && list.products.every(({ shopId }) => shopId === 'shop-b'))

  // Of no shop: the operators' alone.
  for (const request of ['GET /products/of-nobody', 'PUT /products/of-nobody', 'DELETE /products/of-nobody/sale']) {
    const body = request.startsWith('PUT') ? { priceMinor: 1 } : undefined
    refused(await call(ALICE, request, body), 'product-not-found')
  }
  let version = (JSON.parse(before.text) as ProductView).version
  for (const caller of [ALICE, OPERATOR, 'open'] as const) {
    assert.equal((await call(caller, 'GET /products/secret')).status, 200)
    view(await call(caller, 'PUT /products/secret', { priceMinor: 10_000 + version }))
    view(await call(caller, 'POST /products/secret/units', { add: 1 }, keyed('right')))
    view(await call(caller, 'DELETE /products/secret/sale'))
    const answer = await call(caller, 'PUT /products/secret/sale', sale)
    version += 4
    assert.equal(answer.headers[VIEW_TOKEN_HEADER], `/product/products/secret.${version}`)
  }
})

test('a member who is removed has no right any more, and an old event does not give it back', async () => {
  view(await call(ALICE, 'POST /products', { productId: 'moving', shopId: 'shop-a', ...WISH }), 201)
  const carol: Caller = { account: 'carol', roles: ['seller'] }
  refused(await call(carol, 'PUT /products/moving', { priceMinor: 1 }), 'product-not-found')

  const joined = shop('shop-a', 2, 'alice', 'carol')
  await told(joined)
  await until('carol is in', async () => (await call(carol, 'GET /products/moving')).status === 200)
  view(await call(carol, 'PUT /products/moving', { priceMinor: 1 }))

  // Versions may be left out, since each is the whole shop.
  await told(shop('shop-a', 4, 'alice'))
  await until('carol is out', async () => (await call(carol, 'GET /products/moving')).status === 404)
  await told(joined, shop('shop-a', 3, 'carol'), shop('shop-a', 5, 'alice', 'dave'))
  const dave: Caller = { account: 'dave', roles: ['seller'] }
  await until('dave is in', async () => (await call(dave, 'GET /products/moving')).status === 200)
  for (const [request, body] of [
    ['PUT /products/moving', { priceMinor: 2 }],
    ['PUT /products/moving/sale', saleOf('carols')],
    ['POST /products/moving/units', { add: 1 }],
  ] as const) {
    refused(await call(carol, request, body, keyed('carol')), 'product-not-found')
  }
  refused(await call(carol, 'POST /products', { productId: 'of-carol', shopId: 'shop-a', ...WISH }), 'shop-not-found')
  assert.equal(view(await call(ALICE, 'GET /products/moving')).version, 2)

  // Whoever is no seller any more is none, member or not.
  refused(await call({ account: 'dave', roles: ['buyer'] }, 'PUT /products/moving', { priceMinor: 2 }), 'forbidden')
})

test('a time sale is put on, changed, replaced and taken off; what is asked for again is no change', async () => {
  view(await call(ALICE, 'POST /products', { productId: 'sold', shopId: 'shop-a', ...WISH }), 201)
  const sale = saleOf('noon', { limitPerBuyer: 2 })

  const on = await call(ALICE, 'PUT /products/sold/sale', sale)
  assert.deepEqual(view(on), { productId: 'sold', shopId: 'shop-a', ...product(WISH), sale, version: 2 })
  assert.equal(on.headers[VIEW_TOKEN_HEADER], '/product/products/sold.2')
  const again = await call(ALICE, 'PUT /products/sold/sale', sale)
  assert.deepEqual([again.text, again.headers[VIEW_TOKEN_HEADER]], [on.text, '/product/products/sold.2'])
  assert.equal((await call(ALICE, 'GET /products/sold')).text, on.text)

  assert.deepEqual(view(await call(ALICE, 'PUT /products/sold/sale', { ...sale, units: 10 })).sale?.units, 10)
  assert.deepEqual(view(await call(ALICE, 'PUT /products/sold/sale', { ...sale, units: 2 })).sale?.units, 2)
  const plain = saleOf('evening')
  assert.deepEqual(view(await call(ALICE, 'PUT /products/sold/sale', plain)).sale, plain)
  const renamed = view(await call(ALICE, 'PUT /products/sold', { priceMinor: 1 }))
  assert.deepEqual([renamed.version, renamed.sale], [6, plain])

  const off = view(await call(ALICE, 'DELETE /products/sold/sale'))
  assert.deepEqual([off.version, 'sale' in off], [7, false])
  assert.equal(view(await call(ALICE, 'DELETE /products/sold/sale')).version, 7)
  refused(await call('open', 'DELETE /products/nowhere/sale'), 'product-not-found')
  refused(await call('open', 'PUT /products/nowhere/sale', sale), 'product-not-found')

  // What is told is what is shown (also checked for every product in products.int.test.ts).
  const { sql } = infra.admin('product')
  assert.equal((await sql`select 1 from sale_ids where product_id = 'sold'`).length, 2)
})

test('the id of a sale stays with its product, however many ask for it at once', async () => {
  const ids = Array.from({ length: 8 }, (_, index) => `race-${index}`)
  for (const productId of ids) view(await call('open', 'POST /products', { productId, ...WISH }), 201)

  const answers = await Promise.all(ids.map((id) => call('open', `PUT /products/${id}/sale`, saleOf('one-of-them'))))

  const won = answers.findIndex(({ status }) => status === 200)
  for (const [index, answer] of answers.entries()) if (index !== won) refused(answer, 'sale-id-taken')
  view(await call('open', `DELETE /products/${ids[won]}/sale`))
  refused(await call('open', `PUT /products/${ids[won === 0 ? 1 : 0]}/sale`, saleOf('one-of-them')), 'sale-id-taken')
  view(await call('open', `PUT /products/${ids[won]}/sale`, saleOf('one-of-them')))
})

test('a time sale that cannot be is refused by its field and changes nothing, by the clock of the database', async () => {
  view(await call('open', 'POST /products', { productId: 'picky', ...WISH }), 201)
  const sale = saleOf('picky-sale')
  const { saleId: _id, ...nameless } = sale
  for (const [body, field] of [
    [nameless, 'saleId'],
    [{ ...sale, saleId: 'a b' }, 'saleId'],
    [{ ...sale, priceMinor: -1 }, 'priceMinor'],
    [{ ...sale, priceMinor: '900' }, 'priceMinor'],
    [{ ...sale, units: 0 }, 'units'],
    [{ ...sale, units: 11 }, 'units'],
    [{ ...sale, units: 1.5 }, 'units'],
    [{ ...sale, limitPerBuyer: 0 }, 'limitPerBuyer'],
    [{ ...sale, limitPerBuyer: null }, 'limitPerBuyer'],
    [{ ...sale, limitPerBuyer: 6 }, 'limitPerBuyer'],
    [{ ...sale, priceMinor: 12_901 }, 'priceMinor'],
    [{ ...sale, startsAt: 'now' }, 'startsAt'],
    [{ ...sale, startsAt: '2026-11-21' }, 'startsAt'],
    [{ ...sale, startsAt: 0 }, 'startsAt'],
    [{ ...sale, endsAt: '2026-02-30T00:00:00Z' }, 'endsAt'],
    [{ ...sale, endsAt: '2026-11-21T10:00:00' }, 'endsAt'],
    [{ ...sale, endsAt: sale.startsAt }, 'endsAt'],
    [{ ...sale, endsAt: at(1 + 31 * 24 + 1) }, 'endsAt'],
    [{ ...sale, startsAt: at(-2), endsAt: at(-1) }, 'endsAt'],
    [{ ...sale, currency: 'USD' }, 'currency'],
    [{ ...sale, shopId: 'shop-a' }, 'shopId'],
  ] as const) {
    refused(await call('open', 'PUT /products/picky/sale', body), 'invalid-request', field)
  }
  assert.equal(view(await call('open', 'GET /products/picky')).version, 1)
  assert.equal((await infra.admin('product').sql`select 1 from sale_ids where product_id = 'picky'`).length, 0)

  // A slow machine may let it end before it is put on.
  const { soon, on } = await until('a sale that is about to end is put on', async () => {
    const [clock] = await infra.admin('product').sql<{ soon: Date }>`select now() + interval '300 ms' as soon`
    const soon = { ...sale, startsAt: at(-1), endsAt: clock?.soon.toISOString() }
    const on = await call('open', 'PUT /products/picky/sale', soon)
    return on.status === 400 ? undefined : { soon, on }
  })
  let units = 0
  await until('it has ended', async () => {
    units = (units % 5) + 1
    const answer = await call('open', 'PUT /products/picky/sale', { ...soon, units })
    return answer.status === 400
  })
  const ended = view(await call('open', 'GET /products/picky'))
  assert.equal(ended.sale?.endsAt, soon.endsAt)
  const asItIs = await call('open', 'PUT /products/picky/sale', ended.sale ?? {})
  assert.deepEqual([asItIs.status, view(asItIs).version], [200, ended.version])
  assert.equal(view(on).sale?.endsAt, soon.endsAt)
})

test('more units are put on sale once for each Idempotency-Key, which an account must bring', async () => {
  view(await call(ALICE, 'POST /products', { productId: 'keyed', shopId: 'shop-a', ...WISH }), 201)
  view(await call(ALICE, 'POST /products', { productId: 'keyed-2', shopId: 'shop-a', ...WISH }), 201)
  const units = (caller: Caller, add: number, headers: object): Promise<Answer> =>
    call(caller, 'POST /products/keyed/units', { add }, headers)

  for (const caller of [ALICE, OPERATOR])
    refused(await units(caller, 5, {}), 'idempotency-key-required', 'idempotency-key')
  for (const key of ['', 'x'.repeat(256), 'a b', 'é', 'a,\tb']) {
    refused(await units(ALICE, 5, { 'idempotency-key': key }), 'invalid-request', 'idempotency-key')
  }
  const key = keyed(`'; drop--${'x'.repeat(246)}`)

  const answers = await Promise.all(Array.from({ length: 50 }, () => units(ALICE, 5, key)))
  const done = answers.filter(({ status }) => status === 200)
  assert.equal(done.filter(({ headers }) => headers['idempotency-replayed'] === undefined).length, 1)
  assert.equal(new Set(done.map(({ text }) => text)).size, 1)
  for (const answer of answers.filter((one) => !done.includes(one))) {
    refused(answer, 'request-in-flight')
    assert.equal(answer.headers['retry-after'], '1')
  }
  assert.equal(view(await call(ALICE, 'GET /products/keyed')).unitsOnSale, 15)

  refused(await units(ALICE, 6, key), 'idempotency-key-reused')
  refused(await call(ALICE, 'POST /products/keyed-2/units', { add: 5 }, key), 'idempotency-key-reused')
  assert.equal(view(await units('open', 5, key)).unitsOnSale, 20, 'another caller’s key is another key')
  refused(await units(BOB, 5, key), 'product-not-found')

  await service.stop()
  service = await startProduct(readConfig(infra.env('product')))
  const replay = await units(ALICE, 5, key)
  assert.deepEqual([replay.status, replay.text], [200, done[0]?.text])
  assert.equal(replay.headers['idempotency-replayed'], 'true')
  assert.equal(replay.headers['content-type'], done[0]?.headers['content-type'])
  assert.equal(replay.headers[VIEW_TOKEN_HEADER], '/product/products/keyed.2')
  assert.equal(view(await units('open', 5, {})).unitsOnSale, 25, 'an open caller may leave the key out')
})

let infra: Infrastructure
let service: Running & { port: number }

before(async () => {
  infra = await startInfrastructure({ databases: ['product'], kafka: true })
  service = await startProduct(readConfig(infra.env('product')))
  await told(shop('shop-a', 1, 'alice'), shop('shop-b', 1, 'bob'))
  const { sql } = infra.admin('product')
  await until('both shops are known', async () => (await sql`select 1 from shop_members`).length === 2)
})

after(async () => {
  await service?.stop()
  await infra?.[Symbol.asyncDispose]()
})

function told(...records: TestRecord[]): Promise<void> {
  return produce(infra.brokers, records)
}

/** As the seller service tells it, with the first one as the owner. */
function shop(shopId: string, version: number, ...accounts: string[]): TestRecord {
  const members = accounts.map((accountId, index) => ({ accountId, role: index === 0 ? 'owner' : 'member' }) as const)
  return recordOf(fact(ShopChanged, { aggregateId: shopId, version, data: { shopId, name: shopId, members } }))
}

function keyed(key: string): { 'idempotency-key': string } {
  return { 'idempotency-key': key.replaceAll(' ', '_') }
}

function saleOf(saleId: string, more: Partial<Sale> = {}): Sale {
  return { saleId, priceMinor: 9_900, units: 5, startsAt: at(1), endsAt: at(2), ...more }
}

function at(hours: number): string {
  return new Date(BEGAN_AT + hours * HOUR_MS).toISOString()
}

const BEGAN_AT = Date.now()

function product({ units, ...rest }: typeof WISH): object {
  return { ...rest, unitsOnSale: units }
}

async function call(caller: Caller, request: string, body?: object, headers = {}): Promise<Answer> {
  const [method = '', path = ''] = request.split(' ')
  const token =
    caller === 'open' ? {} : await (caller === 'anonymous' ? calledFor() : calledFor(caller.account, ...caller.roles))
  const json = body === undefined ? {} : { 'content-type': 'application/json' }
  return send(`http://127.0.0.1:${service.port}${path}`, {
    method,
    headers: { ...json, ...token, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

function view(answer: Answer, status = 200): ProductView {
  assert.equal(answer.status, status, answer.text)
  return JSON.parse(answer.text) as ProductView
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
