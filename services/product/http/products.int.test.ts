import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ProductPage, ProductView } from '@timesale/contracts/product-api'
import type { RefusalCode } from '@timesale/contracts/refusals'
import type { Running } from '@timesale/process/run'
import { readJson, readProblem, send, sendJson, type Answer } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import { readTopic, type ReadRecord } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import { startProduct } from '../app.ts'
import { readConfig } from '../config.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const NAME = { ko: '밀폐 용기 👍', en: 'A "box"' }
const WISH = { name: NAME, priceMinor: 12_900, currency: 'KRW', units: 10 }

describe('a product', () => {
  test('is created once, and answered the same when it is sent again', async () => {
    const wish = { productId: 'P001', ...WISH }
    const expected = `{"productId":"P001","name":${JSON.stringify(NAME)},`
    const first = await create(wish)
    assert.equal(first.status, 201)
    assert.equal(first.text, `${expected}"priceMinor":12900,"currency":"KRW","unitsOnSale":10,"version":1}`)
    const again = await create(wish)
    assert.equal(again.status, 200)
    assert.equal(again.text, first.text)
    assert.equal((await send(`${running().url}/products/P001`)).text, first.text)
    for (const other of [{ priceMinor: 1 }, { currency: 'USD' }, { units: 11 }, { name: { ...NAME, en: 'x' } }]) {
      const refused = readProblem(await create({ ...wish, ...other }))
      assert.equal(refused.code, 'product-exists')
    }
    assert.equal((await send(`${running().url}/products/P001`)).text, first.text)
  })

  test('gets an id where it brings none, and has no units where none are said', async () => {
    const { units: _units, ...wish } = WISH
    const product = JSON.parse((await create({ ...wish, priceMinor: 0 })).text) as ProductView
    assert.match(product.productId, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/)
    const { productId } = product
    assert.deepEqual(product, {
      productId,
      name: NAME,
      priceMinor: 0,
      currency: 'KRW',
      unitsOnSale: 0,
      version: 1,
    })
  })

  test('is created once also when it is sent many times at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => create({ productId: 'P002', ...WISH })))
    assert.equal(answers.filter(({ status }) => status === 201).length, 1)
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
  })

  test('changes name and price, and what changes nothing takes no version', async () => {
    await create({ productId: 'P003', ...WISH })
    const product = { productId: 'P003', name: NAME, priceMinor: 12_900, currency: 'KRW', unitsOnSale: 10, version: 1 }
    const cheaper = { ...product, priceMinor: 9_900, version: 2 }
    assert.deepEqual(await change('P003', { priceMinor: 9_900 }), cheaper)
    assert.deepEqual(await change('P003', { priceMinor: 9_900, name: NAME }), cheaper)
    const renamed = { ...cheaper, name: { ko: '상자', en: 'Box' }, version: 3 }
    assert.deepEqual(await change('P003', { name: renamed.name }), renamed)
    const dear = { ...renamed, priceMinor: 1_000_000_000_000, version: 4 }
    assert.deepEqual(await change('P003', { name: renamed.name, priceMinor: 1_000_000_000_000 }), dear)
    assert.deepEqual(await readJson(`${running().url}/products/P003`), dear)
  })

  test('gets more units, each addition once however many come at once', async () => {
    await create({ productId: 'P004', ...WISH })
    const answers = await Promise.all(Array.from({ length: 20 }, () => addUnits('P004', { add: 5 })))
    const products = answers.map(({ text }) => JSON.parse(text) as ProductView)
    const byVersion = products.sort((a, b) => a.version - b.version)
    assert.deepEqual(
      byVersion.map(({ version, unitsOnSale }) => [version, unitsOnSale]),
      Array.from({ length: 20 }, (_, index) => [index + 2, 15 + index * 5]),
    )
  })

  test('is told with its time sale while it has one', async () => {
    const [startsAt, endsAt] = [1, 2].map((hours) => new Date(Date.now() + hours * 3_600_000).toISOString())
    for (const productId of ['P006', 'P007']) {
      await create({ productId, ...WISH })
      const sale = { saleId: `of-${productId}`, priceMinor: 1, units: 10, startsAt, endsAt, limitPerBuyer: 1 }
      assert.equal((await put(`${productId}/sale`, sale)).status, 200)
    }
    assert.equal((await send(`${running().url}/products/P007/sale`, { method: 'DELETE' })).status, 200)
    const products = await Promise.all(['P006', 'P007'].map((id) => readJson(`${running().url}/products/${id}`)))
    assert.deepEqual(
      (products as ProductView[]).map(({ sale, version }) => [sale?.saleId, version]),
      [
        ['of-P006', 2],
        [undefined, 3],
      ],
    )
  })

  test('has a billion units at most', async () => {
    await create({ productId: 'P005', ...WISH, units: 999_999_000 })
    assert.equal((await addUnits('P005', { add: 1_000 })).status, 200)
    assertRefusal(await addUnits('P005', { add: 1 }), 'invalid-request', 'add')
    assert.equal((await readJson<ProductView>(`${running().url}/products/P005`)).unitsOnSale, 1_000_000_000)
  })

  test('that is not there can be neither read nor changed', async () => {
    const { url } = running()
    assert.equal(readProblem(await send(`${url}/products/nowhere`)).code, 'product-not-found')
    assert.equal(readProblem(await put('nowhere', { priceMinor: 1 })).code, 'product-not-found')
    assert.equal(readProblem(await addUnits('nowhere', { add: 1 })).code, 'product-not-found')
    assert.equal(readProblem(await send(`${url}/products/P001`, { method: 'DELETE' })).code, 'method-not-allowed')
  })
})

test('the catalogue is read page by page, each product once, in the order of ids', async () => {
  const { url } = running()
  const ids = Array.from({ length: 23 }, (_, index) => `page-${String(index).padStart(2, '0')}`)
  await Promise.all(ids.map((productId) => create({ productId, ...WISH })))
  const seen: string[] = []
  for (let after: string | undefined = 'page-'; after !== undefined;) {
    const page: ProductPage = await readJson<ProductPage>(`${url}/products?limit=5&after=${after}`)
    assert.ok(page.products.length === 5 || page.next === undefined)
    seen.push(...page.products.map(({ productId }) => productId))
    after = page.next
  }
  assert.deepEqual(seen, ids)
  assert.deepEqual(await readJson(`${url}/products?after=zzz`), { products: [] })
  const all = await readJson<ProductPage>(`${url}/products`)
  assert.deepEqual(
    all.products.map(({ productId }) => productId).filter((id) => id.startsWith('page-')),
    ids,
  )
})

describe('the catalogue refuses', () => {
  const create: [what: string, wish: unknown, field: string][] = [
    ['no name', { priceMinor: 1, currency: 'KRW' }, 'name'],
    ['a name in one language', { ...WISH, name: { ko: '상자' } }, 'name.en'],
    ['a name in a third language', { ...WISH, name: { ...NAME, fr: 'boîte' } }, 'name.fr'],
    ['a name that is a text', { ...WISH, name: 'Box' }, 'name'],
    ['a name that is empty', { ...WISH, name: { ...NAME, ko: '' } }, 'name.ko'],
    ['a name of 201 letters', { ...WISH, name: { ...NAME, en: 'x'.repeat(201) } }, 'name.en'],
    ['a name with NUL', { ...WISH, name: { ...NAME, en: 'a\0b' } }, 'name.en'],
    ['a name with a line feed', { ...WISH, name: { ...NAME, en: 'a\n' } }, 'name.en'],
    ['a name that is a number', { ...WISH, name: { ...NAME, en: 7 } }, 'name.en'],
    ['half a character', { ...WISH, name: { ...NAME, ko: 'a\ud83d' } }, 'ko'],
    ...[-1, 1.5, '1', null, [1], 1_000_000_000_001, true].map((priceMinor): [string, unknown, string] => [
      `the price ${JSON.stringify(priceMinor)}`,
      { ...WISH, priceMinor },
      'priceMinor',
    ]),
    ...['krw', 'KRWW', 'KR', '', '원', 410, null].map((currency): [string, unknown, string] => [
      `the currency ${JSON.stringify(currency)}`,
      { ...WISH, currency },
      'currency',
    ]),
    ...[-1, 0.5, '5', null, 1_000_000_001, 2 ** 53].map((units): [string, unknown, string] => [
      `${JSON.stringify(units)} units`,
      { ...WISH, units },
      'units',
    ]),
    ...['', 'a b', 'a/b', 'x'.repeat(65), '상자', 7, null].map((productId): [string, unknown, string] => [
      `the id ${JSON.stringify(productId).slice(0, 20)}`,
      { ...WISH, productId },
      'productId',
    ]),
    ['unknown fields', { ...WISH, version: 7 }, 'version'],
    ['what is no object', [WISH], 'body'],
  ]
  for (const [what, wish, field] of create) {
    test(`${what} when a product is created, and names ${field}`, async () => {
      const before = await countRows()
      assertRefusal(await sendJson(`${running().url}/products`, wish), 'invalid-request', field)
      assert.deepEqual(await countRows(), before)
    })
  }

  test('what is wrong when a product is changed, and leaves it as it is', async () => {
    const { url } = running()
    await sendJson(`${url}/products`, { productId: 'steady', ...WISH })
    const before = [await countRows(), await readJson(`${url}/products/steady`)]
    for (const [body, field] of [
      [{}, 'body'],
      [[], 'body'],
      [null, 'body'],
      [{ priceMinor: '1' }, 'priceMinor'],
      [{ priceMinor: null }, 'priceMinor'],
      [{ currency: 'USD' }, 'currency'],
      [{ units: 5 }, 'units'],
      [{ unitsOnSale: 5 }, 'unitsOnSale'],
      [{ name: { ko: '' } }, 'name.en'],
    ] as const) {
      assertRefusal(await put('steady', body), 'invalid-request', field)
    }
    for (const add of [0, -1, 1.5, '1', null, 1_000_001, [1]]) {
      assertRefusal(await addUnits('steady', { add }), 'invalid-request', 'add')
    }
    assertRefusal(await addUnits('steady', { add: 1, remove: 1 }), 'invalid-request', 'remove')
    assertRefusal(await addUnits('x'.repeat(65), { add: 1 }), 'invalid-request', 'productId')
    const twice = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"add":1,"add":2}' }
    assertRefusal(await send(`${url}/products/steady/units`, twice), 'invalid-request', 'add')
    assert.deepEqual([await countRows(), await readJson(`${url}/products/steady`)], before)
  })

  test('queries that it does not know', async () => {
    const { url } = running()
    for (const [query, field] of [
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['limit=abc', 'limit'],
      ['after=', 'after'],
      ['after=a%20b', 'after'],
      ['after=%00', 'after'],
      ['before=x', 'before'],
    ] as const) {
      assertRefusal(await send(`${url}/products?${query}`), 'invalid-request', field)
    }
    assertRefusal(await send(`${url}/products/a%20b`), 'invalid-request', 'productId')
  })
})

test('product-topic has the whole state of each version of each product once, in order', async () => {
  const { infra, url, db } = running()
  const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` }
  await sendJson(`${url}/products`, { productId: 'traced', ...WISH }, { headers })
  await until('the outbox is empty', async () => (await db.sql`select 1 from outbox limit 1`).length === 0)
  const products = await db.sql<{ product_id: string; version: number }>`select product_id, version from products`
  const versions = products.reduce((sum, { version }) => sum + version, 0)
  await using offsets = new Offsets(infra.brokers)
  assert.equal(await offsets.count('product-topic'), versions)
  const records = await readTopic(infra.brokers, 'product-topic', versions)

  const byKey = new Map<string, ReadRecord[]>()
  for (const record of records.sort((a, b) => a.offset - b.offset)) {
    byKey.set(record.key, [...(byKey.get(record.key) ?? []), record])
  }
  assert.equal(byKey.size, products.length)
  for (const { product_id: id, version } of products) {
    const told = byKey.get(id) ?? []
    assert.deepEqual(
      told.map(({ headers: { ce_id, ce_type, ce_source } }) => [ce_id, ce_type, ce_source]),
      Array.from({ length: version }, (_, index) => [`${id}.${index + 1}`, 'product.changed.v1', '/product/products']),
    )
    const { version: _version, ...state } = await readJson<ProductView>(`${url}/products/${id}`)
    assert.deepEqual(JSON.parse(told.at(-1)?.value ?? ''), state)
  }
  assert.match(byKey.get('traced')?.[0]?.headers['traceparent'] ?? '', new RegExp(`^00-${TRACE}-`))
})

interface Shop {
  readonly infra: Infrastructure
  readonly db: ReturnType<Infrastructure['admin']>
  readonly product: Running
  readonly url: string
}

let started: Shop | undefined

before(async () => {
  const infra = await startInfrastructure({ databases: ['product'], kafka: true })
  const product = await startProduct(readConfig(infra.env('product')))
  started = { infra, db: infra.admin('product'), product, url: `http://127.0.0.1:${product.port}` }
})

after(async () => {
  await started?.product.stop()
  await started?.infra[Symbol.asyncDispose]()
})

function running(): Shop {
  assert.ok(started !== undefined)
  return started
}

function create(wish: object): Promise<Answer> {
  return sendJson(`${running().url}/products`, wish)
}

function put(productId: string, wish: unknown): Promise<Answer> {
  return sendJson(`${running().url}/products/${productId}`, wish, { method: 'PUT' })
}

async function change(productId: string, wish: object): Promise<unknown> {
  const answer = await put(productId, wish)
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text)
}

function addUnits(productId: string, body: object): Promise<Answer> {
  return sendJson(`${running().url}/products/${productId}/units`, body)
}

function assertRefusal(answer: Answer, code: RefusalCode, field: string): void {
  const document = readProblem(answer)
  assert.equal(document.code, code, answer.text)
  assert.deepEqual(
    document.errors?.map((error) => error.field),
    [field],
    answer.text,
  )
}

async function countRows(): Promise<unknown> {
  return await running().db.sql`select count(*)::int as products, sum(version)::int as versions from products`
}
