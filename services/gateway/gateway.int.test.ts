import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { createConnection } from 'node:net'
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { createClient } from 'redis'
import { exportJWK, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import type { LimitsView, UpstreamsView } from '@timesale/contracts/gateway-api'
import { InternalVerifier } from '@timesale/identity/internal-token'
import type { Principal } from '@timesale/identity/principal'
import { REVOKED_SESSIONS_KEY, REVOKED_SESSIONS_WRITTEN_KEY } from '@timesale/redis/session-keys'
import { calledFor, TEST_GATEWAY } from '@timesale/testkit/gateway-key'
import { readProblem, send, sendBytes, sendJson, type Answer } from '@timesale/testkit/http'
import { servicePorts, startInfrastructure, type Infrastructure, type TestPart } from '@timesale/testkit/infrastructure'
import { readMetric } from '@timesale/testkit/metrics'
import { until } from '@timesale/testkit/until'
import { startGateway } from './app.ts'
import { readConfig } from './config.ts'
import { ROUTES, UPSTREAMS } from './routes.ts'
import { answerJson, startStandIn, type StandIn } from './upstreams/stand-in.ts'

// One stand-in is all services at once, and the account service's keys are among what it answers. Redis is real.

describe('a request that is let in', () => {
  test('goes on to the service with a token of ours, and its body byte by byte', async () => {
    await whileRedisCounts(async (attempt) => {
      const body = '{ "orderId" : "1",\t"quantity":2.0 , "quantity":2}'
      service().behave = answerJson({ orderId: '1' }, 202, {
        'view-token': '/order/orders/1.1',
        'x-inner': 'kept back',
      })
      const answer = await send(`${url()}/api/orders?a=%2F&b`, {
        method: 'POST',
        headers: { ...(await bearer({ sub: `buyer-a${attempt}` })), 'content-type': 'application/json' },
        body,
      })
      assert.equal(answer.status, 202)
      assert.equal(answer.text, '{"orderId":"1"}')
      assert.equal(answer.headers['view-token'], '/order/orders/1.1')
      assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
      assert.equal(answer.headers['x-inner'], undefined)
      assert.match(answer.headers['ratelimit-policy'] ?? '', /^"orders";q=60;w=10$/)
      assert.match(answer.headers['ratelimit'] ?? '', /^"orders";r=59;t=\d+$/)
      const [reached] = service().reached
      assert.equal(`${reached?.method} ${reached?.url}`, 'POST /orders?a=%2F&b')
      assert.equal(reached?.body, body)
      assert.deepEqual(await principalOf(reached?.headers), {
        kind: 'account',
        accountId: `buyer-a${attempt}`,
        roles: ['buyer'],
        sid: 's-1',
      })
      const left = Number(reached?.headers['x-timeout-ms'])
      assert.ok(left > 5_000 && left <= 8_000, `${left} ms`)
    })
  })

  test('is known to be a machine’s where its token was given for an API key', async () => {
    await send(`${url()}/api/account/me`, { headers: await bearer({ sub: 'till', sid: 'key-1', api_key: true }) })
    const expected = { kind: 'account', accountId: 'till', roles: ['buyer'], sid: 'key-1', isApiKey: true }
    assert.deepEqual(await principalOf(service().reached[0]?.headers), expected)
  })

  test('is anonymous without a token, where that is enough', async () => {
    assert.equal((await send(`${url()}/api/products/A001`)).status, 200)
    assert.deepEqual(await principalOf(service().reached[0]?.headers), { kind: 'anonymous' })
  })

  test('takes nothing along that could be taken for ours', async () => {
    await send(`${url()}/api/products`, {
      headers: {
        ...(await bearer({ sub: 'buyer-1' })),
        ...{ 'x-user-id': 'operator', 'x-user-roles': 'operator', 'x-timeout-ms': '2000', cookie: 'a=b' },
        ...{
          'x-forwarded-for': '9.9.9.9',
          'x-forwarded-host': 'evil',
          forwarded: 'for=9.9.9.9',
          'x-real-ip': '9.9.9.9',
        },
        ...{ 'x-http-method-override': 'DELETE', 'x-original-url': '/orders', 'accept-language': 'ko', te: 'trailers' },
        ...{ 'view-token': '/product/products/A001.7', 'if-none-match': '"1"', traceparent: TRACEPARENT },
      },
    })
    const { headers = {} } = service().reached[0] ?? {}
    const own = ['authorization', 'connection', 'host', 'traceparent', 'x-timeout-ms']
    const passed = ['accept', 'accept-language', 'if-none-match', 'view-token']
    assert.deepEqual(Object.keys(headers).sort(), [...own, ...passed].sort())
    assert.equal(headers['view-token'], '/product/products/A001.7')
    assert.ok(Number(headers['x-timeout-ms']) < 2_000, 'what is left of it')
    assert.equal(String(headers['traceparent']).slice(3, 35), TRACEPARENT.slice(3, 35))
    assert.notEqual(headers['traceparent'], TRACEPARENT)
  })

  test('each route of the table reaches its service, and asks for what it says', async () => {
    const operator = await bearer({ sub: 'operator-1', roles: ['operator'] })
    const buyer = await bearer({ sub: 'buyer-9' })
    for (const { method, path, there, token, role } of ROUTES) {
      const name = `${method} ${path}`
      service().reached.length = 0
      const at = (pattern: string): string => pattern.replaceAll(/:[a-zA-Z]+/g, 'A-1')
      const ask = (headers: Record<string, string>): Promise<Answer> => send(`${url()}${at(path)}`, { method, headers })
      if (token === 'required') assert.equal((await ask({})).status, 401, name)
      if (role !== undefined) assert.equal((await ask(buyer)).status, 403, name)
      assert.equal(service().reached.length, 0, name)
      assert.equal((await ask(operator)).status, 200, name)
      if (path.endsWith('/jwks.json')) continue
      assert.equal(`${service().reached[0]?.method} ${service().reached[0]?.url}`, `${method} ${at(there)}`)
    }
    const described = JSON.parse((await send(`${url()}/openapi.json`)).text) as {
      paths: Record<string, Record<string, { security?: object[]; description?: string }>>
    }
    for (const { method, path, token, role } of ROUTES) {
      const documented = described.paths[path.replaceAll(/:([a-zA-Z]+)/g, '{$1}')]?.[method.toLowerCase()]
      assert.ok(documented !== undefined, `${method} ${path}`)
      const tokens = { required: [{ bearer: [] }], optional: [{}, { bearer: [] }], none: [] }
      assert.deepEqual(documented.security, tokens[token], `${method} ${path}`)
      assert.equal(/`(\w+)`/.exec(documented.description ?? '')?.[1], role, `${method} ${path}`)
    }
  })
})

describe('a caller who says how long it waits', () => {
  test('is answered within it, by each route', async () => {
    service().behave = () => undefined
    const headers = { ...(await bearer({ sub: 'buyer-hasty' })), 'x-timeout-ms': '300' }
    for (const path of ['/api/products', '/api/me/orders/1', '/api/orders/1/events']) {
      // Once more where a machine that does much else has not even sent it in so little time.
      await until(`${path} is answered in time`, async () => {
        const began = performance.now()
        const answer = await send(`${url()}${path}`, { headers })
        assert.equal(readProblem(answer).code, 'upstream-timeout')
        // Sooner than any limit of the gateway's own.
        return performance.now() - began < 1_500
      })
      assert.ok(Number(service().reached.at(-1)?.headers['x-timeout-ms']) <= 300, path)
    }
  })

  test('is told where it says something else; and where no time is left, nothing is passed on', async () => {
    const headers = await bearer({ sub: 'buyer-hasty' })
    const order = (left: string, who: Record<string, string> = headers): Promise<Answer> =>
      sendJson(`${url()}/api/orders`, {}, { headers: { ...who, 'x-timeout-ms': left } })
    assert.equal(readProblem(await order('soon')).errors?.[0]?.field, 'x-timeout-ms')
    const late = await order('0')
    assert.equal(readProblem(late).code, 'no-time-left')
    assert.match(late.text, /"accepted":false/)
    assert.equal(readProblem(await order('0', {})).code, 'unauthenticated')
    assert.equal(service().reached.length, 0)
  })
})

describe('what is not let in', () => {
  test('paths, methods and media types that nobody takes', async () => {
    const headers = await bearer({ sub: 'buyer-1' })
    const refused = async (path: string, request: Parameters<typeof send>[1], code: string): Promise<Answer> => {
      const answer = await send(`${url()}${path}`, { ...request, headers: { ...headers, ...request?.headers } })
      assert.equal(readProblem(answer).code, code, path)
      return answer
    }
    await refused('/api/nothing', {}, 'not-found')
    await refused('/orders', {}, 'not-found')
    await refused('/%61pi/orders', {}, 'not-found')
    await refused('/api/orders/../../settings', {}, 'not-found')
    const answer = await refused('/api/orders', { method: 'PATCH' }, 'method-not-allowed')
    assert.equal(answer.headers['allow'], 'GET, HEAD, POST')
    const post = { method: 'POST', body: 'a=1' }
    const typed = (type: string): Record<string, string> => ({ 'content-type': type })
    await refused('/api/orders', { ...post, headers: typed('text/plain') }, 'unsupported-media-type')
    const form = typed('application/x-www-form-urlencoded')
    await refused('/api/orders', { ...post, headers: form }, 'unsupported-media-type')
    const packed = { ...typed('application/json'), 'content-encoding': 'gzip' }
    await refused('/api/orders', { ...post, headers: packed }, 'unsupported-media-type')
    const large = 'x'.repeat(64 * 1024 + 1)
    await refused('/api/orders', { ...post, body: large, headers: typed('application/json') }, 'body-too-large')
    assert.equal(service().reached.length, 0)
  })

  test('tokens that the account service has not given: one answer for all, and nothing is passed on', async () => {
    const now = Math.floor(Date.now() / 1000)
    const good = (await bearer({ sub: 'buyer-1' })).authorization
    const [head = '', payload = '', signature = ''] = good.slice('Bearer '.length).split('.')
    const raised = encode({ ...decode(payload), roles: ['operator'] })
    const other = generateKeyPairSync('ed25519').privateKey
    const secret = new TextEncoder().encode(JSON.stringify(publicJwk))
    const { kid } = publicJwk
    const hmac = (key: Uint8Array): Promise<string> =>
      new SignJWT(claims({})).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid }).sign(key)
    const tokens: Record<string, string> = {
      'not a token': 'abc',
      none: new UnsecuredJWT(claims({})).encode(),
      nOnE: `${encode({ alg: 'nOnE', typ: 'at+jwt', kid })}.${payload}.`,
      'nOnE with a signature': `${encode({ alg: 'nOnE', typ: 'at+jwt', kid })}.${payload}.${signature}`,
      'HS256 with the public key': await hmac(secret),
      'HS256 with the public key in base64': await hmac(Buffer.from(publicJwk.x ?? '', 'base64url')),
      'no key id': await token({}, { kid: undefined }),
      'another key id': await token({}, { kid: 'other' }),
      'a path for a key id': await token({}, { kid: '../../../../dev/null' }),
      'another key under a known id': await token({}, {}, other),
      'a key of its own': await token({}, { jwk: await exportJWK(other) }, other),
      'an unknown critical header': byHand({ alg: 'EdDSA', typ: 'at+jwt', kid, crit: ['exp'], exp: now }, payload),
      'bytes that are not JSON': byHand({ alg: 'EdDSA', typ: 'at+jwt', kid }, encode({}).slice(0, 2)),
      expired: await token({ exp: now - 60 }),
      'not yet': await token({ nbf: now + 60 }),
      'no end': await token({ exp: undefined }),
      'an end that is text': await token({ exp: 'never' }),
      'another issuer': await token({ iss: 'timesale-gateway' }),
      'another audience': await token({ aud: 'timesale-services' }),
      'another type': await token({}, { typ: 'JWT' }),
      'no type': await token({}, { typ: undefined }),
      'no session': await token({ sid: undefined }),
      'a session that is no text': await token({ sid: ['s'] }),
      nobody: await token({ sub: undefined }),
      'who is everybody': await token({ sub: 'open' }),
      'an id with a space': await token({ sub: 'a operator' }),
      'an altered payload': `${head}.${raised}.${signature}`,
      'an altered signature': `${head}.${payload}.${signature.slice(0, -4)}AAAA`,
      'a refresh token': Buffer.alloc(32, 7).toString('base64url'),
      'an internal token': (await calledFor('buyer-1', 'operator')).authorization.slice('Bearer '.length),
      '9 KB': `${head}.${'A'.repeat(9 * 1024)}.${signature}`,
    }
    const bodies = new Set<string>()
    for (const [what, hostile] of Object.entries(tokens)) {
      const answer = await send(`${url()}/api/orders`, { headers: { authorization: `Bearer ${hostile}` } })
      assert.equal(answer.status, 401, `${what}: ${answer.text}`)
      assert.equal(answer.headers['www-authenticate'], 'Bearer', what)
      bodies.add(answer.text)
      // Where a token is not needed, a bad one is not overlooked either.
      const optional = await send(`${url()}/api/products`, { headers: { authorization: `Bearer ${hostile}` } })
      assert.equal(optional.status, 401, what)
    }
    const raw: Record<string, string> = {
      'no token': '',
      'two tokens': `authorization: ${good}\r\nAuthorization: ${good}\r\n`,
      'another scheme': `authorization: Basic ${good.slice(7)}\r\n`,
      'two in one': `authorization: ${good}, ${good}\r\n`,
    }
    for (const [what, headers] of Object.entries(raw)) {
      const answer = await sendBytes(
        port(),
        `GET /api/orders HTTP/1.1\r\nhost: a\r\n${headers}connection: close\r\n\r\n`,
      )
      assert.equal(answer.status, 401, what)
      bodies.add(answer.text)
    }
    assert.equal(bodies.size, 1, [...bodies].join('\n'))
    readProblem(await send(`${url()}/api/orders`))
    // Larger than any header may be: refused before it is read.
    const huge = `GET /api/orders HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${'A'.repeat(100 * 1024)}\r\n\r\n`
    assert.equal(readProblem(await sendBytes(port(), huge)).code, 'headers-too-large')
    assert.equal(service().reached.length, 0)
    assert.equal((await send(`${url()}/api/orders`, { headers: { authorization: good } })).status, 200)
  })

  test('a session that was ended, also after Redis has forgotten it', async () => {
    await whileRedisCounts(async (attempt) => {
      const session = `session-ended-${attempt}`
      const headers = await bearer({ sub: 'buyer-2', sid: session })
      assert.equal((await send(`${url()}/api/orders`, { headers })).status, 200)
      await redis().zAdd(REVOKED_SESSIONS_KEY, { value: session, score: Date.now() + 60_000 })
      // At once: each request asks.
      const answer = await send(`${url()}/api/orders`, { headers })
      assert.equal(readProblem(answer).code, 'unauthenticated')
      assert.equal(answer.text, (await send(`${url()}/api/orders`)).text)
      // A copy is made each second, and what was heard once is not forgotten with Redis.
      await until('the copy holds it', async () => {
        await redis().zRem(REVOKED_SESSIONS_KEY, session)
        const { status } = await send(`${url()}/api/orders`, { headers })
        await redis().zAdd(REVOKED_SESSIONS_KEY, { value: session, score: Date.now() + 60_000 })
        return status === 401
      })
      await redis().flushAll()
      assert.equal((await send(`${url()}/api/orders`, { headers })).status, 401)
    })
  })
})

describe('limits', () => {
  test('of those who come at once each is counted by himself, and whose session was ended is refused alone', async () => {
    await whileRedisCounts(async (attempt) => {
      const who = (number: number) => ({
        sub: `buyer-${attempt}-at-once-${number}`,
        sid: `at-once-${attempt}-${number}`,
      })
      const headers = await Promise.all(Array.from({ length: 12 }, (_, number) => bearer(who(number))))
      await redis().zAdd(REVOKED_SESSIONS_KEY, { value: who(5).sid, score: Date.now() + 60_000 })
      const left = async (number: number, path: string): Promise<string> => {
        const answer = await send(`${url()}${path}`, { headers: headers[number] ?? {} })
        const [, name, rest] = /^"(.*)";r=(\d+);t=(?:9|10|59|60)$/.exec(answer.headers['ratelimit'] ?? '') ?? []
        return `${answer.status} ${name} ${rest}`
      }
      const asked = headers.flatMap((_, number) => [left(number, '/api/orders'), left(number, '/api/account/me')])
      const expected = headers.flatMap((_, number) => {
        const status = number === 5 ? 401 : 200
        return [`${status} browse 599`, `${status} account 119`]
      })
      assert.deepEqual(await Promise.all(asked), expected)
    })
  })

  test('count by account, whatever the address; others go on', async () => {
    await whileRedisCounts(async (attempt) => {
      const headers = await bearer({ sub: `buyer-busy-${attempt}` })
      const statuses = await Promise.all(
        Array.from({ length: 70 }, () => sendJson(`${url()}/api/orders`, {}, { headers })),
      )
      assert.equal(statuses.filter(({ status }) => status === 200).length, 60)
      const refused = statuses.filter(({ status }) => status === 429)
      assert.equal(refused.length, 10)
      assert.equal(service().reached.length, 60)
      for (const answer of refused) {
        assert.equal(readProblem(answer).accepted, false)
        const after = Number(answer.headers['retry-after'])
        assert.ok(after >= 1 && after <= 10, `${after} s`)
        assert.match(answer.headers['ratelimit'] ?? '', /^"orders";r=0;t=\d+$/)
      }
      const other = await bearer({ sub: 'buyer-calm' })
      assert.equal((await sendJson(`${url()}/api/orders`, {}, { headers: other })).status, 200)
      const limits = JSON.parse((await send(`${url()}/api/limits`, { headers })).text) as LimitsView
      assert.equal(limits.countedIn, 'redis')
      const orders = limits.limits.find((one) => one.class === 'orders')
      assert.deepEqual(
        { ...orders, resetSeconds: 0 },
        {
          ...{ class: 'orders', countedBy: 'account', points: 60, seconds: 10, spent: 70, resetSeconds: 0 },
        },
      )
      assert.ok((await readMetric(url(), 'gateway_refused_total', { reason: 'limit', class: 'orders' })) >= 10)
    })
  })

  test('count logging in by address, which nobody makes up: only what our own proxy has seen', async () => {
    await whileRedisCounts(async () => {
      const logIn = (forwarded: string): Promise<Answer> =>
        sendJson(`${url()}/api/account/log-in`, {}, { headers: { 'x-forwarded-for': forwarded } })
      // The last address is the one that the proxy in front has appended.
      for (let time = 0; time < 10; time += 1) {
        assert.equal((await logIn(`9.9.9.${time}, 2001:db8:0:1:${time}::1`)).status, 200)
      }
      const answer = await logIn('2001:db8:0:1:ffff::1')
      assert.equal(readProblem(answer).code, 'rate-limited')
      assert.equal((await logIn('2001:db8:0:2::1')).status, 200)
      assert.equal(service().reached.length, 11)
    })
  })

  test('of an account are not spent by who holds a token of a session that was ended', async () => {
    await whileRedisCounts(async (attempt) => {
      const [sub, sid] = [`buyer-robbed-${attempt}`, `stolen-${attempt}`]
      const from = { 'x-forwarded-for': `10.5.${attempt}.1` }
      const stolen = { ...(await bearer({ sub, sid })), ...from }
      await redis().zAdd(REVOKED_SESSIONS_KEY, { value: sid, score: Date.now() + 60_000 })
      const statuses = await Promise.all(
        Array.from({ length: 70 }, () => sendJson(`${url()}/api/orders`, {}, { headers: stolen })),
      )
      // Counted by the address, as all that is not believed.
      assert.equal(statuses.filter(({ status }) => status === 401).length, 60)
      assert.equal(statuses.filter(({ status }) => status === 429).length, 10)
      const answer = await sendJson(`${url()}/api/orders`, {}, { headers: await bearer({ sub }) })
      assert.match(answer.headers['ratelimit'] ?? '', /r=59/)
    })
  })

  test('are told apart where an address looks like an account', async () => {
    await whileRedisCounts(async () => {
      const headers = { ...(await bearer({ sub: '10.1.1.1' })), 'x-forwarded-for': '10.1.1.1' }
      await send(`${url()}/api/products`, { headers: { 'x-forwarded-for': '10.1.1.1' } })
      assert.match((await send(`${url()}/api/products`, { headers })).headers['ratelimit'] ?? '', /r=599/)
    })
  })

  test('shut out who sends bad tokens without end', async () => {
    await whileRedisCounts(async (attempt) => {
      const known = { ...(await bearer({ sub: 'seller-1' })), 'x-forwarded-for': `10.2.${attempt}.2` }
      assert.equal((await sendJson(`${url()}/api/products`, {}, { headers: known })).status, 200)
      const headers = { authorization: 'Bearer a.b.c', 'x-forwarded-for': `10.2.${attempt}.2` }
      const answers = await Promise.all(
        Array.from({ length: 130 }, () => sendJson(`${url()}/api/products`, {}, { headers })),
      )
      assert.equal(answers.filter(({ status }) => status === 401).length, 120)
      assert.equal(answers.filter(({ status }) => status === 429).length, 10)
      // Nobody looks at one more token from there, which might be a good one: so it is not called a bad one. For a second,
      // which a slow machine may take to get here; so another bad one goes before it.
      await until('a good one is not looked at', async () => {
        await sendJson(`${url()}/api/products`, {}, { headers })
        const next = { ...(await bearer({ sub: 'seller-2' })), 'x-forwarded-for': `10.2.${attempt}.2` }
        return (await sendJson(`${url()}/api/products`, {}, { headers: next })).status === 429
      })
      // Who was let in before goes on from the same address.
      assert.equal((await sendJson(`${url()}/api/products`, {}, { headers: known })).status, 200)
    })
  })
})

describe('Redis', () => {
  for (const [what, fault, heal] of [
    ['is killed', () => redisPart().kill(), () => redisPart().start()],
    ['hangs', () => redisPart().signal('SIGSTOP'), () => redisPart().signal('SIGCONT')],
  ] as const) {
    test(`${what}: requests go on in time and are counted here; ended sessions stay out`, async () => {
      const headers = await bearer({ sub: `buyer-while-redis-${what.replace(' ', '-')}` })
      const ended = await bearer({ sub: 'buyer-2', sid: `ended-while-${what}` })
      await redis().zAdd(REVOKED_SESSIONS_KEY, { value: `ended-while-${what}`, score: Date.now() + 60_000 })
      await until('the copy holds it', async () => {
        await redis().zRem(REVOKED_SESSIONS_KEY, `ended-while-${what}`)
        const { status } = await send(`${url()}/api/orders`, { headers: ended })
        await redis().zAdd(REVOKED_SESSIONS_KEY, { value: `ended-while-${what}`, score: Date.now() + 60_000 })
        return status === 401
      })
      await fault()
      try {
        const order = (): Promise<Answer> => sendJson(`${url()}/api/orders`, {}, { headers })
        // Redis is asked in vain for each of the first three, and left alone after them. The quickest counts: one of them may
        // have come while the machine stood still.
        const took: number[] = []
        for (let time = 0; time < 3; time += 1) {
          const began = performance.now()
          assert.equal((await order()).status, 200)
          took.push(performance.now() - began)
        }
        assert.ok(Math.min(...took) < 500, took.join())
        assert.equal((await send(`${url()}/api/orders`, { headers: ended })).status, 401)
        const answers = await Promise.all(Array.from({ length: 70 }, order))
        assert.equal(answers.filter(({ status }) => status === 200).length + 3, 60)
        assert.ok(answers.every(({ status }) => status === 200 || status === 429))
        const ready = await send(`${url()}/readyz`)
        assert.equal(ready.status, 200)
        assert.match(ready.text, /degraded.*redis/)
        const limits = JSON.parse((await send(`${url()}/api/limits`, { headers })).text) as LimitsView
        assert.equal(limits.countedIn, 'memory')
        // Logging in is stricter without Redis: half of the limit.
        const from = { 'x-forwarded-for': `10.3.${what.length}.1` }
        const logIns: number[] = []
        for (let time = 0; time < 7; time += 1)
          logIns.push((await sendJson(`${url()}/api/account/log-in`, {}, { headers: from })).status)
        assert.deepEqual(logIns, [200, 200, 200, 200, 200, 429, 429])
      } finally {
        await heal()
      }
      await until('Redis counts again', async () => {
        const { text } = await send(`${url()}/api/limits`, { headers })
        return (JSON.parse(text) as LimitsView).countedIn === 'redis'
      })
    })
  }

  test('lies: what is counted too high, or has an expiry of hours, turns nobody away who came here less often', async () => {
    await whileRedisCounts(async (attempt) => {
      const account = `buyer-lied-about-${attempt}`
      const headers = await bearer({ sub: account })
      const key = `timesale:limit:orders:10:@${account}`
      for (const expiry of [{}, { EX: 3_600 }]) {
        await redis().set(key, '1000000', expiry)
        const answer = await sendJson(`${url()}/api/orders`, {}, { headers })
        assert.equal(answer.status, 200)
        const left = await redis().pTTL(key)
        assert.ok(left > 0 && left <= 10_000, `it ends in ${left} ms`)
      }
      // Where secrets are guessed it is believed.
      const from = { 'x-forwarded-for': `10.4.${attempt}.1` }
      await redis().set(`timesale:limit:credentials:60:10.4.${attempt}.1`, '1000000')
      assert.equal((await sendJson(`${url()}/api/account/log-in`, {}, { headers: from })).status, 429)
    })
  })

  test('lies: a session that nobody has ended is back when the account service has written the set anew', async () => {
    await whileRedisCounts(async (attempt) => {
      const [lied, ended] = [`lied-about-${attempt}`, `really-ended-${attempt}`]
      const headers = await bearer({ sub: 'buyer-3', sid: lied })
      const score = Date.now() + 60_000
      await redis().set(REVOKED_SESSIONS_WRITTEN_KEY, '1')
      await redis().zAdd(
        REVOKED_SESSIONS_KEY,
        [lied, ended].map((value) => ({ value, score })),
      )
      await until('the copy holds it', async () => {
        await redis().zRem(REVOKED_SESSIONS_KEY, lied)
        const { status } = await send(`${url()}/api/orders`, { headers })
        if (status !== 401) await redis().zAdd(REVOKED_SESSIONS_KEY, { value: lied, score })
        return status === 401
      })
      // A set that was only emptied says nothing.
      await redis().del(REVOKED_SESSIONS_KEY)
      const whole = (): Promise<unknown> => redis().zAdd(REVOKED_SESSIONS_KEY, { value: ended, score })
      const copied = await copies(2)
      assert.equal((await send(`${url()}/api/orders`, { headers })).status, 401, `after ${copied} copies`)
      await whole()
      // One set that it is not in may have been changed on the way.
      await redis().set(REVOKED_SESSIONS_WRITTEN_KEY, '2')
      const once = await copies(2)
      assert.equal((await send(`${url()}/api/orders`, { headers })).status, 401, `after ${once} copies`)
      await redis().set(REVOKED_SESSIONS_WRITTEN_KEY, '3')
      await until('it is back', async () => (await send(`${url()}/api/orders`, { headers })).status === 200)
      const other = await bearer({ sub: 'buyer-3', sid: ended })
      assert.equal((await send(`${url()}/api/orders`, { headers: other })).status, 401)
      await redis().del(REVOKED_SESSIONS_WRITTEN_KEY)
    })
  })

  test('was flushed, and its scripts with it: counting begins anew', async () => {
    await whileRedisCounts(async (attempt) => {
      const headers = await bearer({ sub: `buyer-flushed-${attempt}` })
      await send(`${url()}/api/orders`, { headers })
      await redis().flushAll()
      await redis().scriptFlush()
      assert.match((await send(`${url()}/api/orders`, { headers })).headers['ratelimit'] ?? '', /r=599/)
      assert.equal((JSON.parse((await send(`${url()}/api/limits`)).text) as LimitsView).countedIn, 'redis')
    })
  })
})

describe("the account service's keys", () => {
  test('a new one is asked for when it is first met, and one that is withdrawn is believed no longer', async () => {
    const next = generateKeyPairSync('ed25519')
    const nextJwk = { ...(await exportJWK(next.publicKey)), kid: 'next' }
    const old = await bearer({ sub: 'buyer-old' })
    assert.equal((await send(`${url()}/api/orders`, { headers: old })).status, 200)
    keys = [nextJwk]
    const headers = { authorization: `Bearer ${await token({ sub: 'buyer-new' }, { kid: 'next' }, next.privateKey)}` }
    await until('the new key is known', async () => (await send(`${url()}/api/orders`, { headers })).status === 200)
    assert.equal((await send(`${url()}/api/orders`, { headers: old })).status, 401)
    keys = [publicJwk]
    await until('the old one is back', async () => (await send(`${url()}/api/orders`, { headers: old })).status === 200)
  })

  test('cannot be fetched: nobody is refused whose key may be a new one, and those that are known judge as before', async () => {
    const next = generateKeyPairSync('ed25519')
    const asNext = async (about: object, key: KeyObject): Promise<Answer> => {
      const authorization = `Bearer ${await token({ ...about }, { kid: 'unfetched' }, key)}`
      return await send(`${url()}/api/orders`, { headers: { authorization } })
    }
    // No key among the keys: that cannot be right, and is no answer.
    keys = []
    try {
      const answer = await until('the gateway has asked', async () => {
        const found = await asNext({ sub: 'buyer-new' }, next.privateKey)
        return found.status === 401 ? undefined : found
      })
      const { code, accepted } = readProblem(answer)
      assert.deepEqual([code, accepted], ['upstream-unavailable', false])
      assert.equal((await send(`${url()}/api/orders`, { headers: await bearer({ sub: 'buyer-1' }) })).status, 200)
      const forged = { authorization: `Bearer ${await token({}, {}, next.privateKey)}` }
      assert.equal((await send(`${url()}/api/orders`, { headers: forged })).status, 401)
      // It goes on asking by itself.
      keys = [publicJwk, { ...(await exportJWK(next.publicKey)), kid: 'unfetched' }]
      await until('the new key is known', async () => (await asNext({}, next.privateKey)).status === 200)
    } finally {
      keys = [publicJwk]
    }
  })

  test('were never seen: nobody is refused for it, and requests without a token go on', async () => {
    const [dead] = await servicePorts(1)
    const config = readConfig(gatewayEnv({ GATEWAY_ACCOUNT_URLS: `http://127.0.0.1:${dead}` }))
    const gateway = await startGateway(config)
    try {
      const there = `http://127.0.0.1:${gateway.port}`
      const answer = await send(`${there}/api/orders`, { headers: await bearer({ sub: 'buyer-1' }) })
      assert.equal(readProblem(answer).code, 'upstream-unavailable')
      assert.equal((await send(`${there}/api/products`)).status, 200)
      assert.match((await send(`${there}/readyz`)).text, /degraded.*keys are not known/)
    } finally {
      await gateway.stop()
    }
  })
})

describe('connections', () => {
  test('are closed after a thousand requests', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const closing: number[] = []
    for (let count = 1; count <= 1_001; count += 1) {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        get(`${url()}/livez`, { agent }, resolve).on('error', reject)
      })
      answer.resume()
      await once(answer, 'close')
      if (answer.headers.connection === 'close') closing.push(count)
    }
    agent.destroy()
    assert.deepEqual(closing, [1_000])
  })

  test('are only so many', async () => {
    const few = await startGateway(readConfig(gatewayEnv({ GATEWAY_CONNECTIONS_MAX: '2' })))
    const sockets = Array.from({ length: 2 }, () => createConnection({ host: '127.0.0.1', port: few.port }))
    try {
      await Promise.all(sockets.map((socket) => once(socket, 'connect')))
      const one = createConnection({ host: '127.0.0.1', port: few.port })
      await once(one, 'close')
      sockets[0]?.destroy()
      const there = `http://127.0.0.1:${few.port}/livez`
      await until('there is room again', async () => (await send(there)).status === 200)
    } finally {
      for (const socket of sockets) socket.destroy()
      await few.stop()
    }
  })
})

test('an operator sees the services and their breakers', async () => {
  const headers = await bearer({ sub: 'operator-1', roles: ['operator'] })
  const { upstreams } = JSON.parse((await send(`${url()}/api/upstreams`, { headers })).text) as UpstreamsView
  assert.deepEqual(upstreams.map(({ name }) => name).sort(), [...UPSTREAMS].sort())
  assert.deepEqual(upstreams[0]?.instances, [{ number: 1, url: service().url, breaker: 'closed', ready: true }])
  const buyer = await bearer({ sub: 'buyer-1' })
  assert.equal((await send(`${url()}/api/upstreams`, { headers: buyer })).status, 403)
  assert.equal((await send(`${url()}/api/orders`, { headers: buyer })).status, 200)
  assert.equal(await readMetric(url(), 'gateway_breaker_state', { upstream: 'order', instance: '1' }), 0)
  const { host } = new URL(service().url)
  assert.ok(!(await send(`${url()}/metrics`)).text.includes(host), 'where services are is not for everybody')
  assert.ok((await readMetric(url(), 'gateway_upstream_total', { upstream: 'order', outcome: 'answered' })) > 0)
})

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const publicJwk = { ...(await exportJWK(publicKey)), kid: 'account-1', alg: 'EdDSA', use: 'sig' }
const verifier = new InternalVerifier({ mode: 'token', keys: JSON.parse(TEST_GATEWAY.keys) as never })
let keys: readonly object[] = [publicJwk]
let infrastructure: Infrastructure | undefined
let standIn: StandIn | undefined
let gateway: Awaited<ReturnType<typeof startGateway>> | undefined
let client: ReturnType<typeof createClient> | undefined

before(async () => {
  infrastructure = await startInfrastructure({ databases: [], redis: true })
  const [standInPort] = await servicePorts(1)
  standIn = await startStandIn(standInPort, {
    aside: (path) => (path === '/.well-known/jwks.json' ? { keys } : undefined),
  })
  gateway = await startGateway(readConfig(gatewayEnv()))
  client = createClient({ url: infrastructure.redisUrl, pingInterval: 1_000 })
  client.on('error', () => undefined)
  await client.connect()
  beHappy()
  await until('the gateway knows the keys', async () => (await send(`${url()}/readyz`)).text.includes('"ready"'))
})

after(async () => {
  client?.destroy()
  await gateway?.stop()
  await standIn?.[Symbol.asyncDispose]()
  await infrastructure?.[Symbol.asyncDispose]()
})

beforeEach(startAfresh)

/** The gateway has copied the ended sessions so often more; told by what Redis was asked. */
async function copies(count: number): Promise<number> {
  const asked = async (): Promise<number> => {
    const stats = await redis().info('commandstats')
    return Number(/cmdstat_zrange:calls=(\d+)/.exec(stats)?.[1] ?? 0)
  }
  const enough = (await asked()) + count
  return until('the set is copied', async () => (await asked()) >= enough && count)
}

async function startAfresh(): Promise<void> {
  beHappy()
  await until('Redis counts', async () => {
    const { text } = await send(`${url()}/api/limits`)
    const limits = await redis().keys('timesale:limit:*')
    if (limits.length > 0) await redis().del(limits)
    return (JSON.parse(text) as LimitsView).countedIn === 'redis'
  })
}

/**
 * For what is only so while Redis answers within 50 ms, which on a machine that does much else it may not: then once
 * more, under other names.
 */
async function whileRedisCounts(body: (attempt: number) => Promise<void>): Promise<void> {
  const inMemory = (): Promise<number> => readMetric(url(), 'gateway_counted_in_memory_total')
  for (let attempt = 1; ; attempt += 1) {
    await startAfresh()
    const before = await inMemory()
    try {
      await body(attempt)
      return
    } catch (error) {
      if (attempt === 10 || (await inMemory()) === before) throw error
    }
  }
}

function beHappy(): void {
  const answer = answerJson({ ok: true })
  service().behave = answer
  service().reached.length = 0
}

function gatewayEnv(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  assert.ok(infrastructure !== undefined)
  const urls = UPSTREAMS.map((name) => [`GATEWAY_${name.toUpperCase()}_URLS`, service().url])
  return infrastructure.env('gateway', {
    GATEWAY_SIGNING_KEY: TEST_GATEWAY.signingKey,
    GATEWAY_TRUSTED_HOPS: '1',
    ...Object.fromEntries(urls),
    ...more,
  })
}

function service(): StandIn {
  assert.ok(standIn !== undefined)
  return standIn
}

function port(): number {
  assert.ok(gateway !== undefined)
  return gateway.port
}

function url(): string {
  return `http://127.0.0.1:${port()}`
}

function redis(): ReturnType<typeof createClient> {
  assert.ok(client !== undefined)
  return client
}

function redisPart(): TestPart {
  const part = infrastructure?.parts.get('redis')
  assert.ok(part !== undefined)
  return part
}

function claims(about: Record<string, unknown>): JWTPayload {
  const now = Math.floor(Date.now() / 1000)
  const times = { iat: now, exp: now + 900, jti: crypto.randomUUID() }
  return { iss: 'timesale-account', aud: 'timesale', sub: 'buyer-1', sid: 's-1', roles: ['buyer'], ...times, ...about }
}

function token(about: Record<string, unknown>, header: object = {}, key: KeyObject = privateKey): Promise<string> {
  const protectedHeader = { alg: 'EdDSA', typ: 'at+jwt', kid: publicJwk.kid, ...header }
  return new SignJWT(claims(about)).setProtectedHeader(protectedHeader).sign(key)
}

async function bearer(about: Record<string, unknown>): Promise<{ authorization: string }> {
  return { authorization: `Bearer ${await token(about)}` }
}

async function principalOf(headers: StandIn['reached'][number]['headers'] = {}): Promise<Principal> {
  return verifier.verify(String(headers['authorization']))
}

// Past a library that would refuse to sign it.
function byHand(header: object, payload: string): string {
  const signed = `${encode(header)}.${payload}`
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function decode(part: string): object {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as object
}
