import type { Fact } from '@timesale/contracts/event'
import { IDEMPOTENCY_KEY_HEADER, type PlaceOrder } from '@timesale/contracts/order-api'
import { Refusal } from '@timesale/contracts/refusals'
import { appendToOutbox } from '@timesale/kafka/outbox'
import { eventRows } from '@timesale/kafka/outbox-lines'
import type { Database } from '@timesale/postgres/database'
import type { Tx } from '@timesale/postgres/sql'
import {
  appendHistory,
  claimKeys,
  findNamed,
  findPlaced,
  insertOrders,
  insertPresumedNew,
  takeBack,
  type NewOrder,
  type OrderKey,
  type PlacedBefore,
} from '../db/orders.ts'
import { findOffers, type Offer, type Offers } from '../db/product-copies.ts'
import { isMadeOfAnotherKey } from '../keyed-order-id.ts'
import { placeOrder } from '../order.ts'
import { refuseSale } from '../sale.ts'

/** An order that somebody waits for an answer to. */
export interface Wish {
  readonly orderId: string
  readonly buyerId: string
  readonly productId: string
  readonly quantity: number
  /** What the buyer calls this request (Idempotency-Key). */
  readonly key?: string
  /** All that was asked for, to tell the same request sent again from another one under its id. */
  readonly body: string
  readonly traceparent: string
}

/** Accepted now or before with the same body; or a refusal, which has had no effect. */
export type Answer = 'accepted' | Refusal

/** `body` says who buys, or nobody does (`open`). */
export function toWish(orderId: string, body: PlaceOrder, traceparent: string, key?: string): Wish {
  const { productId, quantity, buyerId = 'open' } = body
  const asked = { orderId, buyerId, productId, quantity, traceparent }
  return key === undefined ? { ...asked, body: bodyOf(asked) } : { ...asked, key, body: `${bodyOf(asked)} ${key}` }
}

/** Why an order that is new would be turned away at the door, if it would be. */
export type TurnAway = (wish: Wish) => 'sold-out' | 'outbox-full' | 'orders-paused' | undefined

/** Offers as they were looked up last. May be old: the database compares them when it inserts. */
type OffersByProduct = Offers['byProduct']

/**
 * Accepts orders that are presumed to be new, of products whose offers are known, in one round trip; `nowMs` is the time
 * they are told at. Resolves to the database's own time. Undefined, and nothing is done, where one of them turns out not
 * to be so; then `placeOrders` finds out which. Ids are distinct.
 */
export async function placePresumedNew(
  db: Database,
  wishes: readonly Wish[],
  { byProduct, nowMs }: { byProduct: OffersByProduct; nowMs: number },
): Promise<number | undefined> {
  const decisions = decide(wishes, byProduct)
  if (decisions.length < wishes.length) return undefined
  return await insertPresumedNew(db, decisions, eventRows(factsOf(decisions), { at: new Date(nowMs) }))
}

/**
 * Accepts orders in one transaction. Ids are distinct within `wishes`. Who is to be turned away is asked only for ids
 * that are new to the database: an order that was accepted before gets the same answer again, whatever the times.
 */
export async function placeOrders(tx: Tx, wishes: readonly Wish[], turnAway: TurnAway): Promise<Answer[]> {
  const [offers, namedBefore] = await Promise.all([findOffers(tx, productsOf(wishes)), findNamed(tx, keysOf(wishes))])
  const possible = wishes.filter(
    (wish) =>
      (namedBefore.get(wish.orderId) ?? wish.orderId) === wish.orderId && refuse(wish, offers, turnAway) === undefined,
  )
  const decisions = decide(possible, offers.byProduct)

  const inserted = await insertOrders(tx, decisions)
  const placed = await findPlaced(tx, idsOf(wishes.filter(({ orderId }) => !inserted.has(orderId))))
  const stands = (wish: Wish): boolean => inserted.has(wish.orderId) || isSame(wish, placed.get(wish.orderId))
  const named = await nameOrders(tx, wishes.filter(stands), namedBefore)
  // Of two orders under one key the one that the key names stands, the other has never been.
  const isOwn = (orderId: string): boolean => (named.get(orderId) ?? orderId) === orderId
  const lost = [...inserted].filter((orderId) => !isOwn(orderId))
  if (lost.length > 0) await takeBack(tx, lost)

  const fresh = decisions.filter(({ order }) => inserted.has(order.orderId) && isOwn(order.orderId))
  const entries = fresh.map(({ order: { orderId, status } }) => ({
    ...{ orderId, version: 1, status },
    cause: 'POST /orders',
  }))
  await appendHistory(tx, entries)
  await appendToOutbox(tx, factsOf(fresh), { at: new Date(offers.nowMs ?? Date.now()) })

  const accepted = new Set(fresh.map(({ order }) => order.orderId))
  return wishes.map((wish) => {
    const answer: Answer | undefined = accepted.has(wish.orderId)
      ? 'accepted'
      : (answerOfBefore(wish, { placed, named }) ?? refuse(wish, offers, turnAway))
    if (answer === undefined) throw new Error('An order was neither placed nor refused.')
    return answer
  })
}

// Orders that stand are named by their keys, also those that were placed without, or under another key.
async function nameOrders(
  tx: Tx,
  standing: readonly Wish[],
  namedBefore: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  const keys = keysOf(standing.filter(({ orderId }) => !namedBefore.has(orderId)))
  if (keys.length === 0) return namedBefore
  await claimKeys(tx, keys)
  return new Map([...namedBefore, ...(await findNamed(tx, keys))])
}

/**
 * Refuses what is new, in one round trip; an order that was accepted before gets the same answer again. Undefined
 * where it is not to be refused after all, or where more than a look is needed: that is for `placeOrders`. Sales are
 * looked up again if `offers` has no time of its own.
 */
export async function refuseNew(
  db: Database,
  wishes: readonly Wish[],
  turnAway: TurnAway,
  presumed: OffersByProduct,
): Promise<{ answers: (Answer | undefined)[]; nowMs: number | undefined }> {
  const inSale = wishes.some(({ productId }) => presumed.get(productId)?.sale !== undefined)
  const [placed, named, offers] = await Promise.all([
    findPlaced(db.sql, idsOf(wishes)),
    findNamed(db.sql, keysOf(wishes)),
    inSale ? findOffers(db.sql, productsOf(wishes)) : { byProduct: presumed, nowMs: undefined },
  ])
  const answers = wishes.map((wish) => {
    const before = answerOfBefore(wish, { placed, named })
    if (before === 'accepted' && wish.key !== undefined && !named.has(wish.orderId)) return undefined
    return before ?? refuse(wish, offers, turnAway)
  })
  return { answers, nowMs: offers.nowMs }
}

interface Before {
  readonly placed: ReadonlyMap<string, PlacedBefore>
  /** Of each order, by its id: which one its key names. */
  readonly named: ReadonlyMap<string, string>
}

// Whoever else's order it is, or whatever it is of, is not told: ids are everybody's, and this one is taken.
function answerOfBefore(wish: Wish, { placed, named }: Before): Answer | undefined {
  const { orderId } = wish
  const about = { orderId, accepted: false }
  const known = placed.get(orderId)
  const name = named.get(orderId)
  if (name === undefined ? known === undefined : name === orderId && known === undefined) return undefined
  if ((name ?? orderId) === orderId && isSame(wish, known)) return 'accepted'
  if (name === undefined)
    return new Refusal('order-id-reused', { ...about, ...field('orderId', 'was used for another order') })
  const errors = field(IDEMPOTENCY_KEY_HEADER, 'was used for another request')
  return new Refusal('idempotency-key-reused', { ...about, ...errors })
}

// Why an order that is new is not to be placed.
function refuse(wish: Wish, { byProduct, nowMs }: Offers, turnAway: TurnAway): Refusal | undefined {
  const { orderId, productId } = wish
  if (isMadeOfAnotherKey(wish)) {
    const about = { orderId, accepted: false }
    return new Refusal('invalid-request', {
      ...about,
      ...field('orderId', 'is of a form that is kept for ids made of keys'),
    })
  }
  const offer = byProduct.get(productId)
  if (offer === undefined) {
    const about = { orderId, accepted: false }
    return new Refusal('unknown-product', { ...about, ...field('productId', 'is not a product that can be ordered') })
  }
  const why = turnAway(wish)
  return refuseOffer(wish, offer, nowMs) ?? (why && new Refusal(why, { orderId, accepted: false, productId }))
}

/** Why this order cannot be placed on these terms at this time; undefined where it can. */
export function refuseOffer(wish: Wish, { sale }: Offer, nowMs: number | undefined): Refusal | undefined {
  return sale === undefined || nowMs === undefined ? undefined : refuseSale(sale, wish, nowMs)
}

interface Placed extends NewOrder {
  readonly facts: readonly Fact[]
  readonly traceparent: string
}

function decide(wishes: readonly Wish[], offers: OffersByProduct): Placed[] {
  const placed: Placed[] = []
  for (const wish of wishes) {
    const { orderId, buyerId, productId, quantity, traceparent } = wish
    const offer = offers.get(productId)
    if (offer === undefined) continue
    const { unitPriceMinor, currency } = offer
    const sale = offer.sale?.terms
    const { order, facts } = placeOrder({ orderId, buyerId, productId, quantity, unitPriceMinor, currency }, sale)
    placed.push({ order, facts, traceparent, sale, key: keyOf(wish) })
  }
  return placed
}

function factsOf(placed: readonly Placed[]): Fact[] {
  return placed.flatMap(({ facts, traceparent }) => facts.map((told) => ({ ...told, traceparent })))
}

function idsOf(wishes: readonly Wish[]): string[] {
  return wishes.map(({ orderId }) => orderId)
}

function productsOf(wishes: readonly Wish[]): string[] {
  return [...new Set(wishes.map(({ productId }) => productId))]
}

function keysOf(wishes: readonly Wish[]): OrderKey[] {
  return wishes.map(keyOf).filter((key) => key !== undefined)
}

function keyOf({ buyerId, key, orderId }: Wish): OrderKey | undefined {
  return key === undefined ? undefined : { buyerId, key, orderId }
}

function isSame(wish: Wish, placed: PlacedBefore | undefined): boolean {
  return placed !== undefined && bodyOf(placed) === bodyOf(wish)
}

function field(name: string, message: string): { errors: { field: string; message: string }[] } {
  return { errors: [{ field: name, message }] }
}

// Ids have no blanks. Not a hash: PostgreSQL keeps these columns anyway, and a hash cost as much as a row.
function bodyOf({ buyerId, productId, quantity }: PlacedBefore): string {
  return `${buyerId} ${productId} ${quantity}`
}
