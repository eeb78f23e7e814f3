import { hash } from 'node:crypto'
import type { PlaceOrder } from '@timesale/contracts/order-api'
import { Refusal } from '@timesale/contracts/refusals'
import { appendToOutbox } from '@timesale/kafka/outbox'
import type { Tx } from '@timesale/postgres/sql'
import { appendHistory, findBodyHashes, insertOrders } from '../db/orders.ts'
import { findOrderable } from '../db/product-copies.ts'
import { placeOrder } from '../order.ts'

/** An order that somebody waits for an answer to. */
export interface Wish {
  readonly orderId: string
  readonly buyerId: string
  readonly productId: string
  readonly quantity: number
  readonly bodyHash: string
  readonly traceparent: string
}

/** Accepted now or before with the same body; or a refusal, which has had no effect. */
export type Answer = 'accepted' | Refusal

export function toWish(orderId: string, body: PlaceOrder, traceparent: string): Wish {
  const { productId, quantity, buyerId = 'open' } = body
  return { orderId, buyerId, productId, quantity, bodyHash: bodyHash([buyerId, productId, quantity]), traceparent }
}

/** Why an order that is new would be turned away at the door, if it would be. */
export type TurnAway = (wish: Wish) => 'sold-out' | 'outbox-full' | undefined

/**
 * Accepts orders in one transaction. Ids are distinct within `wishes`. Who is to be turned away is asked only for ids
 * that are new to the database: an order that was accepted before gets the same answer again, whatever the times.
 */
export async function placeOrders(tx: Tx, wishes: readonly Wish[], turnAway: TurnAway): Promise<Answer[]> {
  const at = new Date()
  const prices = await findOrderable(tx, [...new Set(wishes.map(({ productId }) => productId))])
  const decisions = wishes.flatMap((wish) => {
    const price = prices.get(wish.productId)
    if (price === undefined || turnAway(wish) !== undefined) return []
    const { orderId, buyerId, productId, quantity } = wish
    const { unitPriceMinor, currency } = price
    const decision = placeOrder({ orderId, buyerId, productId, quantity, unitPriceMinor, currency })
    return [{ ...decision, bodyHash: wish.bodyHash, traceparent: wish.traceparent }]
  })

  const fresh = await insertOrders(tx, decisions, at)
  const known = await findBodyHashes(
    tx,
    wishes.filter(({ orderId }) => !fresh.has(orderId)).map(({ orderId }) => orderId),
  )
  const placed = decisions.filter(({ order }) => fresh.has(order.orderId))
  const entries = placed.map(({ order }) => ({
    orderId: order.orderId,
    version: 1,
    status: order.status,
    cause: 'POST /orders',
  }))
  await appendHistory(tx, entries, at)
  const facts = placed.flatMap(({ facts: told, traceparent }) => told.map((one) => ({ ...one, traceparent })))
  await appendToOutbox(tx, facts, { at })

  return wishes.map((wish) => {
    if (fresh.has(wish.orderId)) return 'accepted'
    const knownHash = known.get(wish.orderId)
    if (knownHash === wish.bodyHash) return 'accepted'
    const about = { orderId: wish.orderId, accepted: false }
    if (knownHash !== undefined)
      return new Refusal('order-id-reused', { ...about, ...field('orderId', 'was used for another order') })
    if (!prices.has(wish.productId)) {
      return new Refusal('unknown-product', { ...about, ...field('productId', 'is not a product that can be ordered') })
    }
    return new Refusal(turnAway(wish) ?? 'sold-out', { ...about, productId: wish.productId })
  })
}

function field(name: string, message: string): { errors: { field: string; message: string }[] } {
  return { errors: [{ field: name, message }] }
}

function bodyHash(body: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(body), 'base64url').slice(0, 22)
}
