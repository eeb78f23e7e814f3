import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { RefusalCode } from '@timesale/contracts/refusals'
import type { Running } from '@timesale/process/run'
import { readProblem, send, sendBytes, sendJson, type Answer, type Request } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { startOrder } from '../app.ts'
import { readConfig } from '../config.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const GOOD = { orderId: 'good', productId: 'A001', quantity: 1, buyerId: 'buyer' }
const GOOD_TEXT = JSON.stringify(GOOD)

interface Case {
  readonly what: string
  readonly send: Request
  readonly code: RefusalCode
  readonly field: string
}

const invalid = (what: string, body: Request['body'], field: string, headers = JSON_TYPE): Case => ({
  what,
  send: { method: 'POST', headers, ...(body === undefined ? {} : { body }) },
  code: 'invalid-request',
  field,
})
const notJson = (what: string, body: Request['body']): Case => ({
  ...invalid(what, body, 'body'),
  code: 'invalid-json',
})
const wrongType = (type: string | undefined): Case => ({
  what: `a body of ${type ?? 'no media type'}`,
  send: {
    method: 'POST',
    headers: type === undefined ? {} : { 'content-type': type },
    // As bytes: of a text, fetch would make text/plain.
    body: new Uint8Array(Buffer.from(GOOD_TEXT)),
  },
  code: 'unsupported-media-type',
  field: 'content-type',
})

const NOT_AN_OBJECT = ['null', '[]', '"x"', '1', 'true', '[{"productId":"A001","quantity":1}]']
const NOT_A_QUANTITY = [
  '"2"',
  '1.5',
  '0',
  '-1',
  '-0',
  '1e9',
  '1001',
  '9007199254740993',
  '1e400',
  'null',
  '[2]',
  'true',
  '{}',
  '""',
]
const NOT_AN_ID = {
  'of 65 letters': 'x'.repeat(65),
  'of 300 letters': 'x'.repeat(300),
  'that is empty': '',
  'with a space': 'a b',
  'that is a space': ' ',
  'with a line feed at its end': 'a\n',
  'with a tab': 'a\tb',
  'with NUL': 'a\0b',
  'with an escape character': 'a\u001b[31m',
  'with a slash': 'a/b',
  'with a backslash': 'a\\b',
  'with dots and slashes': '../../etc/passwd',
  'in Korean': '주문번호',
  'with a letter that is not ASCII': 'ａ１',
  'with half a character': '\ud800',
  'with SQL': "x'; drop table orders; --",
  'that is a number': 1,
  'that is null': null,
  'that is a list': ['A001'],
  'that is an object': { id: 'A001' },
  'that is true': true,
}

const REFUSED_BODIES: Case[] = [
  invalid('no body and no media type', undefined, 'body', {} as typeof JSON_TYPE),
  invalid('no body', undefined, 'body'),
  invalid('an empty body', '', 'body'),
  ...NOT_AN_OBJECT.map((text) => invalid(`the body ${text}`, text, 'body')),
  notJson('half a body', '{"productId":'),
  notJson('a body of words', 'productId=A001'),
  notJson('a body with a comment', `${GOOD_TEXT} // please`),
  notJson('a body with a comma too many', '{"productId":"A001","quantity":1,}'),
  notJson('a body with NaN', '{"productId":"A001","quantity":NaN}'),
  notJson('two bodies', `${GOOD_TEXT}${GOOD_TEXT}`),
  notJson(
    'a body that is not UTF-8',
    new Uint8Array(
      Buffer.concat([
        Buffer.from('{"productId":"A001","quantity":1,"buyerId":"'),
        Buffer.from([0xff]),
        Buffer.from('"}'),
      ]),
    ),
  ),
  invalid('a body without productId', '{"quantity":1}', 'productId'),
  invalid('a body without quantity', '{"productId":"A001"}', 'quantity'),
  ...NOT_A_QUANTITY.map((text) =>
    invalid(`the quantity ${text}`, `{"orderId":"q","productId":"A001","quantity":${text}}`, 'quantity'),
  ),
  ...['orderId', 'productId', 'buyerId'].flatMap((field) =>
    Object.entries(NOT_AN_ID).map(([what, id]) =>
      invalid(`${field} ${what}`, JSON.stringify({ ...GOOD, [field]: id }), field),
    ),
  ),
  ...['price', 'unitPriceMinor', 'status', 'version', 'role', 'sellerId', 'ProductId', 'toString', ''].map((field) =>
    invalid(`the unknown field "${field}"`, JSON.stringify({ ...GOOD, [field]: 1 }), field === '' ? 'body' : field),
  ),
  invalid('__proto__', `{"productId":"A001","quantity":1,"__proto__":{"role":"admin"}}`, '__proto__'),
  invalid('an escaped __proto__', `{"productId":"A001","quantity":1,"__pr\\u006fto__":{"role":"admin"}}`, '__proto__'),
  invalid('__proto__ in place of fields', `{"__proto__":{"productId":"A001","quantity":1}}`, '__proto__'),
  invalid(
    'constructor.prototype',
    `{"productId":"A001","quantity":1,"constructor":{"prototype":{"a":1}}}`,
    'constructor',
  ),
  invalid('a constructor', `{"productId":"A001","quantity":1,"constructor":1}`, 'constructor'),
  invalid('a field that is there twice', '{"productId":"A001","quantity":1,"quantity":2}', 'quantity'),
  invalid(
    'a field that is there twice, once escaped',
    '{"productId":"A001","quantity":1,"quantit\\u0079" : 1}',
    'quantity',
  ),
  invalid('30,000 nested lists', '['.repeat(30_000) + ']'.repeat(30_000), 'body'),
  invalid(
    '5,000 nested objects',
    `{"quantity":1,"productId":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`,
    'productId',
  ),
  {
    ...invalid('100,000 nested lists', '['.repeat(100_000) + ']'.repeat(100_000), 'body'),
    code: 'body-too-large',
  },
  {
    ...invalid('a body of 2 MB', JSON.stringify({ ...GOOD, buyerId: 'x'.repeat(2_000_000) }), 'body'),
    code: 'body-too-large',
  },
  ...[
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'application/merge-patch+json',
    'application',
    'application/json, text/plain',
    '*/*',
    undefined,
  ].map(wrongType),
  {
    what: 'a body that is compressed',
    send: {
      method: 'POST',
      headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
      body: new Uint8Array(gzipSync(GOOD_TEXT)),
    },
    code: 'unsupported-media-type',
    field: 'content-encoding',
  },
  {
    what: 'a body that only says it is compressed',
    send: { method: 'POST', headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, body: GOOD_TEXT },
    code: 'unsupported-media-type',
    field: 'content-encoding',
  },
]

for (const { what, send: request, code, field } of REFUSED_BODIES) {
  test(`POST /orders refuses ${what}, names ${field} and stores nothing`, async () => {
    const shop = running()
    assertRefusal(await send(`${shop.url}/orders`, request), code, field)
    await assertNothingStored(shop)
  })
}

const RAW_HEADS: { what: string; head: string[]; body?: string; code?: RefusalCode; field: string }[] = [
  { what: 'a Content-Length that is a word', head: ['content-length: abc'], field: 'content-length' },
  { what: 'a Content-Length below zero', head: ['content-length: -1'], field: 'content-length' },
  { what: 'a Content-Length in hex', head: ['content-length: 0x20'], field: 'content-length' },
  { what: 'two Content-Lengths', head: ['content-length: 33', 'content-length: 34'], field: 'content-length' },
  { what: 'a Content-Length that is too short', head: ['content-length: 10'], field: 'request' },
  {
    what: 'Content-Length beside Transfer-Encoding',
    head: ['content-length: 33', 'transfer-encoding: chunked'],
    body: '21\r\n{"productId":"A001","quantity":1}\r\n0\r\n\r\n',
    field: 'transfer-encoding',
  },
  { what: 'a Transfer-Encoding that is not chunked', head: ['transfer-encoding: gzip'], field: 'transfer-encoding' },
  { what: 'chunks without a size', head: ['transfer-encoding: chunked'], body: 'zz\r\nabc\r\n', field: 'body' },
  {
    what: 'a header of 17 KB',
    head: ['content-length: 33', `x-long: ${'a'.repeat(17_000)}`],
    code: 'headers-too-large',
    field: 'headers',
  },
  {
    what: '3,000 headers',
    head: ['content-length: 33', ...Array.from({ length: 3_000 }, (_, index) => `x-${index}: a`)],
    code: 'headers-too-large',
    field: 'headers',
  },
]

for (const { what, head, body = '{"productId":"A001","quantity":1}', code = 'invalid-request', field } of RAW_HEADS) {
  test(`POST /orders refuses ${what}, names ${field} and stores nothing`, async () => {
    const shop = running()
    const lines = [
      'POST /orders HTTP/1.1',
      'host: shop',
      'connection: close',
      'content-type: application/json',
      ...head,
    ]
    assertRefusal(await sendBytes(shop.port, `${lines.join('\r\n')}\r\n\r\n${body}`), code, field)
    await assertNothingStored(shop)
  })
}

test('what is not HTTP is told so in the same words', async () => {
  const shop = running()
  assertRefusal(await sendBytes(shop.port, '\x16\x03\x01\x02\0\x01\0\r\n\r\n'), 'invalid-request', 'method')
  assertRefusal(await sendBytes(shop.port, 'BREW /orders HTTP/1.1\r\nhost: shop\r\n\r\n'), 'invalid-request', 'method')
  assertRefusal(await sendBytes(shop.port, 'GET /orders/가 HTTP/1.1\r\nhost: shop\r\n\r\n'), 'invalid-request', 'url')
})

const forged = (...place: unknown[]): string => Buffer.from(JSON.stringify(place)).toString('base64url')

const REFUSED_READS: { path: string; what?: string; field: string }[] = [
  ...['0', '-1', '101', '1000', 'abc', '1.5', '1e1', '', '%20', '%31%00'].map((limit) => ({
    path: `/orders?limit=${limit}`,
    field: 'limit',
  })),
  { path: '/orders?limit=1&limit=2', field: 'limit' },
  { path: '/orders?limit[]=1', field: 'limit[]' },
  { path: '/orders?status=PLACED', field: 'status' },
  { path: '/orders?Limit=5', field: 'Limit' },
  { path: '/orders?__proto__=1', field: '__proto__' },
  ...['', 'abc', '%00', '한', '*', 'a'.repeat(257)].map((cursor) => ({
    path: `/orders?cursor=${encodeURI(cursor)}`,
    field: 'cursor',
  })),
  {
    path: `/orders?cursor=${forged('2026-01-01T00:00:00.000Z', 'a\0')}`,
    what: 'a cursor with NUL in it',
    field: 'cursor',
  },
  {
    path: `/orders?cursor=${forged('-271821-04-20T00:00:00.000Z', 'a')}`,
    what: 'a cursor from before history',
    field: 'cursor',
  },
  { path: `/orders?cursor=${forged('2026-13-41T00:00:00.000Z', 'a')}`, what: 'a cursor of no day', field: 'cursor' },
  { path: `/orders?cursor=${forged('2026-01-01T00:00:00.000Z')}`, what: 'half a cursor', field: 'cursor' },
  { path: `/orders?cursor=${forged(1, 2)}`, what: 'a cursor of numbers', field: 'cursor' },
  { path: `/orders?cursor=${forged("' or 1=1 --", 'a')}`, what: 'a cursor with SQL in it', field: 'cursor' },
  ...['x'.repeat(65), '%00', '%ED%95%9C', 'a%20b', 'a%2Fb', '%2e%2e%2f', '%0a', "x'--", ''].map((id) => ({
    path: `/orders/${id}`,
    field: 'orderId',
  })),
  { path: `/orders/${'x'.repeat(300)}`, field: 'url' },
  { path: '/orders/%zz', field: 'url' },
  { path: '/orders/%C3%28', field: 'url' },
  { path: `/orderable-products/${'x'.repeat(65)}`, field: 'productId' },
]

for (const { path, what, field } of REFUSED_READS) {
  test(`GET refuses ${what ?? path.slice(0, 60)} and names ${field}`, async () => {
    assertRefusal(await send(running().url + path), 'invalid-request', field)
  })
}

test('cancelling refuses an id that is none, and a body that is not JSON', async () => {
  const { url } = running()
  const at = (id: string): string => `${url}/orders/${id}/cancellation`
  assertRefusal(await send(at('x'.repeat(65)), { method: 'POST' }), 'invalid-request', 'orderId')
  assertRefusal(await send(at('%00'), { method: 'POST' }), 'invalid-request', 'orderId')
  assertRefusal(await send(at('x'), { method: 'POST', headers: JSON_TYPE, body: '{' }), 'invalid-json', 'body')
})

test('a path that is unknown is 404, and a method that is wrong is 405 with the right ones in Allow', async () => {
  const { url } = running()
  for (const path of ['/', '/order', '/Orders', '/orders/a/b', '//orders', '/orders/../orders/a/b', '/.env']) {
    assert.equal(readProblem(await send(url + path)).code, 'not-found', path)
  }
  for (const [method, path, allow] of [
    ['PUT', '/orders', 'GET, HEAD, POST'],
    ['DELETE', '/orders?limit=1', 'GET, HEAD, POST'],
    ['PATCH', '/orders/x', 'GET, HEAD'],
    ['DELETE', '/orders/x', 'GET, HEAD'],
    ['GET', '/orders/x/cancellation', 'POST'],
  ] as const) {
    const answer = await send(url + path, { method })
    assert.equal(readProblem(answer).code, 'method-not-allowed', `${method} ${path}`)
    assert.equal(answer.headers['allow'], allow, `${method} ${path}`)
  }
})

test('headers that ask for another method or another person change nothing', async () => {
  const shop = running()
  const headers = { 'x-http-method-override': 'POST', 'x-user-id': 'admin', 'x-buyer-id': 'admin' }
  assert.deepEqual(JSON.parse((await send(`${shop.url}/orders`, { headers })).text), { orders: [] })
  await assertNothingStored(shop)
})

test('a number is one number however it is written, and a good order is still accepted after all that', async () => {
  const shop = running()
  const text = '{ "quantity" : 2.0e0 , "productId" : "A001" , "orderId" : "written-otherwise" }'
  const answer = await send(`${shop.url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'Application/JSON; charset=utf-8' },
    body: text,
  })
  assert.equal(answer.text, '{"orderId":"written-otherwise","status":"PLACED"}')
  assert.equal((await sendJson(`${shop.url}/orders`, GOOD)).status, 202)
  assert.deepEqual(await countRows(shop.infra), { orders: '2', history: '2', outbox: '2' })
})

interface Shop {
  readonly infra: Infrastructure
  readonly order: Running
  readonly port: number
  readonly url: string
}

let started: Shop | undefined

// Neither Kafka nor Redis: whatever was stored would stay in the outbox.
before(async () => {
  const infra = await startInfrastructure({ databases: ['order'] })
  await infra.admin('order').sql`
    insert into product_copies (product_id, unit_price_minor, currency, stocked) values ('A001', 12900, 'KRW', true)`
  const order = await startOrder(readConfig(infra.env('order')))
  started = { infra, order, port: order.port, url: `http://127.0.0.1:${order.port}` }
})

after(async () => {
  await started?.order.stop()
  await started?.infra[Symbol.asyncDispose]()
})

function running(): Shop {
  assert.ok(started !== undefined)
  return started
}

function assertRefusal(answer: Answer, code: RefusalCode, field: string): void {
  const document = readProblem(answer)
  assert.equal(document.code, code, answer.text)
  assert.ok(answer.status >= 400 && answer.status < 500, answer.text)
  assert.deepEqual(
    document.errors?.map((error) => error.field),
    [field],
    answer.text,
  )
}

async function countRows(infra: Infrastructure): Promise<unknown> {
  const [row] = await infra.admin('order').sql`
    select (select count(*) from orders) as orders, (select count(*) from order_history) as history,
      (select count(*) from outbox) as outbox`
  return row
}

async function assertNothingStored({ infra }: Shop): Promise<void> {
  assert.deepEqual(await countRows(infra), { orders: '0', history: '0', outbox: '0' })
}
