import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getHeapSpaceStatistics } from 'node:v8'
import { giveBackMemory } from './give-back-memory.ts'

test('what a program took to load goes back to the system, and what it keeps is there', () => {
  const kept = Array.from({ length: 500_000 }, (_, index) => ({ index }))
  const grown = youngBytes()

  giveBackMemory()

  assert.ok(grown > 8_000_000, `there was nothing to give back: ${grown} bytes`)
  assert.ok(youngBytes() < 2_000_000, `${youngBytes()} bytes of ${grown} are still held`)
  assert.equal(kept.at(-1)?.index, 499_999)
})

test('nothing else gets the collector into its hands', () => {
  giveBackMemory()

  assert.equal(globalThis.gc, undefined)
})

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.physical_space_size ?? 0
}
