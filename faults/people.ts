import assert from 'node:assert/strict'
import { createPrivateKey, sign } from 'node:crypto'
import type { JWK } from 'jose'
import type { SessionTokens } from '@timesale/contracts/account-api'
import type { Role } from '@timesale/contracts/roles'
import { readProblem, sendJson, type Answer } from '@timesale/testkit/http'
import { until } from '@timesale/testkit/until'
import { unseal } from '../services/account/signing-key.ts'
import type { Shop } from './shop.ts'

/** Somebody who is logged in, with what only he knows. */
export interface Person {
  readonly email: string
  readonly password: string
  readonly accountId: string
  readonly sessionId: string
  readonly accessToken: string
  readonly refreshToken: string
  /** What he sends with each request. */
  readonly headers: { readonly authorization: string }
}

/** Signs up and logs in by way of a gateway; roles that nobody gives himself are written to the database before. */
export async function makePerson(shop: Shop, name: string, roles: readonly Role[] = ['buyer']): Promise<Person> {
  const email = `${name}@example.com`
  const password = `correct horse ${name} ${crypto.randomUUID()}`
  const gateway = shop.process('gateway-1').url
  const signUp = await askPatiently(() => sendJson(`${gateway}/api/account/sign-up`, { email, password, name }))
  assert.equal(signUp.status, 202, signUp.text)
  await shop.infrastructure.admin('account').sql`update accounts set roles = ${[...roles]} where email = ${email}`
  return await logIn(gateway, { email, password })
}

export async function logIn(
  gateway: string,
  { email, password }: { email: string; password: string },
): Promise<Person> {
  const answer = await askPatiently(() => sendJson(`${gateway}/api/account/log-in`, { email, password }))
  assert.equal(answer.status, 200, answer.text)
  const { accessToken, refreshToken, account } = JSON.parse(answer.text) as SessionTokens
  const [, payload = ''] = accessToken.split('.')
  const { sid } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { sid: string }
  const headers = { authorization: `Bearer ${accessToken}` }
  return { email, password, accountId: account.accountId, sessionId: sid, accessToken, refreshToken, headers }
}

/** Opens a shop and puts a product on sale in it, by way of a gateway; resolves when it can be ordered. */
export async function openShop(
  shop: Shop,
  seller: Person,
  { shopId, productId, units }: { shopId: string; productId: string; units: number },
): Promise<void> {
  const gateway = shop.process('gateway-1').url
  const opened = await askPatiently(() => sendJson(`${gateway}/api/shops`, { shopId, name: `Shop ${shopId}` }, seller))
  // 200 where the shop was opened by a request whose answer was lost.
  assert.ok([200, 201].includes(opened.status), opened.text)
  const name = { ko: productId, en: productId }
  const about = { productId, shopId, name, priceMinor: 1_000, currency: 'KRW', units }
  // The product service hears of shops by a topic.
  await until(`${shopId} may sell`, async () => {
    const answer = await askPatiently(() => sendJson(`${gateway}/api/products`, about, seller))
    if (answer.status === 201) return true
    assert.ok(isTooEarly(answer), `${answer.status} ${answer.text}`)
    return false
  })
  await until(`${productId} can be ordered`, async () => {
    const body = { orderId: `first-of-${productId}`, productId, quantity: 1 }
    return (await sendJson(`${gateway}/api/orders`, body, seller)).status === 202
  })
}

/**
 * Asks until the answer is no 503, which a machine that stands still for a while looks like. What is asked may have had its effect
 * before it is asked again.
 */
export function askPatiently(ask: () => Promise<Answer>): Promise<Answer> {
  return until('it is answered otherwise than by 503', async () => {
    const answer = await ask()
    return answer.status !== 503 && answer
  })
}

/** The key with which the account service signs access tokens. */
export async function readSigningKey(shop: Shop): Promise<JWK> {
  const [row] = await shop.infrastructure.admin('account').sql<{ kid: string; sealed: Buffer; public: JWK }>`
    select kid, private_jwk_sealed as sealed, public_jwk as public from signing_keys where retired_at is null`
  assert.ok(row !== undefined)
  return { ...row.public, ...unseal(row.kid, row.sealed, Buffer.from(shop.accountKeySecret, 'base64url')) }
}

/** Signs `claims` as they are, as the account service does, or under another header. At once: many are made in a rush. */
export function signAccess(key: JWK, claims: object, header: object = {}): string {
  const about = { alg: 'EdDSA', typ: 'at+jwt', kid: key.kid, ...header }
  const text = [about, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const { kty = '', crv = '', x = '', d = '' } = key
  const signature = sign(null, Buffer.from(text), createPrivateKey({ key: { kty, crv, x, d }, format: 'jwk' }))
  return `${text}.${signature.toString('base64url')}`
}

/** What is in the access token of a buyer, for ten minutes from now. */
export function accessClaims(accountId: string): Readonly<Record<string, unknown>> {
  const now = Math.floor(Date.now() / 1000)
  return {
    ...{ iss: 'timesale-account', aud: 'timesale', sub: accountId, sid: crypto.randomUUID(), roles: ['buyer'] },
    ...{ iat: now, exp: now + 600, jti: crypto.randomUUID() },
  }
}

function isTooEarly(answer: Answer): boolean {
  return readProblem(answer).code === 'shop-not-found'
}
