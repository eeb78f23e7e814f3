import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import { InternalSigner, InternalVerifier } from './internal-token.ts'
import { ANONYMOUS, OPEN, type Principal } from './principal.ts'

const SELLER: Principal = { kind: 'account', accountId: 'account-1', roles: ['seller'] }

test('who the gateway says it is, the service hears', async () => {
  const { signer, verifier } = await setup()
  const people = [SELLER, { ...SELLER, sid: 'session-1' }, { ...SELLER, sid: 'session-2', isApiKey: true }] as const
  // By one signer, which remembers what it has signed for others.
  for (const principal of [...people, ANONYMOUS]) {
    assert.deepEqual(await verifier.verify(`Bearer ${await signer.sign(principal)}`), principal)
  }
})

test('a token is signed and verified once while it lasts', async () => {
  const { signer, verifier } = await setup()
  const token = await signer.sign(SELLER)
  assert.equal(await signer.sign(SELLER), token)
  assert.notEqual(await signer.sign({ ...SELLER, roles: ['operator'] }), token)
  await verifier.verify(`Bearer ${token}`)
  assert.ok(!(verifier.verify(`Bearer ${token}`) instanceof Promise))
})

test('without a token an open port takes everybody, another one nobody', async () => {
  const { keys } = await setup()
  assert.deepEqual(new InternalVerifier({ mode: 'open', keys }).verify(undefined), OPEN)
  assert.throws(() => new InternalVerifier({ mode: 'token', keys }).verify(undefined), { code: 'unauthenticated' })
})

test('a token that is not the gateway’s own is refused, also where the port is open', async (t) => {
  const { privateJwk, privateKey, keys } = await setup()
  const { privateKey: strangerKey } = await generateKeyPair('EdDSA')
  const now = Math.floor(Date.now() / 1000)
  const good = { iss: 'timesale-gateway', aud: 'timesale-services', sub: 'account-1', iat: now, exp: now + 60 }
  const signed = (payload: object, header: object = {}, key = privateKey): Promise<string> =>
    new SignJWT({ ...payload })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'timesale-internal+jwt', kid: 'gateway-1', ...header })
      .sign(key)
  const [, payload, signature] = (await signed(good)).split('.')
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'timesale-internal+jwt' })).toString('base64url')
  const bad: Record<string, string> = {
    'another key': await signed(good, {}, strangerKey),
    'another key id': await signed(good, { kid: 'gateway-2' }),
    'another type': await signed(good, { typ: 'at+jwt' }),
    expired: await signed({ ...good, exp: now - 10 }),
    'not yet valid': await signed({ ...good, nbf: now + 60 }),
    'another issuer': await signed({ ...good, iss: 'timesale-account' }),
    'another audience': await signed({ ...good, aud: 'timesale' }),
    'no expiry': await signed({ ...good, exp: undefined }),
    'no subject': await signed({ ...good, sub: undefined }),
    'no algorithm': `${none}.${payload}.`,
    'no algorithm, but a signature': `${none}.${payload}.${signature}`,
    'a shared secret': await new SignJWT({ ...good })
      .setProtectedHeader({ alg: 'HS256', typ: 'timesale-internal+jwt', kid: 'gateway-1' })
      .sign(Buffer.from(privateJwk.x ?? '', 'base64url')),
    'no token at all': '',
    'a huge one': 'x'.repeat(100_000),
  }
  for (const [name, token] of Object.entries(bad)) {
    await t.test(name, async () => {
      for (const mode of ['open', 'token'] as const) {
        const verifier = new InternalVerifier({ mode, keys })
        await assert.rejects(async () => await verifier.verify(`Bearer ${token}`), { code: 'unauthenticated' })
      }
    })
  }
  await t.test('what these are made from is good', async () => {
    await new InternalVerifier({ mode: 'token', keys }).verify(`Bearer ${await signed(good)}`)
  })
})

test('where no key is known, no token is believed', async () => {
  const { signer } = await setup()
  const verifier = new InternalVerifier({ mode: 'open', keys: undefined })
  await assert.rejects(async () => await verifier.verify(`Bearer ${await signer.sign(SELLER)}`), {
    code: 'unauthenticated',
  })
})

async function setup(): Promise<{
  privateKey: CryptoKey
  privateJwk: JWK
  keys: { keys: JWK[] }
  signer: InternalSigner
  verifier: InternalVerifier
}> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  const privateJwk = { ...(await exportJWK(privateKey)), kid: 'gateway-1' }
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'gateway-1', alg: 'EdDSA' }] }
  return {
    privateKey,
    privateJwk,
    keys,
    signer: new InternalSigner(privateJwk),
    verifier: new InternalVerifier({ mode: 'token', keys }),
  }
}
