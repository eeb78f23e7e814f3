import type { Fact } from '@timesale/contracts/event'
import type { PlaceOrder } from '@timesale/contracts/order-api'
import { Refusal } from '@timesale/contracts/refusals'
import { appendToOutbox } from '@timesale/kafka/outbox'
import { eventRows } from '@timesale/kafka/outbox-lines'
import type { Database } from '@timesale/postgres/database'
import type { Tx } from '@timesale/postgres/sql'
import { appendHistory, findPlaced, insertOrders, insertPresumedNew, type PlacedBefore } from '../db/orders.ts'
import { findOrderable, type Price } from '../db/product-copies.ts'
import { placeOrder, type Decision } from '../order.ts'

/** An order that somebody waits for an answer to. */
export interface Wish {
  readonly orderId: string
  readonly buyerId: string
  readonly productId: string
  readonly quantity: number
  /** All that was asked for, to tell the same order sent again from another one under its id. */
  readonly body: string
  readonly traceparent: string
}

/** Accepted now or before with the same body; or a refusal, which has had no effect. */
export type Answer = 'accepted' | Refusal

export function toWish(orderId: string, body: PlaceOrder, traceparent: string): Wish {
  const { productId, quantity, buyerId = 'open' } = body
  return { orderId, buyerId, productId, quantity, body: bodyOf({ buyerId, productId, quantity }), traceparent }
}

/** Why an order that is new would be turned away at the door, if it would be. */
export type TurnAway = (wish: Wish) => 'sold-out' | 'outbox-full' | undefined

/** Prices as they were looked up last. May be old: the database compares them when it inserts. */
export type Prices = ReadonlyMap<string, Price>

/**
 * Accepts orders that are presumed to be new, of products whose prices are known, in one round trip. False, and nothing
 * is done, where one of them turns out not to be so; then `placeOrders` finds out which. Ids are distinct.
 */
export async function placePresumedNew(db: Database, wishes: readonly Wish[], prices: Prices): Promise<boolean> {
  const at = new Date()
  const decisions = decide(wishes, prices)
  if (decisions.length < wishes.length) return false
  return await insertPresumedNew(db, decisions, eventRows(factsOf(decisions), { at }), at)
}

/**
 * Accepts orders in one transaction. Ids are distinct within `wishes`. Who is to be turned away is asked only for ids
 * that are new to the database: an order that was accepted before gets the same answer again, whatever the times.
 */
export async function placeOrders(tx: Tx, wishes: readonly Wish[], turnAway: TurnAway): Promise<Answer[]> {
  const at = new Date()
  const prices = await findOrderable(tx, [...new Set(wishes.map(({ productId }) => productId))])
  const decisions = decide(
    wishes.filter((wish) => turnAway(wish) === undefined),
    prices,
  )

  const fresh = await insertOrders(tx, decisions, at)
  const known = await findPlaced(
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
  await appendToOutbox(tx, factsOf(placed), { at })

  return wishes.map((wish) => {
    if (fresh.has(wish.orderId)) return 'accepted'
    const before = answerOfBefore(wish, known)
    if (before !== undefined) return before
    if (!prices.has(wish.productId)) {
      const about = { orderId: wish.orderId, accepted: false }
      return new Refusal('unknown-product', { ...about, ...field('productId', 'is not a product that can be ordered') })
    }
    return turnedAway(wish, turnAway(wish))
  })
}

/** Turns away what is new, in one round trip; an order that was accepted before gets the same answer again. */
export async function turnAwayNew(db: Database, wishes: readonly Wish[], turnAway: TurnAway): Promise<Answer[]> {
  const known = await findPlaced(
    db.sql,
    wishes.map(({ orderId }) => orderId),
  )
  return wishes.map((wish) => answerOfBefore(wish, known) ?? turnedAway(wish, turnAway(wish)))
}

function answerOfBefore(wish: Wish, placed: ReadonlyMap<string, PlacedBefore>): Answer | undefined {
  const known = placed.get(wish.orderId)
  if (known === undefined) return undefined
  if (bodyOf(known) === wish.body) return 'accepted'
  const about = { orderId: wish.orderId, accepted: false }
  return new Refusal('order-id-reused', { ...about, ...field('orderId', 'was used for another order') })
}

function turnedAway({ orderId, productId }: Wish, why: ReturnType<TurnAway>): Refusal {
  return new Refusal(why ?? 'sold-out', { orderId, accepted: false, productId })
}

interface Placed extends Decision {
  readonly traceparent: string
}

function decide(wishes: readonly Wish[], prices: Prices): Placed[] {
  const placed: Placed[] = []
  for (const { orderId, buyerId, productId, quantity, traceparent } of wishes) {
    const price = prices.get(productId)
    if (price === undefined) continue
    const { unitPriceMinor, currency } = price
    const { order, facts } = placeOrder({ orderId, buyerId, productId, quantity, unitPriceMinor, currency })
    placed.push({ order, facts, traceparent })
  }
  return placed
}

function factsOf(placed: readonly Placed[]): Fact[] {
  return placed.flatMap(({ facts, traceparent }) => facts.map((told) => ({ ...told, traceparent })))
}

function field(name: string, message: string): { errors: { field: string; message: string }[] } {
  return { errors: [{ field: name, message }] }
}

// Ids have no blanks. Not a hash: PostgreSQL keeps these columns anyway, and a hash cost as much as a row.
function bodyOf({ buyerId, productId, quantity }: PlacedBefore): string {
  return `${buyerId} ${productId} ${quantity}`
}
