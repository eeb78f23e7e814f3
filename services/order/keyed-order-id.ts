import { hash } from 'node:crypto'

const KEYED_ID = /^k-[A-Za-z0-9_-]{43}$/

/** The same key makes the same id, so that a repetition finds its order. As a hash, since a key may be longer than an id. */
export function keyedOrderId(buyerId: string, key: string): string {
  return `k-${hash('sha256', `${buyerId} ${key}`, 'base64url')}`
}

/**
 * True where an order that is new may not have this id, which is made of another buyer or key. There is no secret in it:
 * whoever guessed a key could take the id first, and its owner could never use the key.
 */
export function isMadeOfAnotherKey(wish: { orderId: string; buyerId: string; key?: string }): boolean {
  const { orderId, buyerId, key } = wish
  return KEYED_ID.test(orderId) && (key === undefined || orderId !== keyedOrderId(buyerId, key))
}
