import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { SignJWT, UnsecuredJWT, type JWK } from 'jose'
import { Compile } from 'typebox/compile'
import { Name } from '@timesale/contracts/fields'
import {
  accessClaims,
  logIn,
  makePerson,
  openShop,
  readSigningKey,
  signAccess,
  type Person,
} from '@timesale/faults/people'
import type { ServiceProcess } from '@timesale/faults/service-process'
import { startShop, type Shop } from '@timesale/faults/shop'
import { serviceNames, type ServiceName } from '@timesale/local/shop/ports'
import { calledFor, TEST_GATEWAY } from '@timesale/testkit/gateway-key'
import { readProblem, send, sendBytes, sendJson, type Answer, type Request } from '@timesale/testkit/http'
import { until } from '@timesale/testkit/until'
import {
  exampleOf,
  objectPlaces,
  pathOf,
  queryOf,
  readOperations,
  textPlaces,
  withValue,
  type Operation,
} from './described-requests.ts'

// Whoever means no good, at the one public door and at the inner ports, where a token is needed as on any address that
// others can reach. Routes are taken from what the services say of themselves, so that new ones are met by themselves.

describe('tokens', () => {
  test('at the gateway: one and the same 401, and nothing reaches a service', async () => {
    const now = Math.floor(Date.now() / 1000)
    const [head = '', payload = '', signature = ''] = buyerA.accessToken.split('.')
    const { kid = '' } = signingKey
    const publicPem = createPublicKey({ key: publicHalf(signingKey), format: 'jwk' }).export({
      type: 'spki',
      format: 'pem',
    })
    const hmac = (secret: Uint8Array): Promise<string> =>
      new SignJWT(goodClaims()).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid }).sign(secret)
    const hostile: Record<string, string> = {
      'not a token': 'abc',
      none: new UnsecuredJWT(goodClaims()).encode(),
      nOnE: `${encode({ alg: 'nOnE', typ: 'at+jwt', kid })}.${payload}.`,
      'none with a signature': `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.${signature}`,
      'another algorithm': `${encode({ alg: 'ES256', typ: 'at+jwt', kid })}.${payload}.${signature}`,
      'HS256 with the public key': await hmac(Buffer.from(publicPem)),
      'HS256 with the bytes of the public key': await hmac(Buffer.from(signingKey.x ?? '', 'base64url')),
      'HS256 with the key document': await hmac(new TextEncoder().encode(JSON.stringify(publicHalf(signingKey)))),
      'no key id': accessToken({}, { kid: undefined }),
      'another key id': accessToken({}, { kid: crypto.randomUUID() }),
      'a path for a key id': accessToken({}, { kid: '../../../../../../dev/null' }),
      'a query for a key id': accessToken({}, { kid: "' union select 'x" }),
      expired: accessToken({ iat: now - 2_000, exp: now - 60 }),
      'not yet valid': accessToken({ nbf: now + 600 }),
      'another issuer': accessToken({ iss: 'timesale-gateway' }),
      'another audience': accessToken({ aud: 'timesale-services' }),
      'another type': accessToken({}, { typ: 'JWT' }),
      'no end': accessToken({ exp: undefined }),
      'an altered payload': `${head}.${encode({ ...decode(payload), roles: ['operator'] })}.${signature}`,
      'another account': `${head}.${encode({ ...decode(payload), sub: sellerA.accountId })}.${signature}`,
      'a refresh token': buyerA.refreshToken,
      'an internal token': (await calledFor(buyerA.accountId, 'operator')).authorization.slice('Bearer '.length),
      'a session that was ended': await endedToken(),
      '9 KB': `${head}.${'A'.repeat(9 * 1024)}.${signature}`,
    }
    const bodies = new Set<string>()
    await nothingReaches(async () => {
      for (const [what, token] of Object.entries(hostile)) {
        for (const path of ['/api/orders', '/api/account/me', '/api/products', '/api/limits']) {
          const answer = await ask(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${token}` } })
          assert.equal(answer.status, 401, `${what} ${path}: ${answer.text}`)
          bodies.add(answer.text)
        }
      }
      const good = buyerA.headers.authorization
      const raw = {
        none: '',
        'two of them': `authorization: ${good}\r\nAuthorization: ${good}\r\n`,
        'two in one': `authorization: ${good}, ${good}\r\n`,
        'another scheme': `authorization: Basic ${buyerA.accessToken}\r\n`,
      }
      for (const [what, headers] of Object.entries(raw)) {
        const answer = await askBytes(
          gateway,
          `GET /api/orders HTTP/1.1\r\nhost: a\r\n${headers}connection: close\r\n\r\n`,
        )
        assert.equal(answer.status, 401, what)
        bodies.add(answer.text)
      }
      assert.equal(bodies.size, 1, [...bodies].join('\n'))
      const huge = `GET /api/orders HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${'A'.repeat(100 * 1024)}\r\n\r\n`
      assert.equal(readProblem(await askBytes(gateway, huge)).code, 'headers-too-large')
    })
    // What they were made from is good.
    const headers = { authorization: `Bearer ${accessToken({})}` }
    assert.equal((await ask(`${gateway.url}/api/orders/${orderOfA}`, { headers })).status, 200)
  })

  test('at the inner ports: no route answers without one of the gateway’s own', async () => {
    const { authorization } = await calledFor('operator-1', 'operator')
    const [head = '', payload = '', signature = ''] = authorization.slice('Bearer '.length).split('.')
    const hostile: Record<string, string | undefined> = {
      nothing: undefined,
      'an access token': buyerA.headers.authorization,
      'an access token of an operator': operator.headers.authorization,
      none: `Bearer ${encode({ alg: 'none', typ: 'timesale-internal+jwt' })}.${payload}.`,
      'an altered payload': `Bearer ${head}.${encode({ ...decode(payload), sub: buyerA.accountId })}.${signature}`,
      'internal claims with the key of access tokens': `Bearer ${accessToken(
        { iss: 'timesale-gateway', aud: 'timesale-services', sub: 'operator-1', roles: ['operator'] },
        { typ: 'timesale-internal+jwt' },
      )}`,
    }
    const forged = { 'x-user-id': 'operator-1', 'x-roles': 'operator', 'x-forwarded-user': 'operator-1' }
    const bodies = new Set<string>()
    let asked = 0
    for (const service of inner()) {
      for (const operation of await operationsOf(service)) {
        // Public keys are for everybody.
        if (operation.path === '/.well-known/jwks.json') continue
        for (const [what, value] of Object.entries(hostile)) {
          const headers = { ...forged, ...(value === undefined ? {} : { authorization: value }) }
          const answer = await askFor(service, operation, { headers })
          assert.equal(answer.status, 401, `${service.name} ${operation.method} ${operation.path}, ${what}`)
          bodies.add(answer.text)
          asked += 1
        }
      }
    }
    assert.equal(bodies.size, 1)
    assert.ok(asked > 150, `${asked}`)
  })
})

describe('bodies', () => {
  test('take no field that nobody has asked for', async () => {
    const extras = [
      'price',
      'priceMinor_',
      'status',
      'sellerId',
      'role',
      'version_',
      'accountId_',
      '__proto__',
      'constructor',
    ]
    let asked = 0
    for (const service of inner()) {
      for (const operation of await operationsOf(service)) {
        if (operation.body === undefined) continue
        const { body } = operation
        const headers = await calledFor('operator-of-the-test', 'operator')
        for (const place of objectPlaces(body)) {
          for (const extra of extras) {
            if (extra in (schemaAt(body, place).properties ?? {})) continue
            const value = extra === 'constructor' ? { prototype: { isOperator: true } } : { isOperator: true }
            const hostile = withValue(body, exampleOf(body), [...place, extra], value)
            const answer = await askFor(service, operation, { headers, body: hostile })
            const about = `${service.name} ${operation.method} ${operation.path} ${[...place, extra].join('.')}`
            assert.equal(answer.status, 400, `${about}: ${answer.text}`)
            assert.match(JSON.stringify(readProblem(answer).errors), new RegExp(`"field":"[^"]*${extra}"`), about)
            asked += 1
          }
        }
      }
    }
    assert.ok(asked > 100, `${asked}`)
  })

  test('that are too deep, too large, packed or of another kind are refused, and nothing falls over', async () => {
    const json = { 'content-type': 'application/json' }
    const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`
    for (const [service, prefix, headersNow] of doors()) {
      for (const operation of await operationsOf(service)) {
        if (operation.method !== 'POST' && operation.method !== 'PUT') continue
        const headers = await headersNow()
        // Read-only here, and so refused before a body is looked at.
        if (operation.tags.includes('console')) continue
        // The gateway passes bodies on, and the service that reads one says no.
        const taken = prefix === '' ? operation.body : await bodyBehind(operation, {})
        if (prefix === '' && taken === undefined) continue
        const about = `${service.name} ${operation.method} ${operation.path}`
        const refused = async (what: string, request: Request, statuses: readonly number[]): Promise<void> => {
          const url = `${service.url}${pathOf(operation, {})}`
          const answer = await ask(url, {
            ...request,
            method: operation.method,
            headers: { ...headers, ...request.headers },
          })
          assert.ok(statuses.includes(answer.status), `${about}, ${what}: ${answer.status} ${answer.text}`)
        }
        await refused('100,000 levels', { headers: json, body: deep(100_000) }, [413])
        if (taken !== undefined) await refused('30,000 levels', { headers: json, body: deep(30_000) }, [400])
        await refused('packed', { headers: { ...json, 'content-encoding': 'gzip' }, body: gzipSync('{}') }, [415])
        await refused('text', { headers: { 'content-type': 'text/plain' }, body: '{}' }, [415])
        await refused(
          'a form',
          { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1' },
          [415],
        )
        const utf16 = { 'content-type': 'application/json; charset=utf-16' }
        await refused('another charset', { headers: utf16, body: Buffer.from('{}', 'utf16le') }, [415])
        await refused('XML', { headers: { 'content-type': 'text/xml' }, body: '<a/>' }, [415])
      }
      const head = `POST ${prefix}/${service.name === 'gateway-1' ? 'orders' : firstPost(service)} HTTP/1.1\r\nhost: a\r\n`
      const caller = Object.entries({ ...(await headersNow()), ...json }).map(
        ([name, value]) => `${name}: ${value}\r\n`,
      )
      const large = await askBytes(service, `${head}${caller.join('')}content-length: 2000000\r\n\r\n{`)
      assert.equal(readProblem(large).code, 'body-too-large')
      const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
      const chunked = await askBytes(
        service,
        `${head}${caller.join('')}transfer-encoding: chunked\r\n\r\n${chunk}${chunk}`,
      )
      assert.equal(readProblem(chunked).code, 'body-too-large')
    }
  })
})

describe('texts', () => {
  // Before the others, which make things of such names.
  test('for an id, a search or a cursor are told no more than one that is not known', async () => {
    const ofA = await ask(`${shop.process('order-1').url}/orders/${orderOfA}`, {
      headers: await calledFor(buyerA.accountId, 'buyer'),
    })
    assert.ok(valuesIn(ofA) > 3, 'what there is would be seen')
    const oddities: string[] = []
    let asked = 0
    const look = async (service: ServiceProcess, role: 'buyer' | 'operator'): Promise<void> => {
      for (const operation of await operationsOf(service)) {
        if (operation.method !== 'GET') continue
        const headers = await calledFor('somebody-else', role)
        for (const { name, in: where } of operation.parameters) {
          if (where === 'header') continue
          const told = async (text: string): Promise<number> => {
            const value = where === 'path' ? encodeURIComponent(text.toWellFormed()) : text
            return valuesIn(await askFor(service, operation, { headers, [where]: { [name]: value } }))
          }
          // After a cursor there is no more than without one.
          const all =
            name === 'cursor' || name === 'after' ? valuesIn(await askFor(service, operation, { headers })) : 0
          const most = Math.max(all, await told('not-known'))
          for (const text of INJECTIONS) {
            const values = await told(text)
            asked += 1
            if (values > most) {
              oddities.push(
                `${role} ${service.name} ${operation.path} ${name} ${JSON.stringify(text)}: ${values} > ${most}`,
              )
            }
          }
        }
      }
    }
    await Promise.all(inner().flatMap((service) => [look(service, 'buyer'), look(service, 'operator')]))
    assert.deepEqual(oddities, [])
    assert.ok(asked > 500, `${asked}`)
  })

  test('that mean something elsewhere are refused or kept as texts, in each field, path, query and header', async () => {
    let asked = 0
    const oddities: string[] = []
    const look = async (
      service: ServiceProcess,
      operation: Operation,
      what: string,
      asking: Promise<Answer>,
    ): Promise<void> => {
      const began = performance.now()
      const answer = await asking
      const tookMs = performance.now() - began
      asked += 1
      if (answer.status < 200 || answer.status >= 500 || tookMs > SLEPT_MS) {
        const about = `${service.name} ${operation.method} ${operation.path} ${what}`
        oddities.push(`${about}: ${answer.status} ${answer.text} after ${tookMs} ms`)
      }
    }
    await Promise.all(
      inner().map(async (service) => {
        for (const operation of await operationsOf(service)) {
          const headers = await calledFor('operator-of-the-test', 'operator')
          // Where a password is hashed, an answer takes its time.
          const isSlow = textPlaces(operation.body ?? {}).some(([name]) => name === 'password')
          for (const text of INJECTIONS.filter((_text, index) => !isSlow || index % 3 === 0)) {
            for (const { name, in: where } of operation.parameters) {
              const what = `${where} ${name} ${JSON.stringify(text)}`
              const encoded = encodeURIComponent(text.toWellFormed())
              if (where === 'path')
                await look(service, operation, what, askFor(service, operation, { headers, path: { [name]: encoded } }))
              if (where === 'query')
                await look(service, operation, what, askFor(service, operation, { headers, query: { [name]: text } }))
              if (where === 'header' && isHeader(text)) {
                await look(
                  service,
                  operation,
                  what,
                  askFor(service, operation, { headers: { ...headers, [name]: text } }),
                )
              }
            }
            if (operation.body === undefined) continue
            for (const place of textPlaces(operation.body)) {
              const body = withValue(operation.body, exampleOf(operation.body), place, text)
              await look(
                service,
                operation,
                `${place.join('.')} ${JSON.stringify(text)}`,
                askFor(service, operation, { headers, body }),
              )
            }
          }
        }
      }),
    )
    assert.deepEqual(oddities, [])
    assert.ok(asked > 1_000, `${asked}`)
  })

  test('come back letter by letter', async () => {
    const texts = INJECTIONS.filter((text) => isName(text))
    assert.ok(texts.length > 10)
    for (const [index, text] of texts.entries()) {
      const productId = `named-${index}`
      const body = { productId, shopId: 'shop-a', name: { ko: text, en: text }, priceMinor: 1, currency: 'KRW' }
      const made = await askJson(`${gateway.url}/api/products`, body, sellerA)
      assert.equal(made.status, 201, made.text)
      assert.deepEqual((JSON.parse(made.text) as { name: object }).name, { ko: text, en: text })
      // As it came out of the database, onto a topic, and from there into Redis.
      const headers = { 'view-token': made.headers['view-token'] ?? '' }
      const page = await until(`${productId} has a page`, async () => {
        const answer = await ask(`${gateway.url}/api/products/${productId}`, { headers })
        return answer.status === 200 && (JSON.parse(answer.text) as { name: object })
      })
      assert.deepEqual(page.name, { ko: text, en: text })
      const renamed = await askJson(`${gateway.url}/api/shops/shop-a`, { name: text }, { method: 'PUT', ...sellerA })
      assert.equal((JSON.parse(renamed.text) as { name: string }).name, text)
    }
  })

  test('in paths that climb lead nowhere', async () => {
    const hostile = [
      '..',
      '../settings',
      '%2e%2e%2fsettings',
      '..%5csettings',
      '%00',
      '%ff',
      '%',
      'a/../../settings',
      ';a',
      '?a',
    ]
    for (const path of hostile) {
      for (const start of ['/api/orders/', '/api/', '/api/products/', '//api/orders/']) {
        const headers = `authorization: ${buyerA.headers.authorization}\r\n`
        const bytes = `GET ${start}${path} HTTP/1.1\r\nhost: a\r\n${headers}connection: close\r\n\r\n`
        const answer = await askBytes(gateway, bytes)
        assert.ok([400, 403, 404].includes(answer.status), `${start}${path}: ${answer.status} ${answer.text}`)
      }
    }
  })
})

describe('requests that are no HTTP, or too much of it', () => {
  test('are refused by every server', async () => {
    for (const service of shop.processes) {
      const get = `GET /livez HTTP/1.1\r\nhost: a\r\n`
      const large = await askBytes(service, `${get}x-large: ${'a'.repeat(17 * 1024)}\r\n\r\n`)
      assert.equal(readProblem(large).code, 'headers-too-large')
      const many = Array.from({ length: 3_000 }, (_none, index) => `x-${index}: a\r\n`).join('')
      assert.equal((await askBytes(service, `${get}${many}\r\n`)).status, 431)
      const post = `POST /orders HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`
      for (const lengths of [
        'content-length: 2\r\ncontent-length: 3\r\n',
        'content-length: 2\r\ncontent-length: 2\r\n',
        'content-length: 2\r\ntransfer-encoding: chunked\r\n',
        'transfer-encoding: chunked\r\ncontent-length: 2\r\n',
        'transfer-encoding: gzip, chunked, identity\r\n',
        'content-length: -1\r\n',
        'content-length: 0x2\r\n',
      ]) {
        const answer = await askBytes(service, `${post}${lengths}\r\n{}`)
        assert.equal(answer.status, 400, `${service.name} ${lengths}: ${answer.text}`)
      }
    }
  })

  test('are refused by every server where they leave open what they mean', async () => {
    for (const service of shop.processes) {
      for (const [headers, status, field] of [
        ['', 400, 'host'],
        ['host: a\r\nHost: b\r\n', 400, 'host'],
        ['host: a\r\ncontent-type: application/json\r\ncontent-type: text/plain\r\n', 400, 'content-type'],
        ['host: a\r\nauthorization: Bearer a\r\nauthorization: Bearer b\r\n', 400, 'authorization'],
        ['host: a\r\nexpect: 200-ok\r\n', 417, 'expect'],
      ] as const) {
        const answer = await askBytes(service, `GET /livez HTTP/1.1\r\n${headers}connection: close\r\n\r\n`)
        const about = `${service.name} ${JSON.stringify(headers)}`
        assert.equal(answer.status, status, about)
        assert.deepEqual(
          readProblem(answer).errors?.map((one) => one.field),
          [field],
          about,
        )
      }
    }
  })

  test('that come letter by letter are hung up on, and others are served meanwhile', async () => {
    const took: number[] = []
    for (let time = 0; time < 20; time += 1) {
      const began = performance.now()
      const answer = await ask(`${gateway.url}/api/orders/${orderOfA}`, buyerA)
      assert.equal(answer.status, 200)
      took.push(performance.now() - began)
    }
    // Ten times what a test may wait for a busy machine; not that nobody comes through.
    assert.ok(Math.max(...took) < 5_000, `${Math.max(...took)} ms`)
    await until('all slow ones are gone', () => slow.every(({ closedAfterMs }) => closedAfterMs !== undefined), 60_000)
    const late = slow.filter(({ closedAfterMs = Infinity }) => closedAfterMs > SLOW_UNTIL_MS)
    assert.deepEqual(
      late.map(({ what, closedAfterMs }) => `${what} ${closedAfterMs}`),
      [],
    )
    assert.ok(slow.length >= 100)
  })
})

describe('headers that speak for somebody', () => {
  const FORGED = {
    'x-user-id': 'operator-1',
    'x-account-id': 'operator-1',
    'x-user-roles': 'operator',
    'x-roles': 'operator',
    'x-internal': '1',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-user': 'operator-1',
    'x-real-ip': '127.0.0.1',
    forwarded: 'for=127.0.0.1;by=gateway',
  }

  test('are nobody’s word', async () => {
    const anonymous = await ask(`${gateway.url}/api/orders`, { headers: FORGED })
    assert.equal(anonymous.status, 401)
    for (const path of ['/api/sales', '/api/settings', '/api/upstreams', '/api/account/accounts?email=a@example.com']) {
      const headers = { ...FORGED, ...buyerB.headers }
      assert.equal((await ask(`${gateway.url}${path}`, { headers })).status, 403, path)
    }
    const asA = { ...FORGED, ...buyerB.headers, 'x-user-id': buyerA.accountId, 'x-account-id': buyerA.accountId }
    assert.equal((await ask(`${gateway.url}/api/orders/${orderOfA}`, { headers: asA })).status, 404)
    const internal = await calledFor(buyerA.accountId, 'operator')
    assert.equal((await ask(`${gateway.url}/api/orders`, { headers: { ...FORGED, ...internal } })).status, 401)
    // At an inner port as well: who is anonymous there stays so.
    const { headers } = { headers: { ...FORGED, ...(await calledFor()) } }
    assert.equal((await ask(`${shop.process('order-1').url}/orders`, { headers })).status, 401)
    assert.equal((await ask(`${shop.process('analytics-1').url}/sales`, { headers })).status, 401)
  })

  test('about another method or place change neither', async () => {
    const override = {
      'x-http-method-override': 'DELETE',
      'x-http-method': 'DELETE',
      'x-method-override': 'PUT',
      'x-original-url': '/settings',
      'x-rewrite-url': '/settings',
    }
    const url = `${gateway.url}/api/shops/shop-a/members/${buyerB.accountId}`
    assert.equal((await askJson(url, { role: 'member' }, { method: 'PUT', ...sellerA })).status, 200)
    const members = await ask(`${gateway.url}/api/shops/shop-a/members`, {
      headers: { ...override, ...sellerA.headers },
    })
    assert.equal(members.status, 200)
    assert.match(members.text, new RegExp(buyerB.accountId))
    const posted = await askJson(
      url,
      { role: 'member', _method: 'DELETE' },
      { headers: sellerA.headers, method: 'POST' },
    )
    assert.equal(posted.status, 405)
    assert.match((await ask(`${gateway.url}/api/shops/shop-a/members`, sellerA)).text, new RegExp(buyerB.accountId))
    assert.equal((await ask(url, { method: 'DELETE', ...sellerA })).status, 200)
  })
})

describe('what belongs to somebody else', () => {
  test('is answered like what does not exist', async () => {
    const pairs = [
      ['GET', '/api/orders/:id', orderOfA, buyerB],
      ['POST', '/api/orders/:id/cancellation', orderOfA, buyerB],
      ['GET', '/api/notices?orderId=:id', orderOfA, buyerB],
      ['GET', '/api/shops/:id/members', 'shop-a', sellerB],
      ['PUT', '/api/shops/:id', 'shop-a', sellerB, { name: 'mine' }],
      ['PUT', '/api/products/:id', 'product-a', sellerB, { priceMinor: 1 }],
      ['POST', '/api/products/:id/units', 'product-a', sellerB, { add: 1 }],
      ['DELETE', '/api/products/:id/sale', 'product-a', sellerB],
      ['DELETE', '/api/account/sessions/:id', buyerA.sessionId, buyerB],
      ['DELETE', '/api/account/api-keys/:id', 'key-of-a', buyerB],
    ] as const
    for (const [method, path, ofA, { headers }, body] of pairs) {
      const ofNobody = 'x'.repeat(ofA.length)
      const [theirs, nobodys] = await Promise.all(
        [ofA, ofNobody].map((id) => {
          const url = `${gateway.url}${path.replace(':id', id)}`
          const request = { method, headers: { ...headers, 'idempotency-key': crypto.randomUUID() } }
          return body === undefined ? ask(url, request) : askJson(url, body, request)
        }),
      )
      assert.ok(theirs !== undefined && nobodys !== undefined)
      const about = `${method} ${path}`
      assert.equal(theirs.status, nobodys.status, about)
      assert.equal(theirs.text.replaceAll(ofA, ofNobody), nobodys.text, about)
      assert.deepEqual(Object.keys(theirs.headers).sort(), Object.keys(nobodys.headers).sort(), about)
      if (method !== 'GET' || !path.includes('?')) assert.equal(theirs.status, 404, about)
    }
  })

  test('cannot be had on any route of the gateway', async () => {
    const idsOfA: Record<string, string> = {
      ...{ orderId: orderOfA, productId: 'product-a', shopId: 'shop-a', keyId: 'key-of-a' },
      ...{ accountId: buyerA.accountId, sessionId: buyerA.sessionId },
    }
    // What only A, or those of A's shop, may see.
    const ofA = [
      orderOfA,
      'machine of A',
      ...[buyerA, sellerA].flatMap((one) => [one.accountId, one.email, one.sessionId]),
    ]
    const before = await everythingOfA()
    const operations = await readOperations(gateway.url)
    assert.ok(operations.length > 35)
    for (const stranger of [undefined, buyerB, sellerB]) {
      for (const operation of operations) {
        // These end the stranger's own session, or begin one: of A there is nothing in them.
        if (/log-(out|in)|sign-up|refresh|tokens$/.test(operation.path)) continue
        // An id of a key is one's own: everybody may have one of this name.
        const { keyId: _own, ...idsInBodies } = idsOfA
        const body = await bodyBehind(operation, idsInBodies)
        const key = operation.method === 'POST' ? { 'idempotency-key': crypto.randomUUID() } : {}
        const request = { path: idsOfA, query: idsOfA, body, headers: { ...stranger?.headers, ...key } }
        const answer = await askFor(gateway, operation, request)
        const about = `${operation.method} ${operation.path} by ${stranger?.email ?? 'nobody'}: ${answer.status} ${answer.text}`
        assert.ok(answer.status < 500, about)
        const isPublicPage = operation.tags.includes('storefront') && operation.method === 'GET'
        if (operation.path.includes('{') && !isPublicPage) {
          assert.ok([401, 403, 404].includes(answer.status), about)
        }
        // What was sent may be repeated in the answer.
        const isRead = operation.method === 'GET' && answer.status < 300
        const told = isRead ? answer.text : withoutAll(answer.text, Object.values(idsOfA))
        for (const secret of ofA) assert.ok(!told.includes(secret), `${about} tells ${secret}`)
      }
    }
    assert.deepEqual(await everythingOfA(), before)
  })
})

test('no secret and nothing of our insides is in what was answered or logged', async () => {
  const people = [buyerA, buyerB, sellerA, sellerB, operator]
  const secrets = [
    ...people.flatMap(({ password, refreshToken, accessToken: token }) => [password, refreshToken, token.slice(-40)]),
    ...[apiKeyOfA, signingKey.d ?? '', shop.accountKeySecret],
    ...[(JSON.parse(TEST_GATEWAY.signingKey) as JWK).d ?? '', 'postgres://', '_local:'],
  ]
  const insides = ['node_modules', '    at ', '.ts:']
  assert.ok(secrets.every((secret) => secret.length >= 7))
  assert.ok(received.size > 300, `${received.size} texts`)
  for (const text of received) {
    for (const secret of [...secrets, ...insides]) assert.ok(!text.includes(secret), `${secret} in ${text}`)
  }
  const logs = await shop.wholeLogs()
  assert.equal(logs.size, serviceNames.length)
  for (const [file, log] of logs) {
    assert.match(log, /"msg":"listening"/, `${file} is read`)
    assert.match(log, /"msg":"request"/, `${file} tells of requests`)
    for (const secret of secrets) {
      const at = log.indexOf(secret)
      assert.ok(at < 0, `${secret} in ${file}: ${log.slice(Math.max(0, at - 300), at + 300)}`)
    }
    // A warning may say where a connection was lost. No request leads to more than that.
    const faults = log.split('\n').filter((line) => line !== '' && !/^\{"level":(20|30|40),/.test(line))
    assert.deepEqual(faults, [], file)
  }
  for (const service of shop.processes) assert.ok(service.running, `${service.name} runs`)
})

const INJECTIONS = [
  "' or '1'='1",
  "'; drop table orders; --",
  '1); select pg_sleep(10)--',
  '" or ""="',
  '${jndi:ldap://127.0.0.1/a}',
  '{{7*7}}',
  '<script>alert(1)</script>',
  '../../../../etc/passwd',
  '..',
  '__proto__',
  'constructor',
  '$(id)`id`',
  '%00%0a%s%n',
  '*1\r\n$8\r\nFLUSHALL\r\n',
  'a\r\nset-cookie: a=b',
  'nul\u0000byte',
  '\u202eright to left',
  '가나다 라마 🛒 𝒳',
  '\ud800 half a letter',
  'NaN',
  'null',
  '-1',
  '1e400',
  '{"$gt":""}',
  '[object Object]',
  'x'.repeat(199),
  'x'.repeat(20_000),
]
/** `pg_sleep(10)` is longer, and nothing else takes so long. */
const SLEPT_MS = 8_000
/** 15 s are promised; the rest is for a busy machine, and for one that stands still. */
const SLOW_UNTIL_MS = 20_000

let shop: Shop
let gateway: ServiceProcess
let buyerA: Person
let buyerB: Person
let sellerA: Person
let sellerB: Person
let operator: Person
let orderOfA = ''
let apiKeyOfA = ''
let signingKey: JWK
/** Bodies and headers of answers. */
const received = new Set<string>()
const slow: SlowCaller[] = []

before(async () => {
  const many = Object.fromEntries(
    ['BROWSE', 'ORDERS', 'WRITE', 'ACCOUNT', 'CREDENTIALS'].map((name) => [`GATEWAY_LIMIT_${name}`, '1000000/1']),
  )
  shop = await startShop({
    processes: Object.fromEntries(serviceNames.map((name) => [name, 1])),
    envOfAll: { AUTH_MODE: 'token', LOG_LEVEL: 'debug' },
    env: { gateway: many },
  })
  gateway = shop.process('gateway-1')
  ;[buyerA, buyerB, sellerA, sellerB, operator] = await Promise.all([
    makePerson(shop, 'buyer-a'),
    makePerson(shop, 'buyer-b'),
    makePerson(shop, 'seller-a', ['buyer', 'seller']),
    makePerson(shop, 'seller-b', ['buyer', 'seller']),
    makePerson(shop, 'operator-1', ['buyer', 'operator']),
  ])
  signingKey = await readSigningKey(shop)
  await openShop(shop, sellerA, { shopId: 'shop-a', productId: 'product-a', units: 1_000 })
  orderOfA = 'order-of-a'
  const order = { orderId: orderOfA, productId: 'product-a', quantity: 1 }
  assert.equal((await askJson(`${gateway.url}/api/orders`, order, buyerA)).status, 202)
  const key = { keyId: 'key-of-a', name: 'machine of A', roles: ['buyer'] }
  const made = await sendJson(`${gateway.url}/api/account/api-keys`, key, buyerA)
  apiKeyOfA = (JSON.parse(made.text) as { apiKey: string }).apiKey
  await until('there is a notice', async () => {
    const answer = await ask(`${gateway.url}/api/notices?orderId=${orderOfA}`, buyerA)
    return answer.text.includes('CONFIRMED')
  })
  for (const service of [gateway, shop.process('order-1')]) {
    for (let time = 0; time < 20; time += 1) {
      slow.push(new SlowCaller(service, 'nothing', ''))
      slow.push(new SlowCaller(service, 'headers', `GET /api/orders HTTP/1.1\r\nhost: a\r\nx-slow: `))
      const { authorization } = service === gateway ? buyerA.headers : await calledFor(buyerA.accountId, 'buyer')
      const head = `POST ${service === gateway ? '/api' : ''}/orders HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\n`
      slow.push(
        new SlowCaller(service, 'body', `${head}content-type: application/json\r\ncontent-length: 1000\r\n\r\n`),
      )
    }
  }
})

after(async () => {
  for (const one of slow) one.hangUp()
  await shop?.[Symbol.asyncDispose]()
})

/** Sends a letter each second until the other side hangs up. */
class SlowCaller {
  readonly what: string
  closedAfterMs: number | undefined
  readonly #socket: Socket
  readonly #timer: NodeJS.Timeout

  constructor({ name, url }: ServiceProcess, what: string, beginning: string) {
    this.what = `${what} to ${name}`
    const began = performance.now()
    this.#socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) })
    this.#socket.on('error', () => undefined)
    this.#socket.resume()
    if (beginning !== '') this.#socket.write(beginning)
    this.#timer = setInterval(() => beginning !== '' && this.#socket.write('a'), 1_000)
    this.#socket.on('close', () => {
      clearInterval(this.#timer)
      this.closedAfterMs = performance.now() - began
    })
  }

  hangUp(): void {
    clearInterval(this.#timer)
    this.#socket.destroy()
  }
}

function inner(): ServiceProcess[] {
  return shop.processes.filter(({ name }) => name !== 'gateway-1')
}

const described = new Map<string, Promise<Operation[]>>()

function operationsOf({ name, url }: ServiceProcess): Promise<Operation[]> {
  const known = described.get(name) ?? readOperations(url)
  described.set(name, known)
  return known
}

type Door = [ServiceProcess, prefix: string, headersNow: () => Promise<Record<string, string>>]

/** The gateway as a person sees it, and the inner ports as the gateway does, whose word is good for a minute at most. */
function doors(): Door[] {
  const headersNow = async (): Promise<Record<string, string>> => calledFor('operator-of-the-test', 'operator')
  const withBodies = inner().filter((one) => firstPost(one) !== '')
  const others = withBodies.map((one): Door => [one, '', headersNow])
  return [[gateway, '/api', () => Promise.resolve({ ...operator.headers })], ...others]
}

function firstPost({ name }: Pick<ServiceProcess, 'name'>): string {
  const paths: Partial<Record<ServiceName, string>> = {
    account: 'log-in',
    order: 'orders',
    product: 'products',
    seller: 'shops',
  }
  return paths[name.replace(/-\d+$/, '') as ServiceName] ?? ''
}

interface Asked {
  readonly headers?: Readonly<Record<string, string>>
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** A request that fits what is described, but for what is given. */
function askFor(service: ServiceProcess, operation: Operation, asked: Asked): Promise<Answer> {
  const { method, parameters, body: schema } = operation
  const known = new Set(parameters.filter((one) => one.in === 'query').map(({ name }) => name))
  const given = Object.entries(asked.query ?? {}).filter(([name]) => known.has(name))
  const query = new URLSearchParams({ ...queryOf(operation), ...Object.fromEntries(given) })
  const url = `${service.url}${pathOf(operation, asked.path ?? {})}${query.size > 0 ? `?${query.toString()}` : ''}`
  const body = asked.body ?? (schema === undefined ? undefined : exampleOf(schema))
  if (body === undefined) return ask(url, { method, headers: asked.headers ?? {} })
  return askJson(url, body, { method, headers: asked.headers ?? {} })
}

/** What the service behind a route of the gateway takes for a body, with A's ids in it. */
async function bodyBehind(operation: Operation, ids: Readonly<Record<string, string>>): Promise<unknown> {
  // Of the console nobody is behind the gateway.
  if (operation.tags.includes('console')) return operation.body === undefined ? undefined : exampleOf(operation.body)
  const service = shop.process(`${operation.tags[0] ?? 'gateway'}-1`)
  const path = operation.path.replace(/^\/api\/account(?=\/)|^\/api(?=\/)/, '')
  const found = (await operationsOf(service)).find((one) => one.method === operation.method && one.path === path)
  if (found?.body === undefined) return undefined
  const places = textPlaces(found.body).filter(([name = '', more]) => more === undefined && name in ids)
  const { body } = found
  return places.reduce((made, place) => withValue(body, made, place, ids[place[0] ?? '']), exampleOf(body))
}

async function ask(url: string, request: Request): Promise<Answer> {
  return keep(await send(url, request))
}

async function askJson(url: string, body: unknown, request: Omit<Request, 'body'>): Promise<Answer> {
  return keep(await sendJson(url, body, request))
}

async function askBytes({ url }: ServiceProcess, bytes: string): Promise<Answer> {
  return keep(await sendBytes(Number(new URL(url).port), bytes))
}

// Answers that give somebody his own tokens are asked for past this.
function keep(answer: Answer): Answer {
  received.add(answer.text)
  received.add(headersOf(answer))
  return answer
}

function headersOf({ headers }: Answer): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')
}

/** How much an answer tells: its values, and nothing where the answer is no. */
function valuesIn({ status, text }: Answer): number {
  if (status >= 300) return 0
  let count = 0
  JSON.parse(text, (_name, value: unknown) => {
    if (typeof value !== 'object') count += 1
    return value
  })
  return count
}

async function nothingReaches(work: () => Promise<void>): Promise<void> {
  const before = await reached()
  await work()
  assert.deepEqual(await reached(), before)
}

/** Requests that services have answered, but for those that every server answers to everybody. */
async function reached(): Promise<Record<string, number>> {
  const counts = inner().map(async ({ name, url }) => {
    const { text } = await send(`${url}/metrics`)
    const lines = text.split('\n').filter((line) => line.startsWith('http_request_seconds_count{'))
    const own = lines.filter(
      (line) => !/route="\/(readyz|livez|metrics|openapi\.json|\.well-known\/jwks\.json)"/.test(line),
    )
    return [name, own.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)] as const
  })
  return Object.fromEntries(await Promise.all(counts))
}

async function everythingOfA(): Promise<string[]> {
  const of = async (person: Person, path: string): Promise<string> => {
    const { status, text } = await send(`${gateway.url}${path}`, person)
    return `${path} ${status} ${text}`
  }
  return Promise.all([
    of(buyerA, `/api/orders/${orderOfA}`),
    of(buyerA, '/api/account/me'),
    of(buyerA, '/api/account/sessions'),
    of(buyerA, '/api/account/api-keys'),
    of(sellerA, '/api/shops'),
    of(sellerA, '/api/account/me'),
    send(`${shop.process('product-1').url}/products/product-a`, {
      headers: await calledFor(sellerA.accountId, 'seller'),
    }).then(({ status, text }) => `product ${status} ${text}`),
  ])
}

function publicHalf({ kty = '', crv = '', x = '' }: JWK): { kty: string; crv: string; x: string } {
  return { kty, crv, x }
}

function goodClaims(): Readonly<Record<string, unknown>> {
  return accessClaims(buyerA.accountId)
}

/** Signed with the account service's own key. */
function accessToken(claims: Readonly<Record<string, unknown>>, header: object = {}): string {
  return signAccess(signingKey, { ...goodClaims(), ...claims }, header)
}

async function endedToken(): Promise<string> {
  const second = await logIn(gateway.url, buyerB)
  const body = { refreshToken: second.refreshToken }
  assert.equal((await sendJson(`${gateway.url}/api/account/log-out`, body, second)).status, 204)
  return second.accessToken
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(text: string): object {
  return JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as object
}

function isHeader(text: string): boolean {
  return /^[\u0020-\u007e]{1,10000}$/.test(text)
}

// As contracts/fields.ts says it.
function isName(text: string): boolean {
  return text.isWellFormed() && Compile(Name).Check(text)
}

function withoutAll(text: string, parts: readonly string[]): string {
  return parts.reduce((left, part) => left.replaceAll(part, ''), text)
}

function schemaAt(schema: NonNullable<Operation['body']>, place: readonly string[]): NonNullable<Operation['body']> {
  return place.reduce((inside, name) => inside.properties?.[name] ?? {}, schema)
}
