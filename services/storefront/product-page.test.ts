import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageMembers, productPage, saleTerms, type StoredProduct } from './product-page.ts'

const STARTS = Date.parse('2026-03-01T10:00:00Z')
const ENDS = Date.parse('2026-03-01T11:00:00Z')
const SALE = {
  saleId: 'S1',
  priceMinor: 500,
  units: 20,
  startsAt: '2026-03-01T10:00:00Z',
  endsAt: '2026-03-01T11:00:00Z',
  limitPerBuyer: 2,
}
const BARE: StoredProduct = { page: '{"productId":"A"', announced: '', held: '', saleTerms: '', sold: '' }

test('what is left is what was announced less what is set aside, and never less than nothing', () => {
  const left = (announced: string, held: string): unknown => JSON.parse(productPage({ ...BARE, announced, held }, 0))
  assert.deepEqual(left('10', '3'), { productId: 'A', stockLeft: 7 })
  assert.deepEqual(left('10', ''), { productId: 'A', stockLeft: 10 })
  assert.deepEqual(left('', ''), { productId: 'A', stockLeft: 0 })
  assert.deepEqual(left('', '3'), { productId: 'A', stockLeft: 0 })
})

test('a sale is upcoming until it starts, runs until just before its end, and has ended then', () => {
  const at = (now: number): unknown => {
    const stored = { ...BARE, saleTerms: saleTerms(SALE), sold: '5' }
    return (JSON.parse(productPage(stored, now)) as { sale: unknown }).sale
  }
  const sale = { ...SALE, unitsLeft: 15 }
  assert.deepEqual(at(STARTS - 1), { ...sale, state: 'upcoming', startsInMs: 1, endsInMs: 3_600_001 })
  assert.deepEqual(at(STARTS), { ...sale, state: 'running', startsInMs: 0, endsInMs: 3_600_000 })
  assert.deepEqual(at(ENDS - 1), { ...sale, state: 'running', startsInMs: 0, endsInMs: 1 })
  assert.deepEqual(at(ENDS), { ...sale, state: 'ended', startsInMs: 0, endsInMs: 0 })
})

test('a page of several names the next one where there is one', () => {
  const page = (next: string | undefined, asOf: string): unknown =>
    JSON.parse(`{${pageMembers({ products: [BARE, BARE], next, asOf }, 0)}}`)
  const products = [
    { productId: 'A', stockLeft: 0 },
    { productId: 'A', stockLeft: 0 },
  ]
  assert.deepEqual(page(undefined, ''), { products })
  assert.deepEqual(page('A', '2026-03-01T10:00:00.000Z'), { products, next: 'A', asOf: '2026-03-01T10:00:00.000Z' })
})
