import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Breaker } from './breaker.ts'

describe('a breaker', () => {
  test('opens at the twentieth call when half of them failed, and not before', () => {
    const breaker = new Breaker()
    calls(breaker, 10, 'well', 0)
    calls(breaker, 9, 'failed', 500)
    assert.equal(breaker.stateAt(500), 'closed')
    calls(breaker, 1, 'failed', 500)
    assert.equal(breaker.stateAt(500), 'open')
    assert.equal(breaker.admits(2_499), false)
  })

  test('stays closed while fewer than half fail', () => {
    const breaker = new Breaker()
    for (let round = 0; round < 50; round += 1) {
      calls(breaker, 2, 'well', round)
      calls(breaker, 1, 'failed', round)
    }
    assert.equal(breaker.stateAt(50), 'closed')
  })

  test('forgets what is older than ten seconds, also after a long rest', () => {
    const breaker = new Breaker()
    calls(breaker, 19, 'failed', 0)
    calls(breaker, 1, 'failed', 10_000)
    assert.equal(breaker.stateAt(10_000), 'closed')
    calls(breaker, 18, 'failed', 10_500)
    calls(breaker, 19, 'failed', 1_000_000)
    assert.equal(breaker.stateAt(1_000_000), 'closed')
    calls(breaker, 1, 'failed', 1_000_000)
    assert.equal(breaker.stateAt(1_000_000), 'open')
  })

  test('lets three calls try after two seconds; the first to end decides', () => {
    for (const how of ['well', 'failed'] as const) {
      const breaker = opened()
      assert.equal(breaker.stateAt(2_000), 'half-open')
      const probes = [breaker.begin(2_000), breaker.begin(2_000), breaker.begin(2_000)]
      assert.equal(breaker.admits(2_000), false)
      breaker.ended(probes[0] ?? 'call', how, 2_010)
      assert.equal(breaker.stateAt(2_010), how === 'well' ? 'closed' : 'open')
      // Those that end later do not turn it again.
      breaker.ended(probes[1] ?? 'call', how === 'well' ? 'failed' : 'well', 2_020)
      assert.equal(breaker.stateAt(2_020), how === 'well' ? 'closed' : 'open')
    }
  })

  test('a probe that says nothing gives its place back', () => {
    const breaker = opened()
    for (let time = 0; time < 5; time += 1) breaker.ended(breaker.begin(2_000), 'unsaid', 2_001)
    assert.equal(breaker.admits(2_001), true)
    assert.equal(breaker.stateAt(2_001), 'half-open')
  })

  test('what began before it opened does not count afterwards', () => {
    const breaker = opened()
    breaker.ended('call', 'well', 100)
    assert.equal(breaker.stateAt(100), 'open')
    breaker.ended(breaker.begin(2_000), 'well', 2_000)
    calls(breaker, 19, 'failed', 2_001)
    assert.equal(breaker.stateAt(2_001), 'closed')
  })
})

function opened(): Breaker {
  const breaker = new Breaker()
  calls(breaker, 20, 'failed', 0)
  assert.equal(breaker.stateAt(0), 'open')
  return breaker
}

function calls(breaker: Breaker, count: number, how: 'well' | 'failed', now: number): void {
  for (let call = 0; call < count; call += 1) breaker.ended(breaker.begin(now), how, now)
}
