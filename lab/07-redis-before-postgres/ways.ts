import type { Counter } from './counter.ts'
import type { Door } from './door.ts'
import { findOrders, placeOrders, type Outcome, type Outcomes, type Statements } from './orders.ts'

/** Says of each of these orders what has become of it. */
export type Place = (orderIds: readonly string[]) => Promise<Outcomes>
export type Buy = (orderId: string) => Promise<Outcome>

const BATCH_MAX = 128

/** PostgreSQL alone, and a row of each order. */
export function inDatabase(db: Statements): Place {
  return (orderIds) => placeOrders(db, orderIds)
}

/** PostgreSQL alone, with a look at its own count before: of an order for which nothing is left there is no row. */
export function behindSelect(db: Statements): Place {
  return async (orderIds) => {
    const { known, left } = await findOrders(db, orderIds)
    const unknown = orderIds.filter((orderId) => !known.has(orderId))
    if (unknown.length === 0) return known
    return new Map([...known, ...(left === 0 ? soldOutFor(unknown) : await placeOrders(db, unknown))])
  }
}

/** A look at Redis before; under its word there is no row either. */
export function behindDoor(db: Statements, door: Door): Place {
  return async (orderIds) => {
    const { placed, soldOut } = await door.look(orderIds)
    const unknown = orderIds.filter((orderId) => !placed.has(orderId))
    if (unknown.length === 0) return placed
    if (soldOut) {
      // The mark of an order that stands may be lost: nobody is turned away before the database has said that the id is new.
      const { known, left } = await findOrders(db, unknown)
      if (left === 0) door.saySoldOut()
      return new Map([...soldOutFor(unknown), ...known, ...placed])
    }
    const outcomes = await placeOrders(db, unknown)
    door.remember(outcomes)
    if ([...outcomes.values()].includes('sold-out')) door.saySoldOut()
    return new Map([...placed, ...outcomes])
  }
}

/** Redis decides, and what it has sold is written down before anybody is told. */
export function byCounter(counter: Counter, record: Place): Buy {
  const recorded = inBatches(record)
  return async (orderId) => {
    const outcome = await counter.take(orderId)
    return outcome === 'sold' ? await recorded(orderId) : outcome
  }
}

export function oneByOne(place: Place): Buy {
  return async (orderId) => toldOf(await place([orderId]), orderId)
}

/** Whoever comes while a batch is being placed is in the next one; who comes twice meanwhile is placed once. */
export function inBatches(place: Place): Buy {
  const waiting = new Map<string, PromiseWithResolvers<Outcome>>()
  let isPlacing = false
  const work = async (): Promise<void> => {
    isPlacing = true
    while (waiting.size > 0) {
      // Those who come in this turn of the event loop come along.
      await new Promise((resolve) => setImmediate(resolve))
      const batch = [...waiting].slice(0, BATCH_MAX)
      for (const [orderId] of batch) waiting.delete(orderId)
      try {
        const outcomes = await place(batch.map(([orderId]) => orderId))
        for (const [orderId, { resolve }] of batch) resolve(toldOf(outcomes, orderId))
      } catch (error) {
        for (const [, { reject }] of batch) reject(error)
      }
    }
    isPlacing = false
  }
  return (orderId) => {
    const own = waiting.get(orderId) ?? Promise.withResolvers<Outcome>()
    waiting.set(orderId, own)
    if (!isPlacing) void work()
    return own.promise
  }
}

function soldOutFor(orderIds: readonly string[]): Outcomes {
  return new Map(orderIds.map((orderId) => [orderId, 'sold-out']))
}

function toldOf(outcomes: Outcomes, orderId: string): Outcome {
  const outcome = outcomes.get(orderId)
  if (outcome === undefined) throw new Error(`Nothing was said of order ${orderId}`)
  return outcome
}
