import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addressKey } from './address.ts'
import { policyHeader, stateHeader } from './limit.ts'
import { Limiter } from './limiter.ts'
import { MemoryCounter } from './memory.ts'

describe('an address', () => {
  for (const [address, key] of [
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::FFFF:10.1.2.3', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::5:6:7:8:9', '2001:db8:0:5::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['64:ff9b::10.1.2.3', '64:ff9b:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::ffff:cb00:7105', '203.0.113.5'],
    ['0:0:0:0:0:FFFF:CB00:7105', '203.0.113.5'],
    ['203.0.113.5:4711', '203.0.113.5'],
    ['[2001:db8::1]:4711', '2001:db8:0:0::/64'],
    ['[2001:db8::1]', '2001:db8:0:0::/64'],
    ['[::ffff:cb00:7105]:4711', '203.0.113.5'],
    ['::cb00:7105', '0:0:0:0::/64'],
    ['unknown', 'unknown'],
  ] as const) {
    test(`${address} stands for ${key}`, () => assert.equal(addressKey(address), key))
  }

  test('that is made up is not kept at any length', () => assert.equal(addressKey('x'.repeat(10_000)).length, 64))
})

test('the headers are those of the draft', () => {
  const limit = { points: 60, seconds: 10 }
  assert.equal(policyHeader('orders', limit), '"orders";q=60;w=10')
  assert.equal(stateHeader('orders', limit, { spent: 1, leftMs: 9_001 }), '"orders";r=59;t=10')
  assert.equal(stateHeader('orders', limit, { spent: 61, leftMs: 1 }), '"orders";r=0;t=1')
})

describe('counting in memory', () => {
  const limit = { points: 2, seconds: 10 }

  test('begins a window with the first request and another one when it has ended', () => {
    const counter = new MemoryCounter()
    assert.deepEqual(counter.take('a', limit, 1_000), { spent: 1, leftMs: 10_000 })
    assert.deepEqual(counter.take('a', limit, 10_999), { spent: 2, leftMs: 1 })
    assert.deepEqual(counter.read('a', 10_999), { spent: 2, leftMs: 1 })
    assert.deepEqual(counter.read('a', 11_000), { spent: 0, leftMs: 0 })
    assert.deepEqual(counter.take('a', limit, 11_000), { spent: 1, leftMs: 10_000 })
    assert.deepEqual(counter.take('b', limit, 11_000), { spent: 1, leftMs: 10_000 })
  })

  test('forgets those first that began first, and does not grow without end', () => {
    const counter = new MemoryCounter()
    for (let index = 0; index <= 100_000; index += 1) counter.take(`key-${index}`, limit, 0)
    assert.equal(counter.read('key-0', 0).spent, 0)
    assert.equal(counter.read('key-1', 0).spent, 1)
    assert.equal(counter.read('key-100000', 0).spent, 1)
  })
})

test(
  'Redis hangs: whoever came meanwhile waits no longer than whoever came first, and nobody waits twice',
  { timeout: 10_000 },
  async () => {
    const asked: PromiseWithResolvers<never>[] = []
    const limiter = new Limiter({
      redis: {
        reachable: true,
        call: () => {
          asked.push(Promise.withResolvers())
          return asked.at(-1)?.promise ?? assert.fail()
        },
      },
      limitOf: () => ({ points: 10, seconds: 10 }),
      replicas: 2,
      isRevoked: () => false,
      onMemory: () => undefined,
    })
    const first = limiter.take('browse', 'a', undefined)
    const later = ['a', 'b'].map((who) => limiter.take('browse', who, 'session'))
    assert.equal(asked.length, 1)
    asked[0]?.reject(new Error('no answer in time'))
    const taken = await Promise.all([first, ...later])
    assert.deepEqual(
      taken.map(({ spent, limit }) => [spent, limit.points]),
      [
        [1, 5],
        [2, 5],
        [1, 5],
      ],
    )
    const { countedIn, counts } = await limiter.read([{ class: 'browse', who: 'a' }])
    assert.deepEqual([countedIn, counts[0]?.spent], ['memory', 2])
    assert.equal(asked.length, 1, 'nobody has asked Redis again')
    // The next one does.
    const next = limiter.take('browse', 'a', undefined)
    assert.equal(asked.length, 2)
    asked[1]?.resolve([7, 9_000, 0] as never)
    assert.equal((await next).spent, 7)
  },
)
