import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withLastKnown } from './last-known.ts'
import { NOTHING } from './view-of-nothing.ts'

const at = (second: number): string => new Date(1_800_000_000_000 + second * 1000).toISOString()
const stock = (second: number, sold: number) => ({
  asOf: at(second),
  totals: { products: 1, initial: 10, available: 10 - sold, reserved: 0, sold },
})

test('what cannot be read now is what was read last, as old as it is', () => {
  const first = withLastKnown(undefined, { ...NOTHING, at: at(1), stock: stock(1, 1) })
  const second = withLastKnown(first, { ...NOTHING, at: at(20) })
  assert.deepEqual([second.at, second.stock], [at(20), stock(1, 1)])
  assert.equal(second.orders, null, 'what was never read')
  assert.deepEqual(withLastKnown(second, { ...NOTHING, at: at(21), stock: stock(21, 2) }).stock, stock(21, 2))
})

test('nobody says of a part that it runs because it ran', () => {
  const parts = { asOf: at(1), list: [{ name: 'stock', kind: 'service' as const, state: 'running' as const, port: 1 }] }
  const last = { ...NOTHING, parts }
  assert.equal(withLastKnown(last, { ...NOTHING, at: at(9) }).parts, null)
})
