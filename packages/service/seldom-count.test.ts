import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { SeldomCount } from './seldom-count.ts'

let now = 0

beforeEach(() => {
  now = 1_000_000
  mock.method(performance, 'now', () => now)
})
afterEach(() => mock.restoreAll())

test('whoever asks within a second hears of the same count, however many ask', async () => {
  let counts = 0
  const count = new SeldomCount(async () => (counts += 1))
  const asked = await Promise.all(Array.from({ length: 10 }, () => count.read()))
  assert.deepEqual(new Set(asked.map(({ value }) => value)), new Set([1]))
  now += 999
  assert.deepEqual(await count.read(), { value: 1, ageMs: 999 })
  now += 1
  assert.deepEqual(await count.read(), { value: 2, ageMs: 0 })
})

test('a count that takes long is made in a twentieth of the time, and the last one stands meanwhile', async () => {
  const counts: PromiseWithResolvers<number>[] = []
  const count = new SeldomCount(() => {
    const counting = Promise.withResolvers<number>()
    counts.push(counting)
    return counting.promise
  })
  const first = count.read()
  now += 500
  counts[0]?.resolve(1)
  assert.deepEqual(await first, { value: 1, ageMs: 500 })
  now += 9_499
  assert.equal((await count.read()).value, 1)
  assert.equal(counts.length, 1)
  now += 1
  // Waited for, but not for long.
  assert.deepEqual(await count.read(), { value: 1, ageMs: 10_000 })
  assert.equal(counts.length, 2)
  now += 100
  assert.deepEqual(await count.read(), { value: 1, ageMs: 10_100 })
  assert.equal(counts.length, 2, 'one at a time')
  counts[1]?.resolve(2)
})

test('a count that fails is told, not tried again at once, and made good by the next', async () => {
  let answer: Promise<number> = Promise.resolve(1)
  let counts = 0
  const count = new SeldomCount(() => {
    counts += 1
    return answer
  })
  await count.read()
  now += 1_000
  answer = Promise.reject(new Error('away'))
  await assert.rejects(count.read(), { message: 'away' })
  await assert.rejects(count.read(), { message: 'away' })
  assert.equal(counts, 2)
  now += 1_000
  answer = Promise.resolve(3)
  assert.deepEqual(await count.read(), { value: 3, ageMs: 0 })
})
