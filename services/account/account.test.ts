import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Refusal } from '@timesale/contracts/refusals'
import { checkOwnRoles, checkPassword, commonRoles, inOrder, normaliseEmail, takesAway } from './account.ts'

test('an address is one however it is written', () => {
  for (const [written, address] of [
    ['buyer@timesale.example', 'buyer@timesale.example'],
    ['  Buyer@TimeSale.Example\t', 'buyer@timesale.example'],
    // e and an accent; a letter with one.
    ['jose\u0301@example.com', 'jos\u00e9@example.com'],
    ['JOSÉ@example.com', 'jos\u00e9@example.com'],
    ['구매자@상점.example', '구매자@상점.example'],
    ['구매자@상점.example'.normalize('NFD'), '구매자@상점.example'],
    ['a.b+tag@sub.example.com', 'a.b+tag@sub.example.com'],
    ["o'hara!#$%&*/=?^_`{|}~-@example.com", "o'hara!#$%&*/=?^_`{|}~-@example.com"],
    [`${'x'.repeat(64)}@example.com`, `${'x'.repeat(64)}@example.com`],
  ] as const) {
    assert.equal(normaliseEmail(written), address)
  }
})

test('what is no address is none', () => {
  for (const text of [
    '',
    ' ',
    'a',
    '@',
    'a@',
    '@example.com',
    'a@example',
    'a@@example.com',
    'a@b@example.com',
    'a b@example.com',
    'a@exam ple.com',
    'a@example..com',
    'a@.example.com',
    'a@example.com.',
    '"a"@example.com',
    'a,b@example.com',
    'A <a@example.com>',
    'a@[127.0.0.1]',
    'a\0@example.com',
    'a\n@example.com',
    'a\u200b@example.com',
    "a@example.com'--",
    `${'x'.repeat(65)}@example.com`,
    `${'é'.repeat(33)}@example.com`,
    `a@${'x'.repeat(250)}.com`,
  ]) {
    assert.equal(normaliseEmail(text), undefined, JSON.stringify(text))
  }
})

test('an address that was normalised stays as it is', () => {
  const letters = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(letters, letters, (local, domain) => {
      const email = normaliseEmail(`${local}@${domain}.example`)
      if (email !== undefined) assert.equal(normaliseEmail(email), email)
    }),
  )
})

test('a password has 8 to 200 characters as people count them, and none of them is dropped', () => {
  for (const [written, password] of [
    ['12345678', '12345678'],
    ['x'.repeat(200), 'x'.repeat(200)],
    // Two code units each, one character.
    ['🔑'.repeat(200), '🔑'.repeat(200)],
    ['비밀번호를쓴다'.normalize('NFD') + '!', '비밀번호를쓴다!'],
    ['full\u3000width', 'full width'],
    [' spaces at its ends ', ' spaces at its ends '],
  ] as const) {
    assert.equal(checkPassword(written), password)
  }
  // Seven syllables are fifteen letters and more as some keyboards write them.
  const short = '비밀번호를쓴다'.normalize('NFD')
  for (const text of ['', '1234567', short, '🔑'.repeat(7), 'x'.repeat(201), 'with\0nul!', 'with\ttab', 'line\nfeed']) {
    assert.throws(
      () => checkPassword(text),
      (error) =>
        error instanceof Refusal &&
        error.code === 'invalid-request' &&
        (error.about['errors'] as { field: string }[])[0]?.field === 'password' &&
        (text === '' || !error.message.includes(text)),
    )
  }
})

test('roles are given in one order, and nobody gives what they do not have', () => {
  assert.deepEqual(inOrder(['operator', 'buyer', 'buyer']), ['buyer', 'operator'])
  assert.deepEqual(commonRoles(['operator', 'buyer'], ['seller', 'buyer']), ['buyer'])
  checkOwnRoles(['buyer'], ['buyer', 'seller'])
  checkOwnRoles([], [])
  assert.throws(() => checkOwnRoles(['buyer', 'operator'], ['buyer']), { code: 'forbidden' })
})

test('only a role less makes tokens wrong', () => {
  assert.equal(takesAway(['buyer'], ['buyer', 'seller']), false)
  assert.equal(takesAway(['buyer', 'seller'], ['seller', 'buyer']), false)
  assert.equal(takesAway([], []), false)
  assert.equal(takesAway(['buyer', 'seller'], ['buyer', 'operator']), true)
  assert.equal(takesAway(['buyer'], []), true)
})
