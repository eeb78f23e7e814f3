import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { RedisStore } from '@timesale/redis/redis-store'
import { createLogger } from '@timesale/telemetry/logger'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { until } from '@timesale/testkit/until'
import { createClient } from 'redis'
import { OPEN } from '@timesale/identity/principal'
import { Refusal } from '@timesale/contracts/refusals'
import { applyChanges } from './apply-changes.ts'
import { awaitToken } from './await-token.ts'
import {
  beginGeneration,
  deleteOldGenerations,
  giveUpGeneration,
  keepGenerations,
  leaveGenerations,
  noteLook,
  readGenerations,
  readState,
  serveNext,
  type Generations,
} from './generations.ts'
import { readProducts, searchProducts } from './read-view.ts'

let infrastructure: Infrastructure
let store: RedisStore
let redis: ReturnType<typeof createClient>

before(async () => {
  infrastructure = await startInfrastructure({ databases: [], redis: true })
  const logger = createLogger({ service: 'test', level: 'silent' })
  store = new RedisStore({ url: infrastructure.redisUrl, logger, answerMs: 5_000 })
  redis = createClient({ url: infrastructure.redisUrl })
  await redis.connect()
})

beforeEach(async () => {
  await redis.flushAll()
})

after(async () => {
  redis?.destroy()
  await store?.close()
  await infrastructure?.[Symbol.asyncDispose]()
})

test('a batch is applied where it begins, and nowhere else', async () => {
  const { next: generation } = await beginGeneration(store)
  assert.equal(
    await units(generation, 5n, 8n, { first: 5n }),
    'applied',
    'the first of a partition begins where the log does',
  )
  assert.equal(await units(generation, 5n, 8n, { first: 5n }), 'moved', 'its answer was lost, and it is sent again')
  assert.equal(await units(generation, 9n, 10n), 'moved', 'one is left out')
  assert.equal(await units(generation, 8n, 10n), 'applied')
  assert.equal(await units('f3-none', 0n, 1n), 'gone')
  const state = await readState(store, generation)
  assert.equal(state?.positions.get('stock-topic 0'), 10n)
  assert.equal(state?.done, 5)
  assert.deepEqual(await redis.keys('timesale:view:f3-none:*'), [])
})

test('one keeper at a time, and another one at once when it leaves', async () => {
  assert.ok(await keep())
  assert.equal(await keepGenerations(store, 'two'), undefined)
  await leaveGenerations(store, 'two')
  assert.equal(await keepGenerations(store, 'two'), undefined, 'nobody is sent away by others')
  await leaveGenerations(store, 'one')
  assert.ok(await keepGenerations(store, 'two'))
  await until('and when it is killed, soon', async () => {
    await keepGenerations(store, 'two')
    return (await redis.pTTL('timesale:view:keeper')) > 0
  })
})

test('the next generation is served once it is as far as the present one, by the keeper alone', async () => {
  const first = await keep()
  assert.ok(first)
  assert.deepEqual([first.current, await keep()], ['', first], 'one is begun, and not another')
  await units(first.next, 0n, 10n)
  assert.equal(await serveNext(store, 'two', first.next), 'not-ours')
  assert.equal(await serveNext(store, 'one', first.next), 'served')
  const { next } = await beginGeneration(store)
  assert.deepEqual(await beginGeneration(store), { current: first.next, next }, 'one is built at a time')
  await units(next, 0n, 9n)
  assert.equal(await serveNext(store, 'one', next), 'behind')
  await units(next, 9n, 10n)
  assert.equal(await serveNext(store, 'one', 'f3-other'), 'not-ours')
  assert.equal(await serveNext(store, 'one', next), 'served')
  assert.deepEqual(await readGenerations(store), { current: next, next: '' })
})

test('what is neither served nor built is deleted, and nothing is written to it any more', async () => {
  const { next: old } = await beginGeneration(store)
  await keep()
  await units(old, 0n, 1n)
  await serveNext(store, 'one', old)
  const { next: served } = await beginGeneration(store)
  await units(served, 0n, 1n)
  await serveNext(store, 'one', served)
  const { next } = await beginGeneration(store)
  await units(next, 0n, 1n)
  const count = (await redis.keys('*')).length
  await deleteOldGenerations(store)
  const keys = await redis.keys('timesale:view:*:*')
  assert.deepEqual(new Set(keys.map((key) => key.split(':')[2])), new Set([served, next]))
  assert.ok((await redis.keys('*')).length < count)
  assert.equal(await units(old, 1n, 2n), 'gone')
  await giveUpGeneration(store, next)
  await giveUpGeneration(store, old)
  assert.deepEqual(await readGenerations(store), { current: served, next: '' })
})

test('how far behind a view is does not depend on when something last happened', async () => {
  const { next: generation } = await beginGeneration(store)
  await keep()
  const anHourAgo = new Date(Date.now() - 3_600_000).toISOString()
  const place = { topic: 'stock-topic', partition: 0, from: 0n, first: 0n, to: 5n }
  await applyChanges(store, generation, { ...place, changes: [], newest: anHourAgo })
  await serveNext(store, 'one', generation)
  const behind = async (): Promise<{ behindRecords: number; behindSeconds: number }> => {
    const headers = { 'view-token': '/product/products/A.2' }
    const asking = { headers, principal: OPEN, deadline: performance.now() + 150 }
    const refusal = await awaitToken(store, asking).catch((error: unknown) => error)
    assert.ok(refusal instanceof Refusal && refusal.code === 'view-behind', String(refusal))
    return refusal.about as { behindRecords: number; behindSeconds: number }
  }
  const unknown = await behind()
  assert.equal(unknown.behindRecords, 2, 'nobody has looked at the topics yet')
  assert.ok(unknown.behindSeconds < 30, `${unknown.behindSeconds} s`)
  await noteLook(store, generation, { total: 12, levelAt: Date.now() - 50 })
  const little = await behind()
  assert.equal(little.behindRecords, 7)
  assert.ok(little.behindSeconds > 0 && little.behindSeconds < 30, `${little.behindSeconds} s`)
  await redis.hDel(`timesale:view:${generation}:meta`, 'levelAt')
  await noteLook(store, generation, { total: 5, levelAt: Date.now() - 60_000 })
  await noteLook(store, generation, { total: 5, levelAt: undefined })
  await noteLook(store, generation, { total: 5, levelAt: Date.now() - 90_000 })
  const much = await behind()
  assert.equal(much.behindRecords, 2)
  assert.ok(much.behindSeconds >= 60 && much.behindSeconds < 85, `${much.behindSeconds} s`)
  await noteLook(store, 'f3-none', { total: 5, levelAt: 1 })
  assert.deepEqual(await redis.keys('timesale:view:f3-none:*'), [])
})

test('a search misses nothing, however many products have its longest word and lack the others', async () => {
  const { next: generation } = await beginGeneration(store)
  await keep()
  const ids = Array.from({ length: 2_600 }, (_, index) => `p-${String(index).padStart(4, '0')}`)
  const changes = ids.map((id, index) => {
    const terms = index % 1_300 === 1_299 ? 'common\ncommonly\nrare' : 'common\ncommonly'
    return { kind: 'product', id, version: 1, page: '{', saleId: '', saleTerms: '', shopId: '', terms } as const
  })
  const place = { topic: 'product-topic', partition: 0, from: 0n, first: 0n, to: 2_600n }
  await applyChanges(store, generation, { ...place, changes, newest: '' })
  await serveNext(store, 'one', generation)
  let [found, pages, after]: [number, number, string | undefined] = [0, 0, '']
  while (after !== undefined) {
    const { content } = await searchProducts(store, ['common', 'rare'], after, 20)
    assert.ok(content.products.length < 2, 'work for one page is bounded')
    found += content.products.length
    pages += 1
    after = content.next
  }
  assert.equal(found, 2)
  assert.ok(pages > 3, `${pages} pages`)
  assert.deepEqual((await searchProducts(store, [], '', 20)).content, { products: [], next: undefined })
})

test('what another form of this program has built is neither served nor followed', async () => {
  await redis.set('timesale:view:current', 'f0-old')
  await redis.hSet('timesale:view:f0-old:meta', 'made', '1')
  await assert.rejects(readProducts(store, ['A']), { code: 'view-building' })
  const generations = await keepGenerations(store, 'one')
  assert.match(generations?.next ?? '', /^f3-/)
})

/** As the keeper `one`. Its lease is made to last, or a test would hang on how fast it is. */
async function keep(): Promise<Generations | undefined> {
  const generations = await keepGenerations(store, 'one')
  await redis.persist('timesale:view:keeper')
  return generations
}

function units(
  generation: string,
  from: bigint,
  to: bigint,
  { first = 0n }: { first?: bigint } = {},
): Promise<'applied' | 'moved' | 'gone'> {
  const changes = [{ kind: 'stock', id: 'A', version: Number(to), units: 1 } as const]
  return applyChanges(store, generation, { topic: 'stock-topic', partition: 0, from, first, to, changes, newest: '' })
}
