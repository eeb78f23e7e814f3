import assert from 'node:assert/strict'
import { test } from 'node:test'
import { told, type LevelAccount } from './accounts.ts'
import type { EventRecord } from './event-record.ts'
import { Rulebook } from './finding.ts'
import { SoldOutRule } from './sold-out-rule.ts'
import type { Arrival } from './stock-rules.ts'

const NOON = Date.parse('2026-05-01T12:00:00Z')
const MINUTE = 60_000
const PUT_ON_SALE: Arrival = arrival({ at: NOON - 1_000, quantity: 10, isReturn: false })

test('all units are sold, or nobody was refused one', () => {
  assert.deepEqual(offencesOf({ available: 0, doorRefusedAt: NOON, refused: [{}] }), [])
  assert.deepEqual(offencesOf({ available: 3 }), [])
})

test('a unit that is left when somebody was refused one is told, however short the sale was', () => {
  const left = ['P: 1 units are left, and 0 came back late']
  assert.deepEqual(offencesOf({ available: 1, refused: [{}] }), left)
  assert.deepEqual(offencesOf({ available: 1, refused: [{ reason: 'sale-sold-out' }] }), left)
  assert.deepEqual(offencesOf({ available: 1, doorRefusedAt: NOON }), left)
})

test('who wanted two, or has enough, says nothing of a unit that is left', () => {
  assert.deepEqual(
    offencesOf({ available: 1, refused: [{ quantity: 2 }, { reason: 'buyer-limit' }, { reason: 'unknown-product' }] }),
    [],
  )
  assert.deepEqual(offencesOf({ available: 1, refused: [{ productId: 'Q' }] }), [])
})

test('what came back since the last refusal may be left, and not what came back long before', () => {
  const back = arrival({ at: NOON + MINUTE, quantity: 2, isReturn: true })
  assert.deepEqual(offencesOf({ available: 2, refused: [{}], arrivals: [back] }), [])
  assert.equal(offencesOf({ available: 3, refused: [{}], arrivals: [back] }).length, 1)
  assert.equal(offencesOf({ available: 2, refused: [{ at: NOON + 2 * MINUTE }, {}], arrivals: [back] }).length, 1)
  assert.equal(offencesOf({ available: 2, doorRefusedAt: NOON + 2 * MINUTE, arrivals: [back] }).length, 1)
})

interface Case {
  readonly available: number
  readonly doorRefusedAt?: number
  readonly refused?: readonly { productId?: string; quantity?: number; reason?: string; at?: number }[]
  readonly arrivals?: readonly Arrival[]
}

function offencesOf({ available, doorRefusedAt, refused = [], arrivals = [] }: Case): readonly string[] {
  const rule = new SoldOutRule([{ productId: 'P', doorRefusedAt }])
  for (const { productId = 'P', quantity = 1, reason = 'sold-out', at = NOON } of refused) {
    const data = { productId, quantity, reason }
    const event: EventRecord = {
      ...{ topic: 'stock-topic', partition: 0, offset: 0, source: '/stock/reservations', version: 1 },
      ...{ type: 'stock.rejected.v1', aggregateId: 'o-1', time: new Date(at).toISOString(), data },
    }
    rule.take(event)
  }
  const level: LevelAccount = {
    ...told(1),
    ...{ initial: 10, available, reserved: 0, sold: 10 - available, announced: new Map() },
  }
  const rules = new Rulebook()
  rule.end(new Map([['P', level]]), [PUT_ON_SALE, ...arrivals], rules)
  return rules.findings.flatMap(({ offenders }) => offenders)
}

function arrival(about: Pick<Arrival, 'at' | 'quantity' | 'isReturn'>): Arrival {
  return { productId: 'P', saleId: undefined, buyerId: undefined, ...about }
}
