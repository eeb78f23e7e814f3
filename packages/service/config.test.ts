import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { BadEnvironment, readEnv } from '@timesale/process/env'
import { readAuthConfig } from './config.ts'

test('keys that can verify are taken, also beside one of another kind', () => {
  const keys = [PUBLIC, { kty: 'oct', k: 'AAAA' }]
  for (const AUTH_MODE of ['open', 'token']) {
    assert.deepEqual(read({ AUTH_MODE, INTERNAL_KEYS: JSON.stringify({ keys }) }), { mode: AUTH_MODE, keys: { keys } })
  }
  assert.deepEqual(read({ AUTH_MODE: 'open' }), { mode: 'open', keys: undefined })
})

test('what cannot verify gets one sentence that does not repeat it, whether or not a token is needed', () => {
  const wrong = [
    ...['null', '1', '[]', '{}', '{"keys":{}}', '{"keys":[]}', '{"keys":[1]}', '{"keys":[null]}'],
    ...['{"keys":[{"kty":"OKP"}]}', JSON.stringify({ keys: [PRIVATE] }), JSON.stringify({ keys: [PUBLIC, 1] })],
    JSON.stringify({ keys: [{ ...PUBLIC, x: 'AAAA' }] }),
  ]
  for (const INTERNAL_KEYS of wrong) {
    for (const AUTH_MODE of ['open', 'token']) {
      assert.throws(
        () => read({ AUTH_MODE, INTERNAL_KEYS }),
        (error) => {
          assert.ok(error instanceof BadEnvironment, `${INTERNAL_KEYS}: ${String(error)}`)
          assert.deepEqual(error.problems, ['X_INTERNAL_KEYS: is not a JSON Web Key Set with a key that can verify'])
          return true
        },
      )
    }
  }
})

const pair = generateKeyPairSync('ed25519')
const PUBLIC = pair.publicKey.export({ format: 'jwk' })
const PRIVATE = pair.privateKey.export({ format: 'jwk' })

function read(env: Record<string, string>): unknown {
  return readEnv(env, 'X_', readAuthConfig)
}
