import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createLocalJWKSet, decodeJwt, jwtVerify, type JSONWebKeySet } from 'jose'
import { createClient } from 'redis'
import type {
  AccountView,
  ApiKeyView,
  SessionTokens,
  SessionView,
  SigningKeyView,
} from '@timesale/contracts/account-api'
import type { RefusalCode } from '@timesale/contracts/refusals'
import type { Role } from '@timesale/contracts/roles'
import { Database } from '@timesale/postgres/database'
import { BadEnvironment } from '@timesale/process/env'
import type { Running } from '@timesale/process/run'
import { REVOKED_SESSIONS_KEY, REVOKED_SESSIONS_WRITTEN_KEY } from '@timesale/redis/session-keys'
import { calledAs, calledFor } from '@timesale/testkit/gateway-key'
import { readJson, readProblem, send, sendJson, type Answer } from '@timesale/testkit/http'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { readMetric } from '@timesale/testkit/metrics'
import { until } from '@timesale/testkit/until'
import { startAccount } from '../app.ts'
import { readConfig } from '../config.ts'
import { lockAccount, saveRoles } from '../db/accounts.ts'
import { renameSessions } from '../db/sessions.ts'
import { deleteOldRows } from '../jobs/delete-old-rows.ts'
import { SigningKeys } from '../tokens/signing-keys.ts'

const PASSWORD = 'correct horse battery'
const KEY_SECRET = Buffer.alloc(32, 7).toString('base64url')
/** A token lives for 15 minutes; of a session that ends, Redis says so for one more. */
const REVOKED_FOR_MS = 16 * 60_000

describe('whoever signs up', () => {
  test('is a buyer, and gets a token that says so to everybody who has the public keys', async () => {
    const { accountId, tokens, email } = await person()
    assert.deepEqual(tokens.account, { accountId, name: 'Somebody', roles: ['buyer'] })
    assert.equal(tokens.tokenType, 'Bearer')
    assert.equal(tokens.expiresInSeconds, 900)
    const { payload, protectedHeader } = await verify(tokens.accessToken)
    const { iat = 0, sid, jti, ...claims } = payload
    assert.deepEqual(claims, {
      iss: 'timesale-account',
      aud: 'timesale',
      sub: accountId,
      exp: iat + 900,
      roles: ['buyer'],
    })
    assert.match(String(sid), UUID)
    assert.match(String(jti), UUID)
    assert.deepEqual({ ...protectedHeader, kid: '' }, { alg: 'EdDSA', typ: 'at+jwt', kid: '' })
    const me = await get<AccountView>('/me', await calledFor(accountId, 'buyer'))
    assert.deepEqual({ ...me, createdAt: '' }, { accountId, email, name: 'Somebody', roles: ['buyer'], createdAt: '' })
  })

  test('has one account and one password, however they are written', async () => {
    const email = `josé-${crypto.randomUUID()}@example.com`
    const password = 'contraseña é\u00a0'
    assert.equal((await post('/sign-up', { email: `  ${email.toUpperCase()} `, password, name: 'José' })).status, 202)
    const written = { email: email.normalize('NFD'), password: password.normalize('NFD').replace('\u00a0', ' ') }
    assert.equal((await post('/log-in', written)).status, 200)
    for (const wrong of [` ${password}`, password.trimEnd(), password.toUpperCase(), `${password}x`]) {
      refused(await post('/log-in', { email, password: wrong }), 'wrong-credentials')
    }
  })

  test('changes nothing where the address has an account, also when many sign up at once', async () => {
    const email = `taken-${crypto.randomUUID()}@example.com`
    const passwords = Array.from({ length: 10 }, (_, index) => `${PASSWORD} ${index}`)
    const answers = await Promise.all(
      passwords.map((password) => post('/sign-up', { email, password, name: 'Somebody' })),
    )
    assert.deepEqual(
      new Set(answers.map(({ status, text }) => `${status} ${text}`)),
      new Set(['202 {"status":"accepted"}']),
    )
    const logIns = await Promise.all(passwords.map((password) => post('/log-in', { email, password })))
    assert.equal(logIns.filter(({ status }) => status === 200).length, 1)
  })

  test('is told nothing of who else has an account, by body, status, header or time', async () => {
    const { email } = await person()
    const nobody = (): string => `nobody-${crypto.randomUUID()}@example.com`
    const signUp = (address: string): Promise<Answer> =>
      post('/sign-up', { email: address, password: PASSWORD, name: 'Somebody' })
    await assertAlike(
      () => signUp(email),
      () => signUp(nobody()),
    )

    const wrong = 'not the password'
    await assertAlike(
      () => post('/log-in', { email, password: wrong }),
      () => post('/log-in', { email: nobody(), password: wrong }),
    )
    await assertAlike(
      () => post('/log-in', { email, password: wrong }),
      () => post('/log-in', { email: 'no address', password: wrong }),
    )
    await assertAlike(
      () => post('/log-in', { email, password: wrong }),
      () => post('/log-in', { email, password: 'x' }),
    )
  })
})

describe('a session', () => {
  test('is refreshed with a new token each time, and stays itself', async () => {
    const { tokens, accountId } = await person()
    const { sid } = decodeJwt(tokens.accessToken)
    let { refreshToken } = tokens
    for (let round = 0; round < 3; round += 1) {
      const next = await refresh(refreshToken)
      assert.notEqual(next.refreshToken, refreshToken)
      assert.equal((await verify(next.accessToken)).payload['sid'], sid)
      assert.deepEqual(next.account, tokens.account)
      refreshToken = next.refreshToken
    }
    assert.equal((await sessionsOf(accountId)).length, 1)
    assert.deepEqual(await revokedIn(1, String(sid)), [])
  })

  test('ends when a refresh token comes a second time, and takes what was given since with it', async () => {
    const { tokens, accountId } = await person()
    const other = await logIn(await emailOf(accountId))
    const second = await refresh(tokens.refreshToken)
    const third = await refresh(second.refreshToken)
    const before = await metricOfAll('account_refreshes_total', { outcome: 'used-before' })

    refused(await post('/refresh', { refreshToken: tokens.refreshToken }), 'invalid-refresh-token')
    refused(await post('/refresh', { refreshToken: third.refreshToken }), 'invalid-refresh-token')
    await assertRevoked(third.accessToken)
    assert.equal(await metricOfAll('account_refreshes_total', { outcome: 'used-before' }), before + 1)
    // Another session of the same account is somebody's own matter.
    await refresh(other.refreshToken)
  })

  test('gives its next token to one of twenty who ask at once, and the others end it', async () => {
    const { tokens } = await person()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => post('/refresh', { refreshToken: tokens.refreshToken })),
    )
    const [won, ...more] = answers.filter(({ status }) => status === 200)
    assert.ok(won !== undefined && more.length === 0)
    for (const answer of answers.filter((one) => one !== won)) refused(answer, 'invalid-refresh-token')
    const { refreshToken, accessToken } = JSON.parse(won.text) as SessionTokens
    refused(await post('/refresh', { refreshToken }), 'invalid-refresh-token')
    await assertRevoked(accessToken)
  })

  test('is over after its time, and a refresh token after its own, by the clock of the database', async () => {
    const { db } = running()
    const old = await person()
    await db.sql`update refresh_tokens set expires_at = now() - interval '1 second'
      where session_id in (select session_id from sessions where account_id = ${old.accountId})`
    refused(await post('/refresh', { refreshToken: old.tokens.refreshToken }), 'invalid-refresh-token')
    assert.equal((await sessionsOf(old.accountId)).length, 1)

    const { tokens, accountId } = await person()
    const [session] = await sessionsOf(accountId)
    assert.ok(session !== undefined)
    assert.equal(Date.parse(session.endsAt) - Date.parse(session.startedAt), 90 * 24 * 60 * 60_000)
    await db.sql`update sessions set ends_at = now() where account_id = ${accountId}`
    refused(await post('/refresh', { refreshToken: tokens.refreshToken }), 'invalid-refresh-token')
    assert.deepEqual(await sessionsOf(accountId), [])
  })

  test('is ended by whoever logs out with a token of it, an old one too, and by nobody else', async () => {
    const { tokens, accountId } = await person()
    const stranger = await person()
    const next = await refresh(tokens.refreshToken)

    const foreign = await post(
      '/log-out',
      { refreshToken: next.refreshToken },
      await calledFor(stranger.accountId, 'buyer'),
    )
    const unknown = await post('/log-out', { refreshToken: 'x' }, await calledFor(stranger.accountId, 'buyer'))
    assert.deepEqual([foreign.status, foreign.text], [204, ''])
    assert.deepEqual([unknown.status, unknown.text], [204, ''])
    refused(await post('/log-out', { refreshToken: next.refreshToken }), 'unauthenticated')
    assert.equal((await sessionsOf(accountId)).length, 1)

    const own = await calledFor(accountId, 'buyer')
    assert.equal((await post('/log-out', { refreshToken: tokens.refreshToken }, own)).status, 204)
    await assertRevoked(next.accessToken)
    refused(await post('/refresh', { refreshToken: next.refreshToken }), 'invalid-refresh-token')
    assert.equal((await post('/log-out', { refreshToken: tokens.refreshToken }, own)).status, 204)
  })

  test('is ended by its own access token alone, whatever refresh token comes with it', async () => {
    const { accountId, email } = await person()
    const stranger = await person()
    const other = await logIn(email)
    const bodies = [undefined, {}, { refreshToken: 'x' }, { refreshToken: stranger.tokens.refreshToken }]
    for (const body of bodies) {
      const { accessToken, refreshToken } = await logIn(email)
      const own = await calledAs({ kind: 'account', accountId, roles: ['buyer'], sid: sidOf(accessToken) })
      for (let round = 0; round < 2; round += 1) assert.equal((await post('/log-out', body, own)).status, 204)
      await assertRevoked(accessToken)
      refused(await post('/refresh', { refreshToken }), 'invalid-refresh-token')
    }
    // One of another session of one's own ends that one, too.
    const last = await logIn(email)
    const own = await calledAs({ kind: 'account', accountId, roles: ['buyer'], sid: sidOf(last.accessToken) })
    assert.equal((await post('/log-out', { refreshToken: other.refreshToken }, own)).status, 204)
    assert.equal((await sessionsOf(accountId)).length, 1, 'the first one of all goes on')
    await refresh(stranger.tokens.refreshToken)

    // A name that is somebody else's is none of one's own; and who has no session must say which one.
    const theirs = sidOf(stranger.tokens.accessToken)
    await post('/log-out', undefined, await calledAs({ kind: 'account', accountId, roles: [], sid: theirs }))
    assert.equal((await sessionsOf(stranger.accountId)).length, 1)
    for (const body of [undefined, {}]) {
      const { errors } = refused(await post('/log-out', body, await calledFor(accountId, 'buyer')), 'invalid-request')
      assert.deepEqual(
        errors?.map(({ field }) => field),
        ['refreshToken'],
      )
    }
  })

  test('is listed and ended by its owner and by operators; to others it does not exist', async () => {
    const { tokens, accountId, email } = await person()
    const another = await logIn(email)
    const sessions = await sessionsOf(accountId)
    assert.equal(sessions.length, 2)
    const [newest, oldest] = sessions
    assert.ok(newest !== undefined && oldest !== undefined && newest.startedAt > oldest.startedAt)

    const stranger = await person()
    const theirs = await calledFor(stranger.accountId, 'buyer', 'seller')
    const url = `/sessions/${newest.sessionId}`
    const foreign = refused(await remove(url, theirs), 'session-not-found')
    const none = refused(await remove('/sessions/nowhere', theirs), 'session-not-found')
    assert.deepEqual({ ...foreign, sessionId: '' }, { ...none, sessionId: '' })
    assert.ok(!JSON.stringify(await get('/sessions', theirs)).includes(newest.sessionId))

    assert.equal((await remove(url, await calledFor(accountId, 'buyer'))).status, 204)
    await assertRevoked(another.accessToken)
    refused(await remove(url, await calledFor(accountId, 'buyer')), 'session-not-found')
    assert.equal((await remove(`/sessions/${oldest.sessionId}`, await operator())).status, 204)
    await assertRevoked(tokens.accessToken)
  })

  test('ends with all the others of its account, and with no key', async () => {
    const { tokens, accountId, email } = await person()
    const own = await calledFor(accountId, 'buyer')
    const others = await Promise.all([logIn(email), logIn(email)])
    const apiKey = await createKey(own, 'machine')
    const bystander = await person()

    assert.equal((await post('/log-out-everywhere', undefined, own)).status, 204)
    for (const { accessToken, refreshToken } of [tokens, ...others]) {
      await assertRevoked(accessToken)
      refused(await post('/refresh', { refreshToken }), 'invalid-refresh-token')
    }
    assert.equal((await post('/tokens', { apiKey })).status, 200)
    await refresh(bystander.tokens.refreshToken)
  })

  test('is one of a hundred at most: the oldest ends', async () => {
    const { tokens, accountId, email } = await person()
    await running().db.sql`
      insert into sessions (session_id, account_id, sid, started_at, ends_at)
      select 'many-' || n, ${accountId}, 'many-' || n, now() + n * interval '1 ms', now() + interval '1 day'
      from generate_series(1, 99) as n`
    await logIn(email)
    assert.equal((await sessionsOf(accountId)).length, 100)
    await assertRevoked(tokens.accessToken)
    refused(await post('/refresh', { refreshToken: tokens.refreshToken }), 'invalid-refresh-token')
  })
})

describe('a role', () => {
  test('of a seller is had by whoever wants it, from the next refresh on', async () => {
    const { tokens, accountId } = await person()
    const own = await calledFor(accountId, 'buyer')
    for (let round = 0; round < 2; round += 1) {
      const answer = await post('/me/seller', undefined, own)
      assert.deepEqual((JSON.parse(answer.text) as AccountView).roles, ['buyer', 'seller'])
    }
    const next = await refresh(tokens.refreshToken)
    assert.deepEqual((await verify(next.accessToken)).payload['roles'], ['buyer', 'seller'])
    assert.deepEqual(await revokedIn(1, sidOf(tokens.accessToken)), [])
  })

  test('of a seller that an operator took away comes back by an operator alone', async () => {
    const { accountId } = await person('buyer', 'seller')
    const own = await calledFor(accountId, 'buyer')
    const set = async (...roles: Role[]): Promise<unknown> =>
      await put(`/accounts/${accountId}/roles`, { roles }, await operator())
    for (const roles of [['buyer'], [], ['buyer', 'operator'], ['buyer']] as const) {
      await set(...roles)
      refused(await post('/me/seller', undefined, own), 'forbidden')
      assert.deepEqual((await get<AccountView>('/me', own)).roles, roles)
    }
    await set('buyer', 'seller')
    assert.equal((await post('/me/seller', undefined, own)).status, 200)
    // Who never was one may become one, but nobody who may not even buy.
    const other = await person('operator')
    await put(`/accounts/${other.accountId}/roles`, { roles: [] }, await operator())
    refused(await post('/me/seller', undefined, await calledFor(other.accountId)), 'forbidden')
    await put(`/accounts/${other.accountId}/roles`, { roles: ['buyer'] }, await operator())
    assert.equal((await post('/me/seller', undefined, await calledFor(other.accountId, 'buyer'))).status, 200)
  })

  test('is given and taken by operators alone', async () => {
    const { accountId, email } = await person()
    const path = `/accounts/${accountId}/roles`
    for (const [as, code] of [
      [await calledFor(), 'unauthenticated'],
      [await calledFor(accountId, 'buyer', 'seller'), 'forbidden'],
    ] as const) {
      refused(await put(path, { roles: ['operator'] }, as), code)
      refused(await put('/accounts/new-one', { email, password: PASSWORD, name: 'x', roles: [] }, as), code)
      refused(await ask('GET', `/accounts?email=${email}`, undefined, as), code)
      refused(await post('/signing-keys', undefined, as), code)
    }
    const found = await get<{ accounts: AccountView[] }>(`/accounts?email=${email.toUpperCase()}`, await operator())
    assert.deepEqual(
      found.accounts.map((one) => [one.accountId, one.roles]),
      [[accountId, ['buyer']]],
    )
    assert.deepEqual(await get(`/accounts?email=nobody@example.com`, await operator()), { accounts: [] })
    refused(await put('/accounts/nowhere/roles', { roles: [] }, await operator()), 'account-not-found')
  })

  test('that is taken away makes tokens with it worthless, and the session goes on without it', async () => {
    const { tokens, accountId } = await person('buyer', 'seller')
    const apiKey = await createKey(await calledFor(accountId, 'buyer', 'seller'), 'machine', ['buyer', 'seller'])
    const ofKey = JSON.parse((await post('/tokens', { apiKey })).text) as SessionTokens
    assert.deepEqual(ofKey.account.roles, ['buyer', 'seller'])

    const answer = await put(`/accounts/${accountId}/roles`, { roles: ['buyer'] }, await operator())
    assert.deepEqual((JSON.parse(answer.text) as AccountView).roles, ['buyer'])
    await assertRevoked(tokens.accessToken)
    await assertRevoked(ofKey.accessToken)

    const next = await refresh(tokens.refreshToken)
    const { payload } = await verify(next.accessToken)
    assert.deepEqual(payload['roles'], ['buyer'])
    const nextOfKey = JSON.parse((await post('/tokens', { apiKey })).text) as SessionTokens
    assert.deepEqual((await verify(nextOfKey.accessToken)).payload['roles'], ['buyer'])
    assert.deepEqual(await revokedIn(1, sidOf(next.accessToken)), [])
    assert.deepEqual(await revokedIn(1, sidOf(nextOfKey.accessToken)), [])
    assert.equal((await sessionsOf(accountId)).length, 1)
  })

  test('that is being taken away is in no token of those who log in or refresh meanwhile', async () => {
    const { tokens, accountId, email } = await person('buyer', 'operator')
    const { db } = running()
    const given = await db.tx(async (tx) => {
      await lockAccount(tx, accountId)
      await saveRoles(tx, accountId, ['buyer'])
      await renameSessions(tx, accountId)
      let answered = 0
      const waitingOrAnswered = async (): Promise<number> => answered + (await countLockWaits())
      // One after the other: a lock is waited for no longer than two seconds, and a log-in hashes before it asks for one.
      const loggingIn = logIn(email).finally(() => (answered += 1))
      await until('the log-in waits for the change, or did not', async () => (await waitingOrAnswered()) >= 1)
      const refreshing = refresh(tokens.refreshToken).finally(() => (answered += 1))
      await until('so does the refresh', async () => (await waitingOrAnswered()) >= 2)
      // Wrapped, since it must not be waited for before the transaction is over.
      return { both: [loggingIn, refreshing] }
    })
    for (const { accessToken } of await Promise.all(given.both)) {
      assert.deepEqual((await verify(accessToken)).payload['roles'], ['buyer'])
      assert.deepEqual(await revokedIn(1, sidOf(accessToken)), [])
    }
  })
})

describe('an account with an id of one’s choice', () => {
  test('is made once, and stays as it is when it is asked for again', async () => {
    const accountId = `chosen-${crypto.randomUUID()}`
    const wish = { email: `${accountId}@Example.com`, password: PASSWORD, name: 'Chosen', roles: ['operator', 'buyer'] }
    const path = `/accounts/${accountId}`
    const made = await put(path, wish, await operator())
    assert.equal(made.status, 201, made.text)
    const again = await put(path, { ...wish, name: 'Other', password: 'another password', roles: [] }, await operator())
    assert.deepEqual([again.status, again.text], [200, made.text])
    assert.deepEqual((await logIn(wish.email)).account.roles, ['buyer', 'operator'])

    refused(await put(path, { ...wish, email: 'other@example.com' }, await operator()), 'account-exists')
    refused(await put(`${path}-2`, wish, await operator()), 'account-exists')
    for (const id of ['open', 'anonymous']) {
      refused(
        await put(`/accounts/${id}`, { ...wish, email: `${id}@example.com` }, await operator()),
        'invalid-request',
      )
    }
    // A local start makes its demo people like this.
    const open = await sendJson(
      `${running().urls[0]}${path}-3`,
      { ...wish, email: `3${wish.email}` },
      { method: 'PUT' },
    )
    assert.equal(open.status, 201)
  })
})

describe('an API key', () => {
  test('is told once, is good for tokens with its roles, and is listed without its secret', async () => {
    const { accountId } = await person('buyer', 'seller')
    const own = await calledFor(accountId, 'buyer', 'seller')
    const apiKey = await createKey(own, 'till-1', ['seller'])
    assert.match(apiKey, /^timesale_[A-Za-z0-9_-]{43}$/)
    const { accessToken, ...answer } = JSON.parse((await post('/tokens', { apiKey })).text) as SessionTokens
    assert.deepEqual(answer, {
      tokenType: 'Bearer',
      expiresInSeconds: 900,
      account: { accountId, name: 'Somebody', roles: ['seller'] },
    })
    assert.deepEqual((await verify(accessToken)).payload['roles'], ['seller'])

    const listed = await get<{ apiKeys: ApiKeyView[] }>('/api-keys', own)
    assert.deepEqual(
      listed.apiKeys.map((key) => ({ ...key, createdAt: '' })),
      [{ keyId: 'till-1', name: 'A machine', roles: ['seller'], createdAt: '' }],
    )
    const again = await post('/api-keys', { keyId: 'till-1', name: 'A machine', roles: ['seller'] }, own)
    refused(again, 'api-key-exists')
    assert.equal((await post('/tokens', { apiKey })).status, 200)
    for (const wrong of ['x', `${apiKey}x`, apiKey.slice(9), apiKey.toLowerCase()]) {
      refused(await post('/tokens', { apiKey: wrong }), 'wrong-credentials')
    }
  })

  test('of the same id belongs to each account by itself; deleted, it and its tokens are worthless', async () => {
    const [one, other] = [await person(), await person()]
    const [ones, others] = [await calledFor(one.accountId, 'buyer'), await calledFor(other.accountId, 'buyer')]
    const [onesKey, othersKey] = [await createKey(ones, 'same'), await createKey(others, 'same')]
    const onesToken = JSON.parse((await post('/tokens', { apiKey: onesKey })).text) as SessionTokens
    const othersToken = JSON.parse((await post('/tokens', { apiKey: othersKey })).text) as SessionTokens

    assert.equal((await remove('/api-keys/same', ones)).status, 204)
    await assertRevoked(onesToken.accessToken)
    refused(await post('/tokens', { apiKey: onesKey }), 'wrong-credentials')
    refused(await remove('/api-keys/same', ones), 'api-key-not-found')
    assert.deepEqual(await revokedIn(1, sidOf(othersToken.accessToken)), [])
    assert.equal((await post('/tokens', { apiKey: othersKey })).status, 200)
    // Its id is free again, for another secret.
    assert.notEqual(await createKey(ones, 'same'), onesKey)
  })

  test('does not manage the account it is of, nor others, so that nothing of it is left when it is deleted', async () => {
    const { accountId, tokens } = await person('buyer', 'operator')
    const apiKey = await createKey(await calledFor(accountId, 'buyer', 'operator'), 'leaked', ['buyer', 'operator'])
    const { accessToken } = JSON.parse((await post('/tokens', { apiKey })).text) as SessionTokens
    assert.equal((await verify(accessToken)).payload['api_key'], true)
    assert.equal('api_key' in (await verify(tokens.accessToken)).payload, false)

    const sid = sidOf(accessToken)
    const machine = await calledAs({ kind: 'account', accountId, roles: ['buyer', 'operator'], sid, isApiKey: true })
    const [session] = await sessionsOf(accountId)
    const wish = { email: `${crypto.randomUUID()}@example.com`, password: PASSWORD, name: 'x', roles: ['operator'] }
    const before = await countRows()
    for (const [method, path, body] of [
      ['POST', '/api-keys', { keyId: 'child', name: 'k', roles: ['buyer'] }],
      ['GET', '/api-keys'],
      ['DELETE', '/api-keys/leaked'],
      ['GET', '/sessions'],
      ['DELETE', `/sessions/${session?.sessionId}`],
      ['POST', '/log-out'],
      ['POST', '/log-out', { refreshToken: tokens.refreshToken }],
      ['POST', '/log-out-everywhere'],
      ['POST', '/me/seller'],
      ['PUT', `/accounts/${accountId}-2`, wish],
      ['PUT', `/accounts/${accountId}/roles`, { roles: ['buyer', 'seller', 'operator'] }],
    ] as const) {
      refused(await ask(method, path, body, machine), 'forbidden')
    }
    assert.deepEqual(await countRows(), before)
    assert.deepEqual((await get<AccountView>('/me', machine)).roles, ['buyer', 'operator'])
  })

  test('has no role that its maker has not, and an account has a hundred at most', async () => {
    const { accountId } = await person('buyer', 'seller')
    const asBuyer = await calledFor(accountId, 'buyer')
    refused(await post('/api-keys', { keyId: 'k', name: 'k', roles: ['seller'] }, asBuyer), 'forbidden')
    refused(await post('/api-keys', { keyId: 'k', name: 'k', roles: ['buyer', 'operator'] }, asBuyer), 'forbidden')
    refused(await post('/api-keys', { keyId: 'k', name: 'k', roles: ['buyer'] }), 'unauthenticated')
    const keys = Array.from({ length: 110 }, (_, index) => ({ keyId: `k${index}`, name: 'k', roles: ['buyer'] }))
    const answers = await Promise.all(keys.map((key) => persistently(() => post('/api-keys', key, asBuyer))))
    assert.equal(answers.filter(({ status }) => status === 201).length, 100)
    for (const answer of answers.filter(({ status }) => status !== 201)) refused(answer, 'too-many-api-keys')
  })
})

test('what is one’s own needs somebody who is logged in', async () => {
  for (const [method, path] of [
    ['GET', '/me'],
    ['POST', '/me/seller'],
    ['GET', '/sessions'],
    ['DELETE', '/sessions/x'],
    ['POST', '/log-out-everywhere'],
    ['GET', '/api-keys'],
    ['DELETE', '/api-keys/x'],
  ] as const) {
    refused(await ask(method, path), 'unauthenticated')
  }
  const { urls } = running()
  // Nobody has the account `open`, which is who calls an open port without a token.
  assert.equal(readProblem(await send(`${urls[0]}/me`)).code, 'account-not-found')
  // And the other replica's port is not open.
  assert.equal(readProblem(await send(`${urls[1]}/me`)).code, 'unauthenticated')
  assert.equal(readProblem(await sendJson(`${urls[1]}/log-in`, {})).code, 'unauthenticated')
})

describe('signing keys', () => {
  test('are one at the first start, whoever starts, and nobody reads it in the database', async () => {
    const { firstKeys } = running()
    assert.equal(firstKeys.length, 1)
    const [key] = firstKeys
    assert.ok(key !== undefined && !key.sealed.toString('latin1').includes('"d"'))
    assert.deepEqual(Object.keys(key.public_jwk).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x'])
  })

  test('are told to everybody, also on a port that is not open, for a minute', async () => {
    for (const url of running().urls) {
      const answer = await send(`${url}/.well-known/jwks.json`)
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['cache-control'], 'public, max-age=60')
      assert.doesNotMatch(answer.text, /"d":/)
    }
    assert.equal(
      (await post('/log-in', { email: 'a@example.com', password: 'x' })).headers['cache-control'],
      'no-store',
    )
  })

  test('are published first: a new one signs when everybody must have it, and the old one verifies for longer', async () => {
    const { db } = running()
    const { tokens } = await person()
    const once = { ...(await operator()), 'idempotency-key': crypto.randomUUID() }
    refused(await post('/signing-keys', undefined, await operator()), 'idempotency-key-required')
    const answer = await post('/signing-keys', undefined, once)
    assert.equal(answer.status, 201)
    const { kid, createdAt, signsFrom } = JSON.parse(answer.text) as SigningKeyView
    assert.equal(Date.parse(signsFrom) - Date.parse(createdAt), 2 * 60_000)
    const again = await post('/signing-keys', undefined, once)
    assert.deepEqual([again.status, again.text, again.headers['idempotency-replayed']], [201, answer.text, 'true'])

    for (const url of running().urls) {
      const { keys } = await readJson<JSONWebKeySet>(`${url}/.well-known/jwks.json`)
      assert.deepEqual(new Set(keys.map((key) => key.kid)), new Set([kid, kidOf(tokens.accessToken)]))
    }
    const looks = new SigningKeys({ db, secret: Buffer.from(KEY_SECRET, 'base64url') })
    assert.equal((await looks.refresh()).kid, kidOf(tokens.accessToken), 'it does not sign yet')
    await takeTurn()
    await Promise.all(
      running().urls.map((_url, replica) =>
        until('each replica signs with the new key', async () => {
          const next = await logIn(await emailOf(tokens.account.accountId), replica)
          return (await verify(next.accessToken)).protectedHeader.kid === kid
        }),
      ),
    )
    await verify(tokens.accessToken)

    const old = kidOf(tokens.accessToken)
    await db.sql`update signing_keys set retired_at = now() - interval '34 minutes' where kid = ${old}`
    await verify(tokens.accessToken)
    await db.sql`update signing_keys set retired_at = now() - interval '36 minutes' where kid = ${old}`
    await assert.rejects(verify(tokens.accessToken), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
  })

  test('change by themselves after 30 days, once for all replicas', async () => {
    const { db, infra } = running()
    // Without those that are retired, which are deleted at some time.
    const count = async (): Promise<number> =>
      (await db.sql`select 1 from signing_keys where retired_at is null or retired_at > now()`).length
    const countBefore = await count()
    const signing = (): Promise<{ kid: string }[]> => db.sql`select kid from signing_keys where retired_at is null`
    const [before] = await signing()
    await db.sql`update signing_keys set created_at = now() - interval '30 days'`
    const url = infra.adminUrlOf('account')
    await using more = new Database({ url, poolSize: 8, applicationName: 'test-replicas' })
    const secret = Buffer.from(KEY_SECRET, 'base64url')
    // All of them find the key due, and none can do anything about it before the others have.
    const held = await db.tx(async (tx) => {
      await tx`select kid from signing_keys where retired_at is null for update`
      let answered = 0
      const refreshed = Array.from({ length: 8 }, () =>
        new SigningKeys({ db: more, secret }).refresh().finally(() => (answered += 1)),
      )
      await until('all of them wait, or did not', async () => answered + (await countLockWaits()) >= 8)
      return { refreshed }
    })
    for (const { kid } of await Promise.all(held.refreshed)) assert.equal(kid, before?.kid, 'the old one until then')
    assert.equal(await count(), countBefore + 1)
    await takeTurn()
    const after = await until('another key signs', async () => {
      const [now, ...more] = await signing()
      assert.equal(more.length, 0)
      return now !== undefined && now.kid !== before?.kid ? now : undefined
    })
    await until('and both replicas use it', async () => {
      const given = await Promise.all(running().urls.map(async (_url, replica) => await logInNew(replica)))
      return given.every(({ accessToken }) => kidOf(accessToken) === after.kid)
    })
    assert.equal((await signing()).length, 1)
  })

  test('under another secret sign nothing, and the service says why', async () => {
    const { infra } = running()
    const env = infra.env('account', { ACCOUNT_KEY_SECRET: Buffer.alloc(32, 8).toString('base64url') })
    const account = await startAccount(readConfig(env))
    try {
      const { email } = await person()
      const url = `http://127.0.0.1:${account.port}`
      const answer = await sendJson(`${url}/log-in`, { email, password: PASSWORD })
      assert.equal(readProblem(answer).code, 'internal-error')
      const health = await until('it says how it is', () => readJson(`${url}/readyz`))
      assert.match(JSON.stringify(health), /ACCOUNT_KEY_SECRET/)
    } finally {
      await account.stop()
    }
    for (const wrong of ['', 'short', KEY_SECRET.slice(0, -2)]) {
      assert.throws(
        () => readConfig(infra.env('account', { ACCOUNT_KEY_SECRET: wrong })),
        (error: unknown) =>
          error instanceof BadEnvironment && /KEY_SECRET/.test(error.problems.join()) && error.problems.length === 1,
      )
    }
    assert.throws(
      () => readConfig(infra.env('account', { ACCOUNT_KEY_SECRET: KEY_SECRET, REDIS_URL: 'http://h' })),
      /REDIS_URL/,
    )
  })
})

describe('Redis', () => {
  test('that was emptied, or lies, is right again when it has been written a few times', async () => {
    const { redis } = running()
    const { tokens, accountId } = await person()
    await post('/log-out', { refreshToken: tokens.refreshToken }, await calledFor(accountId, 'buyer'))
    const sid = sidOf(tokens.accessToken)

    // What each replica has begun to write was read, or put together, before; the third write was begun after.
    const fewWrites = 3
    await redis.flushAll()
    assert.equal((await revokedIn(fewWrites, sid)).length, 1, 'the end of the session is told again')

    const planted = ['planted-soon', 'planted-late', 'planted-for-ever']
    await redis.zAdd(REVOKED_SESSIONS_KEY, [
      { value: 'planted-soon', score: Date.now() + 60_000 },
      { value: 'planted-late', score: Date.now() + REVOKED_FOR_MS - 10_000 },
      { value: 'planted-for-ever', score: Date.now() * 10 },
    ])
    await redis.zRem(REVOKED_SESSIONS_KEY, sid)
    assert.equal((await revokedIn(fewWrites, sid)).length, 1, 'what was taken away is back')
    assert.deepEqual(await redis.zmScore(REVOKED_SESSIONS_KEY, planted), [null, null, null], 'what was planted is gone')

    await redis.set(REVOKED_SESSIONS_KEY, 'no set at all')
    assert.equal((await revokedIn(fewWrites, sid)).length, 1, 'it is a set again')
  })

  test('hears of an end before the answer, and does not forget it in between', async () => {
    const { redis } = running()
    let late = 0
    for (let round = 0; round < 20; round += 1) {
      const { tokens, accountId } = await person()
      await post('/log-out', { refreshToken: tokens.refreshToken }, await calledFor(accountId, 'buyer'))
      if ((await redis.zScore(REVOKED_SESSIONS_KEY, sidOf(tokens.accessToken))) !== null) continue
      // A replica that Redis has not answered within 50 ms, three times in a row, leaves it alone for a second.
      late += 1
      await assertRevoked(tokens.accessToken)
    }
    assert.ok(late <= 3, `${late} of 20 were told late`)
    // What another replica tells while the table is being read is not in what is written then, and must not go for it.
    const value = `told-${crypto.randomUUID()}`
    const found = await until('it was written soon after that', async () => {
      const at = Date.now()
      await redis.zAdd(REVOKED_SESSIONS_KEY, { value, score: at + REVOKED_FOR_MS })
      const scores = await revokedIn(1, value)
      const writtenAt = Number(await redis.get(REVOKED_SESSIONS_WRITTEN_KEY))
      // What is told is kept for two seconds, which a machine that stands still may let pass.
      return Math.abs(writtenAt - at) < 1_500 ? scores : undefined
    })
    assert.equal(found.length, 1)
    await until('but it goes when no table has it', async () => (await revokedIn(0, value)).length === 0)
  })

  test('has them all, also when they are thousands, and says when it was told', async () => {
    const { db, redis } = running()
    await db.sql`
      insert into revoked_sessions (sid, until)
      select 'bulk-' || n, now() + interval '10 minutes' from generate_series(1, 4500) as n`
    await until('all of them are there', async () => (await redis.zCard(REVOKED_SESSIONS_KEY)) >= 4_500)
    assert.ok((await redis.zScore(REVOKED_SESSIONS_KEY, 'bulk-4500')) !== null)
    const left = await redis.pTTL(REVOKED_SESSIONS_WRITTEN_KEY)
    assert.ok(left > 0 && left <= 5_000, String(left))
    assert.ok(Math.abs(Number(await redis.get(REVOKED_SESSIONS_WRITTEN_KEY)) - Date.now()) < 10_000)
    // Those that do not matter any more go, from both.
    await db.sql`update revoked_sessions set until = now() where sid like 'bulk-%'`
    await until('they are gone', async () => (await redis.zScore(REVOKED_SESSIONS_KEY, 'bulk-1')) === null)
  })

  test('may be gone: sessions begin and end as before, and it is told when it is back', async () => {
    const { infra, urls } = running()
    await infra.parts.get('redis')?.kill()
    const { tokens, accountId } = await person()
    const next = await refresh(tokens.refreshToken)
    const begun = performance.now()
    const answer = await post('/log-out', { refreshToken: next.refreshToken }, await calledFor(accountId, 'buyer'))
    assert.equal(answer.status, 204)
    // It did not wait for Redis, which comes back further below.
    assert.ok(performance.now() - begun < 5_000)
    refused(await post('/refresh', { refreshToken: next.refreshToken }), 'invalid-refresh-token')
    const health = await until('it says how it is', () =>
      readJson<{ status: string; reasons: string[] }>(`${urls[0]}/readyz`),
    )
    assert.deepEqual([health.status, health.reasons.some((reason) => reason.startsWith('redis'))], ['degraded', true])

    await infra.parts.get('redis')?.start()
    await assertRevoked(next.accessToken)
  })
})

describe('bad input names its field and changes nothing', () => {
  const signUp = { email: 'bad@example.com', password: PASSWORD, name: 'Bad' }
  const noText: unknown[] = [null, 7, true, [], ['x'], {}, '']
  const cases: [path: string, body: unknown, field: string][] = [
    ...noText.flatMap((value): [string, unknown, string][] => [
      ['/sign-up', { ...signUp, email: value }, 'email'],
      ['/sign-up', { ...signUp, password: value }, 'password'],
      ['/sign-up', { ...signUp, name: value }, 'name'],
      ['/log-in', { email: value, password: PASSWORD }, 'email'],
      ['/log-in', { email: 'bad@example.com', password: value }, 'password'],
      ['/refresh', { refreshToken: value }, 'refreshToken'],
      ['/tokens', { apiKey: value }, 'apiKey'],
      ['/log-out', { refreshToken: value }, 'refreshToken'],
      ['/api-keys', { keyId: value, name: 'k', roles: ['buyer'] }, 'keyId'],
      ['/api-keys', { keyId: 'k', name: value, roles: ['buyer'] }, 'name'],
    ]),
    ...['', 'x', '@', 'a@b', `${'x'.repeat(70)}@example.com`, 'a@example.com\0', 'a\u202e@example.com'].map(
      (email): [string, unknown, string] => ['/sign-up', { ...signUp, email }, 'email'],
    ),
    ...['short', 'x'.repeat(201), 'x'.repeat(2_000), 'nul\0nul\0nul', 'e\u0301'.repeat(7)].map(
      (password): [string, unknown, string] => ['/sign-up', { ...signUp, password }, 'password'],
    ),
    ...['', 'x'.repeat(201), 'line\nfeed', '\u007f'].map((name): [string, unknown, string] => [
      '/sign-up',
      { ...signUp, name },
      'name',
    ]),
    ['/sign-up', { ...signUp, roles: ['operator'] }, 'roles'],
    ['/sign-up', { ...signUp, accountId: 'me' }, 'accountId'],
    ['/sign-up', [signUp], 'body'],
    ['/log-in', { email: 'x'.repeat(1_001), password: 'x' }, 'email'],
    ['/log-in', { email: 'x@example.com', password: 'x'.repeat(1_001) }, 'password'],
    ['/log-in', { email: 'x@example.com' }, 'password'],
    ['/refresh', { refreshToken: 'x'.repeat(201) }, 'refreshToken'],
    ['/refresh', undefined, 'body'],
    ...['a b', 'a/b', 'x'.repeat(65), "'; drop table accounts; --", '키'].map((keyId): [string, unknown, string] => [
      '/api-keys',
      { keyId, name: 'k', roles: ['buyer'] },
      'keyId',
    ]),
    ['/api-keys', { keyId: 'k', name: 'k', roles: [] }, 'roles'],
    ['/api-keys', { keyId: 'k', name: 'k', roles: ['king'] }, 'roles.0'],
    ['/api-keys', { keyId: 'k', name: 'k', roles: ['buyer', 'buyer'] }, 'roles'],
    ['/api-keys', { keyId: 'k', name: 'k', roles: 'buyer' }, 'roles'],
  ]

  test(`in each of ${cases.length} bodies`, async () => {
    const { accountId } = await person()
    const own = await calledFor(accountId, 'buyer')
    const before = await countRows()
    for (const [path, body, field] of cases) {
      const answer = await post(path, body, own)
      const { errors } = refused(answer, 'invalid-request')
      const shown = `${path} ${JSON.stringify(body ?? '').slice(0, 200)}: ${answer.text}`
      assert.deepEqual(
        errors?.map((error) => error.field),
        [field],
        shown,
      )
    }
    for (const [path, field] of [
      ['/accounts', 'email'],
      ['/accounts?email=', 'email'],
      ['/accounts?email=x', 'email'],
      ['/accounts?email=a@example.com&email=b@example.com', 'email'],
      ['/accounts?email=a@example.com&limit=1', 'limit'],
    ] as const) {
      const answer = await ask('GET', path, undefined, await operator())
      assert.deepEqual(
        refused(answer, 'invalid-request').errors?.map((error) => error.field),
        [field],
        path,
      )
    }
    assert.deepEqual(await countRows(), before)
  })

  test('and what is only strange is text like any other', async () => {
    const strange = [
      "Robert'); DROP TABLE accounts;--",
      '${7*7} {{7*7}} %s %n',
      '<script>alert(1)</script>',
      '이름 🔑 ‮',
    ]
    for (const text of strange) {
      const email = `strange-${crypto.randomUUID()}@example.com`
      const password = `${text} ${PASSWORD}`
      assert.equal((await post('/sign-up', { email, password, name: text })).status, 202)
      const answer = await post('/log-in', { email, password })
      assert.equal((JSON.parse(answer.text) as SessionTokens).account.name, text)
      refused(await post('/log-in', { email: text, password }), 'wrong-credentials')
      refused(await post('/refresh', { refreshToken: `${text} token` }), 'invalid-refresh-token')
      refused(await post('/tokens', { apiKey: `${text} key` }), 'wrong-credentials')
    }
  })
})

test('a rush of log-ins is served two at a time, and those who would wait for too long are told so', async () => {
  const { email } = await person()
  // All of them look the account up first, and on a slow machine some wait for too long there, for a connection.
  const { before, answers } = await until('a rush in which nobody lacked a connection', async () => {
    const before = await metricOfAll('account_log_ins_total', { outcome: 'overloaded' })
    const answers = await Promise.all(
      Array.from({ length: 120 }, () => post('/log-in', { email, password: 'not the password' }, {}, 0)),
    )
    return answers.some(isDatabaseUnavailable) ? undefined : { before, answers }
  })
  const overloaded = answers.filter(({ status }) => status === 503)
  assert.ok(overloaded.length > 0 && overloaded.length < 120)
  for (const answer of overloaded) {
    assert.equal(refused(answer, 'overloaded').accepted, false)
    assert.match(answer.headers['retry-after'] ?? '', /^[1-3]$/)
  }
  for (const answer of answers.filter(({ status }) => status !== 503)) refused(answer, 'wrong-credentials')
  assert.equal(await metricOfAll('account_log_ins_total', { outcome: 'overloaded' }), before + overloaded.length)
  assert.equal(await readMetric(running().urls[0], 'account_hashes_waiting'), 0)
  await logIn(email)
})

test('what nobody can use any more is deleted, and nothing else', async () => {
  const { db } = running()
  const [gone, stays] = [await person(), await person()]
  await db.sql`update sessions set ends_at = now() - interval '1 hour' where account_id = ${gone.accountId}`
  await db.sql`insert into revoked_sessions (sid, until) values ('over', now()), ('not-over', now() + interval '1 minute')`
  await deleteOldRows(db.write)
  assert.deepEqual(await db.sql`select 1 from sessions where account_id = ${gone.accountId}`, [])
  assert.deepEqual(await db.sql`select sid from revoked_sessions where sid like '%over'`, [{ sid: 'not-over' }])
  assert.deepEqual(await db.sql`select kid from signing_keys where retired_at < now() - interval '35 minutes'`, [])
  await refresh(stays.tokens.refreshToken)
})

// Last, when everything was said that can be: one of the replicas wrote all that it has to say on its standard output.
test('no password, token or key is in the log or, but for hashes, in the database', async () => {
  const { log, infra, child, urls } = running()
  const { tokens } = await person()
  for (let round = 0; round < 2; round += 1) await post('/refresh', { refreshToken: tokens.refreshToken }, {}, 1)
  // An error with all that a failing request can bring with it.
  await infra.parts.get('postgres')?.kill()
  await until('nobody answers any more', async () => (await send(`${urls[1]}/readyz`)).status === 503)
  for (const [path, body] of [
    ['/sign-up', { email: 'late@example.com', password: PASSWORD, name: 'Late' }],
    ['/log-in', { email: 'late@example.com', password: PASSWORD }],
    ['/refresh', { refreshToken: [...secrets].at(-1) }],
  ] as const) {
    refused(await post(path, body, {}, 1), 'database-unavailable')
  }
  await infra.parts.get('postgres')?.start()
  const rows = await until('the database is back', async () => JSON.stringify(await everything()))
  await end(child)
  const logged = log()
  assert.ok(logged.includes('"msg":"request"') && logged.includes('a refresh token came twice'), 'the log was written')
  assert.ok(secrets.size > 200 && rows.length > 10_000)
  for (const secret of secrets) {
    assert.ok(!logged.includes(secret), `in the log: ${secret}`)
    const inHex = Buffer.from(secret).toString('hex')
    assert.ok(!rows.includes(secret) && !rows.includes(inHex), `in the database: ${secret}`)
  }
})

interface Shop {
  readonly infra: Infrastructure
  readonly db: ReturnType<Infrastructure['admin']>
  readonly redis: ReturnType<typeof redisClient>
  /** A replica in this process, whose port is open, and one in another, whose port is not. */
  readonly urls: readonly [string, string]
  readonly account: Running
  readonly child: ChildProcess
  readonly log: () => string
  readonly firstKeys: readonly { public_jwk: object; sealed: Buffer }[]
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** Everything that was sent or given and must be in no log. */
const secrets = new Set<string>()
let started: Shop | undefined
let turn = 0

before(async () => {
  const infra = await startInfrastructure({ databases: ['account'], redis: true })
  const more = { ACCOUNT_KEY_SECRET: KEY_SECRET }
  const [account, { child, port, log }] = await Promise.all([
    startAccount(readConfig(infra.env('account', more))),
    startReplica(infra.env('account', { ...more, AUTH_MODE: 'token', LOG_LEVEL: 'trace' })),
  ])
  const db = infra.admin('account')
  const urls = [`http://127.0.0.1:${account.port}`, `http://127.0.0.1:${port}`] as const
  await Promise.all(urls.map((url) => until('a key', () => readJson(`${url}/.well-known/jwks.json`))))
  const firstKeys = await db.sql<Shop['firstKeys'][number]>`
    select public_jwk, private_jwk_sealed as sealed from signing_keys`
  const redis = redisClient(infra.redisUrl)
  // It goes away in between, and comes back.
  redis.on('error', () => undefined)
  await redis.connect()
  started = { infra, db, redis, urls, account, child, log, firstKeys }
})

after(async () => {
  started?.redis.destroy()
  await started?.account.stop()
  if (started !== undefined) await end(started.child)
  await started?.infra[Symbol.asyncDispose]()
})

function redisClient(url: string) {
  return createClient({ url })
}

async function startReplica(env: NodeJS.ProcessEnv): Promise<{ child: ChildProcess; port: number; log: () => string }> {
  const main = join(import.meta.dirname, '../main.ts')
  const child = spawn(process.execPath, [main], { env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()))
  const port = await until('the other replica listens', () => {
    assert.equal(child.exitCode, null, output)
    return /"port":(\d+),"msg":"listening"/.exec(output)?.[1]
  })
  return { child, port: Number(port), log: () => output }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'close')
  child.kill('SIGTERM')
  await exited
}

function running(): Shop {
  assert.ok(started !== undefined)
  return started
}

/** By one replica after the other, since each must know what the other did. */
async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
  replica = (turn += 1) % 2,
): Promise<Answer> {
  const as = headers['authorization'] === undefined ? await calledFor() : {}
  const json = body === undefined ? {} : { 'content-type': 'application/json' }
  keepSecrets(body)
  const answer = await send(`${running().urls[replica]}${path}`, {
    method,
    headers: { ...as, ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (answer.status < 300 && answer.text !== '') keepSecrets(JSON.parse(answer.text))
  return answer
}

function keepSecrets(of: unknown): void {
  for (const [name, value] of Object.entries((of ?? {}) as Record<string, unknown>)) {
    if (!/password|refreshToken|accessToken|apiKey/.test(name) || typeof value !== 'string') continue
    // Shorter ones are words that stand anywhere.
    if (value.length >= 16) secrets.add(value)
  }
}

function post(path: string, body: unknown, headers?: Record<string, string>, replica?: number): Promise<Answer> {
  return ask('POST', path, body, headers, replica)
}

function put(path: string, body: unknown, headers: Record<string, string>): Promise<Answer> {
  return ask('PUT', path, body, headers)
}

function remove(path: string, headers: Record<string, string>): Promise<Answer> {
  return ask('DELETE', path, undefined, headers)
}

async function get<T>(path: string, headers: Record<string, string>): Promise<T> {
  const answer = await ask('GET', path, undefined, headers)
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text) as T
}

function operator(): Promise<{ authorization: string }> {
  return calledFor('the-operator', 'operator')
}

function refused(answer: Answer, code: RefusalCode) {
  const document = readProblem(answer)
  assert.equal(document.code, code, answer.text)
  return document
}

/** Somebody who has signed up and logged in. */
async function person(...roles: Role[]): Promise<{ accountId: string; email: string; tokens: SessionTokens }> {
  const email = `${crypto.randomUUID()}@example.com`
  const answer = await post('/sign-up', { email, password: PASSWORD, name: 'Somebody' })
  assert.equal(answer.status, 202, answer.text)
  const { accounts } = await get<{ accounts: AccountView[] }>(`/accounts?email=${email}`, await operator())
  const accountId = accounts[0]?.accountId ?? ''
  if (roles.length > 0) await put(`/accounts/${accountId}/roles`, { roles }, await operator())
  return { accountId, email, tokens: await logIn(email) }
}

async function logIn(email: string, replica?: number): Promise<SessionTokens> {
  const answer = await post('/log-in', { email, password: PASSWORD }, {}, replica)
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text) as SessionTokens
}

async function refresh(refreshToken: string): Promise<SessionTokens> {
  const answer = await post('/refresh', { refreshToken })
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text) as SessionTokens
}

async function createKey(own: Record<string, string>, keyId: string, roles: Role[] = ['buyer']): Promise<string> {
  const answer = await post('/api-keys', { keyId, name: 'A machine', roles }, own)
  assert.equal(answer.status, 201, answer.text)
  return (JSON.parse(answer.text) as { apiKey: string }).apiKey
}

async function sessionsOf(accountId: string): Promise<SessionView[]> {
  return (await get<{ sessions: SessionView[] }>('/sessions', await calledFor(accountId, 'buyer'))).sessions
}

async function emailOf(accountId: string): Promise<string> {
  return (await get<AccountView>('/me', await calledFor(accountId, 'buyer'))).email
}

async function verify(accessToken: string) {
  const keys = await readJson<JSONWebKeySet>(`${running().urls[(turn += 1) % 2 === 0 ? 0 : 1]}/.well-known/jwks.json`)
  return await jwtVerify(accessToken, createLocalJWKSet(keys), {
    algorithms: ['EdDSA'],
    issuer: 'timesale-account',
    audience: 'timesale',
    typ: 'at+jwt',
    clockTolerance: 5,
  })
}

function sidOf(accessToken: string): string {
  return String(decodeJwt(accessToken)['sid'])
}

function kidOf(accessToken: string): string {
  const header = JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }
  return header.kid
}

/** The time has come for the key that was made last. */
async function takeTurn(): Promise<void> {
  await running().db.tx(async (tx) => {
    await tx`update signing_keys set signs_from = now() where retired_at is null`
    await tx`update signing_keys set retired_at = now() where retired_at > now()`
  })
}

/** Until when tokens of this session are to be refused, after the set was written so many times more. */
async function revokedIn(writes: number, sid: string): Promise<number[]> {
  const { redis } = running()
  for (let write = 0; write < writes; write += 1) {
    const last = await redis.get(REVOKED_SESSIONS_WRITTEN_KEY)
    await until('the set is written again', async () => (await redis.get(REVOKED_SESSIONS_WRITTEN_KEY)) !== last)
  }
  const score = await redis.zScore(REVOKED_SESSIONS_KEY, sid)
  return score === null ? [] : [score]
}

async function assertRevoked(accessToken: string): Promise<void> {
  const [untilMs = 0] = await until('its end is known', async () => {
    const found = await revokedIn(0, sidOf(accessToken))
    return found.length > 0 ? found : undefined
  })
  const expiresMs = (decodeJwt(accessToken).exp ?? 0) * 1000
  assert.ok(untilMs > expiresMs && untilMs <= Date.now() + REVOKED_FOR_MS + 5_000, `${untilMs} ${expiresMs}`)
}

async function metricOfAll(name: string, labels: Record<string, string>): Promise<number> {
  const values = await Promise.all(running().urls.map((url) => readMetric(url, name, labels)))
  return values.reduce((sum, value) => sum + value, 0)
}

/** Whoever compares the two learns nothing: the same status, headers and bytes, and about the same time. */
async function assertAlike(one: () => Promise<Answer>, other: () => Promise<Answer>): Promise<void> {
  const times: [number, number][] = []
  for (let round = 0; round < 9; round += 1) {
    const [first, firstMs] = await timed(one)
    const [second, secondMs] = await timed(other)
    assert.deepEqual({ ...first, headers: namesOf(first) }, { ...second, headers: namesOf(second) })
    times.push([firstMs, secondMs])
  }
  const [oneMs, otherMs] = [median(times.map(([ms]) => ms)), median(times.map(([, ms]) => ms))]
  assert.ok(oneMs < otherMs * 3 && otherMs < oneMs * 3, `${oneMs} ms and ${otherMs} ms`)
}

async function timed(act: () => Promise<Answer>): Promise<[Answer, number]> {
  const begun = performance.now()
  return [await act(), performance.now() - begun]
}

function namesOf({ headers }: Answer): Record<string, string> {
  return { ...headers, date: '' }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

/** Without refresh tokens that are over, which are deleted once a minute. */
function countRows(): Promise<unknown> {
  return running().db.sql`
    select (select count(*) from accounts) as accounts, (select count(*) from sessions) as sessions,
      (select count(*) from refresh_tokens where expires_at > now()) as tokens,
      (select count(*) from api_keys) as keys`
}

/** Where many ask at once, some may get no connection or no lock in time. Nothing was done then, and they ask again. */
function persistently(ask: () => Promise<Answer>): Promise<Answer> {
  return until('the database has time', async () => {
    const answer = await ask()
    return isDatabaseUnavailable(answer) ? undefined : answer
  })
}

function isDatabaseUnavailable(answer: Answer): boolean {
  return answer.status === 503 && readProblem(answer).code === 'database-unavailable'
}

async function countLockWaits(): Promise<number> {
  const [row] = await running().db.sql<{ waiting: number }>`
    select count(*)::int as waiting from pg_stat_activity where wait_event_type = 'Lock'`
  return row?.waiting ?? 0
}

/** Every row, as text. */
function everything(): Promise<unknown> {
  return running().db.sql`
    select row_to_json(accounts)::text as row from accounts
    union all select row_to_json(sessions)::text from sessions
    union all select row_to_json(refresh_tokens)::text from refresh_tokens
    union all select row_to_json(api_keys)::text from api_keys
    union all select row_to_json(revoked_sessions)::text from revoked_sessions
    union all select row_to_json(signing_keys)::text from signing_keys`
}

/** Tokens of somebody new, by this replica. */
async function logInNew(replica: number): Promise<SessionTokens> {
  const { email } = await person()
  return await logIn(email, replica)
}
