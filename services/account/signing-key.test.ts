import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { makeSigningKey, seal, unseal } from './signing-key.ts'

test('a key comes out as it was sealed, and never in the same bytes twice', () => {
  const secret = randomBytes(32)
  const key = makeSigningKey()
  const sealed = seal(key, secret)

  assert.deepEqual(unseal(key.kid, sealed, secret), key.privateJwk)
  assert.notDeepEqual(seal(key, secret), sealed)
  assert.equal(sealed.includes(String(key.privateJwk.d)), false)
})

test('the public half has nothing private in it', () => {
  const { kid, publicJwk } = makeSigningKey()
  assert.deepEqual({ ...publicJwk, x: '' }, { kty: 'OKP', crv: 'Ed25519', x: '', kid, alg: 'EdDSA', use: 'sig' })
})

test('under another secret, another kid or with a bit changed nothing comes out', () => {
  const secret = randomBytes(32)
  const key = makeSigningKey()
  const sealed = seal(key, secret)

  assert.throws(() => unseal(key.kid, sealed, randomBytes(32)))
  assert.throws(() => unseal('another', sealed, secret))
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    assert.throws(() => unseal(key.kid, changed, secret), `byte ${at}`)
  }
  assert.throws(() => unseal(key.kid, sealed.subarray(0, 20), secret))
})
