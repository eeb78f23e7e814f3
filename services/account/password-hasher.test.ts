import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions } from '@node-rs/argon2'
import { PasswordHasher } from './password-hasher.ts'

test('a password is known by its hash alone, of the cost that OWASP advises', async () => {
  const hasher = new PasswordHasher()
  const [one, other] = await Promise.all([hasher.hash('correct horse'), hasher.hash('correct horse')])

  assert.notEqual(one, other)
  assert.match(one, /^\$argon2id\$v=19\$/)
  const { memoryCost, timeCost, parallelism } = parseOptions(one)
  assert.deepEqual({ memoryCost, timeCost, parallelism }, { memoryCost: 19_456, timeCost: 2, parallelism: 1 })
  assert.equal(await hasher.verify(one, 'correct horse'), true)
  assert.equal(await hasher.verify(one, 'correct horses'), false)
  assert.equal(await hasher.verify(undefined, 'correct horse'), false)
  assert.equal(await hasher.verify(undefined, ''), false)
})

test('two are hashed at a time, 32 wait, and one more is refused; after a failure the next has its turn', async () => {
  const hasher = new PasswordHasher()
  const broken = assert.rejects(hasher.verify('no hash at all', 'x'))
  const asked = Promise.allSettled(Array.from({ length: 36 }, () => hasher.hash('correct horse')))
  assert.equal(hasher.waiting, 32)

  await broken
  const outcomes = await asked
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  assert.equal(outcomes.length - refused.length, 33)
  for (const { reason } of refused) assert.equal((reason as { code: string }).code, 'overloaded')
  assert.equal(hasher.waiting, 0)
  assert.match(await hasher.hash('correct horse'), /^\$argon2id/)
})
