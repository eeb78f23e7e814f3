import { randomOf } from './random.ts'

/** Shares of buyers, 0 to 1, who do more than to order once. */
export interface Mix {
  /** Click twice: the same order, both times at once. */
  readonly doubleClick: number
  /** Ask again when they know already. */
  readonly repeat: number
  /** Use their order's id for another order, which must be refused. */
  readonly otherBody: number
  /** Give the order up at once. */
  readonly cancel: number
  /** Come four times, for an order each: more than a time sale may let one buyer have. */
  readonly greedy: number
  /** Look at their order, and somebody else looks at it too, who must not see it. */
  readonly look: number
}

export const USUAL_MIX: Mix = { doubleClick: 0.05, repeat: 0.1, otherBody: 0.03, cancel: 0.03, greedy: 0.05, look: 0 }

/** What one buyer does; a function of the seed and the buyer's number alone. */
export interface Plan {
  readonly orderId: string
  readonly buyerId: string
  readonly productId: string
  readonly quantity: number
  readonly doubleClick: boolean
  readonly repeat: boolean
  readonly otherBody: boolean
  readonly cancel: boolean
  readonly look: boolean
}

export interface PlanOptions {
  readonly seed: number
  /** What order ids begin with. */
  readonly name: string
  readonly products: readonly string[]
  readonly mix: Mix
  /** Whose orders they are: each of these is many buyers. Without them each buyer is somebody else. */
  readonly accounts?: readonly string[] | undefined
  /** Buyers with a higher number cancel nothing. */
  readonly cancelUntil: number
}

/** Of ten buyers, six take one, three take two, one takes three. */
const QUANTITIES = [1, 1, 1, 1, 1, 1, 2, 2, 2, 3] as const

const GREEDY_ORDERS = 4

/**
 * Buyers count from 1; one who comes four times counts as four. The first one takes a unit and keeps it, so that also the
 * smallest sale sells something.
 */
export function planOf(number: number, { seed, name, products, mix, accounts, cancelUntil }: PlanOptions): Plan {
  const draw = (label: number): number => randomOf(seed, number, label)
  const firstOfFour = number - ((number - 1) % GREEDY_ORDERS)
  const isGreedy = randomOf(seed, firstOfFour, 7) < mix.greedy
  const who = isGreedy ? firstOfFour : number
  return {
    orderId: `${name}-${number}`,
    buyerId: accounts?.[(who - 1) % accounts.length] ?? `${name}-buyer-${who}`,
    productId: products[Math.floor(draw(1) * products.length)] ?? '',
    quantity: number === 1 ? 1 : (QUANTITIES[Math.floor(draw(2) * QUANTITIES.length)] ?? 1),
    doubleClick: draw(3) < mix.doubleClick,
    repeat: draw(4) < mix.repeat,
    otherBody: draw(5) < mix.otherBody,
    cancel: number > 1 && number <= cancelUntil && draw(6) < mix.cancel,
    look: draw(8) < mix.look,
  }
}

/** When a buyer comes, in milliseconds after the beginning: at the rate, each at a random moment of their own slot. */
export function arrivalMs(number: number, ordersPerSecond: number, seed: number): number {
  return ((number - 1 + randomOf(seed, number, 0)) * 1000) / ordersPerSecond
}

/** When buyers of a sale come that opens after so long. */
export interface Opening {
  readonly opensInMs: number
  /** So many come before it opens; those with the lowest numbers. */
  readonly early: number
}

/** As `arrivalMs`, of a sale that opens later: the early ones come at any time before, the others from then on. */
export function comesMs(number: number, ordersPerSecond: number, seed: number, { opensInMs, early }: Opening): number {
  if (number > early) return opensInMs + arrivalMs(number - early, ordersPerSecond, seed)
  return ((number - 1 + randomOf(seed, number, 0)) * opensInMs) / early
}
