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

test('a count that was held up once is made again as soon as the one before it says', async () => {
  let [counts, tookMs] = [0, 100]
  const count = new SeldomCount(async () => {
    now += tookMs
    return (counts += 1)
  })
  const made = async (): Promise<number> => (await count.read()).value
  assert.equal(await made(), 1)
  now += 1_900
  tookMs = 6_000
  assert.equal(await made(), 2)
  tookMs = 100
  assert.equal(await made(), 3, 'the two seconds that are usual are over')
  now += 1_900
  tookMs = 6_000
  assert.equal(await made(), 4)
  assert.equal(await made(), 5)
  now += 113_999
  assert.equal(await made(), 5, 'twice in a row: it is the table that is large')
  now += 1
  assert.equal(await made(), 6)
})

test('a count that failed is made again soon, then less and less often, down to a twentieth of the time', async () => {
  let [counts, isAway] = [0, false]
  const count = new SeldomCount(async () => {
    counts += 1
    now += isAway ? 6_000 : 100
    if (isAway) throw new Error('held up')
    return counts
  })
  const isHeldUp = (): Promise<void> => assert.rejects(count.read(), { message: 'held up' })
  await count.read()
  now += 1_900
  isAway = true
  await isHeldUp()
  await isHeldUp()
  await isHeldUp()
  assert.equal(counts, 4, 'two seconds after its begin, and four, are over when it fails')
  for (const sinceBegin of [8_000, 16_000, 32_000, 64_000, 120_000, 120_000]) {
    const before: number = counts
    now += sinceBegin - 6_000 - 1
    await isHeldUp()
    assert.equal(counts, before, `not before ${sinceBegin} ms`)
    now += 1
    await isHeldUp()
    assert.equal(counts, before + 1)
  }
  isAway = false
  now += 114_000
  assert.equal((await count.read()).value, counts)
  now += 1_900
  isAway = true
  await isHeldUp()
  isAway = false
  assert.equal((await count.read()).value, counts, 'what failed before is forgotten')
})

test('a count that was held up before any succeeded is made again soon', async () => {
  let isAway = true
  const count = new SeldomCount(async () => {
    now += isAway ? 6_000 : 100
    if (isAway) throw new Error('held up')
    return 1
  })
  await assert.rejects(count.read(), { message: 'held up' })
  isAway = false
  assert.equal((await count.read()).value, 1)
})
