import type { SaleTerms } from '@timesale/contracts/order-events'
import { Refusal } from '@timesale/contracts/refusals'

/** A time sale of a product, from `startsAtMs` until just before `endsAtMs`: of the epoch, with a fraction. */
export interface Sale {
  readonly terms: SaleTerms
  readonly startsAtMs: number
  readonly endsAtMs: number
}

/**
 * Why an order of so many units is not one of this sale at this moment; undefined where it is. Of several orders of one
 * buyer stock knows the sum; here one that is too large by itself is refused.
 */
export function refuseSale(
  { terms, startsAtMs, endsAtMs }: Sale,
  wish: { readonly orderId: string; readonly productId: string; readonly quantity: number },
  nowMs: number,
): Refusal | undefined {
  const { orderId, productId, quantity } = wish
  const about = { orderId, accepted: false, productId, saleId: terms.saleId }
  if (nowMs < startsAtMs) {
    // Rounded up, so that whoever waits as long finds it open.
    const startsInMs = Math.ceil(startsAtMs - nowMs)
    return new Refusal('sale-not-started', { ...about, startsAt: toInstant(startsAtMs), startsInMs })
  }
  if (nowMs >= endsAtMs) {
    const endedMsAgo = Math.floor(nowMs - endsAtMs)
    return new Refusal('sale-ended', { ...about, endsAt: toInstant(endsAtMs), endedMsAgo })
  }
  const { limitPerBuyer } = terms
  if (limitPerBuyer === undefined || quantity <= limitPerBuyer) return undefined
  const errors = [{ field: 'quantity', message: `must be at most ${limitPerBuyer}, the limit of a buyer in this sale` }]
  return new Refusal('buyer-limit', { ...about, limitPerBuyer, errors })
}

/** RFC 3339, UTC, to the millisecond. */
export function toInstant(ms: number): string {
  return new Date(Math.floor(ms)).toISOString()
}
