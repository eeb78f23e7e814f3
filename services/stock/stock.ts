import { fact, type Fact } from '@timesale/contracts/event'
import type { SaleTerms } from '@timesale/contracts/order-events'
import {
  StockAnnounced,
  StockCommitted,
  StockRejected,
  StockReleased,
  StockReserved,
} from '@timesale/contracts/stock-events'

export interface StockLevel {
  readonly productId: string
  /** initial = available + reserved + sold, always. */
  readonly initial: number
  readonly available: number
  readonly reserved: number
  readonly sold: number
  /** Rises with every change. */
  readonly version: number
  /** Counts the facts told of the product. */
  readonly announced: number
}

export interface Reservation {
  readonly orderId: string
  readonly productId: string
  readonly quantity: number
  /** TOMBSTONE: given up before it was asked for, so that a late request finds nothing to do. */
  readonly state: 'HELD' | 'COMMITTED' | 'RELEASED' | 'REFUSED' | 'TOMBSTONE'
  /** Counts the facts told of the reservation. */
  readonly version: number
  /** Of which time sale it is, and whose: there its units count as taken while it is HELD or COMMITTED. */
  readonly sale?: SaleBuyer | undefined
}

export interface SaleBuyer {
  readonly saleId: string
  readonly buyerId: string
}

/** What is taken of a product's time sale: by one buyer, or by all of them together. */
export interface Taking extends SaleBuyer {
  readonly productId: string
  /** Whose, or `ALL_BUYERS`. */
  readonly buyerId: string
  readonly units: number
  /** The most that an order was ever told may be taken; null where one was told of no limit. */
  readonly most: number | null
}

/** No buyer's id is empty. */
export const ALL_BUYERS = ''

/** The key of a taking in the maps of `allocate`. Ids hold no spaces. */
export function takingKey(productId: string, { saleId, buyerId }: SaleBuyer): string {
  return `${productId} ${saleId} ${buyerId}`
}

export interface Movement {
  readonly productId: string
  readonly orderId: string | null
  readonly version: number
  readonly kind: 'RESTOCK' | 'RESERVE' | 'COMMIT' | 'RELEASE'
  readonly quantity: number
}

interface Cause {
  readonly traceparent?: string | undefined
}

/** What orders and the catalogue ask of stock, in the order they asked. */
export type Demand = Cause &
  (
    | {
        readonly kind: 'reserve'
        readonly orderId: string
        readonly productId: string
        readonly quantity: number
        /** Placed in a time sale: on these terms, by this buyer. */
        readonly sale?: (SaleTerms & SaleBuyer) | undefined
      }
    | { readonly kind: 'commit'; readonly orderId: string }
    | { readonly kind: 'release'; readonly orderId: string; readonly productId: string; readonly quantity: number }
    | { readonly kind: 'restock'; readonly productId: string; readonly unitsOnSale: number }
  )

export interface Allocation {
  /** Only what has changed. */
  readonly levels: ReadonlyMap<string, StockLevel>
  readonly reservations: ReadonlyMap<string, Reservation>
  readonly takings: ReadonlyMap<string, Taking>
  readonly movements: readonly Movement[]
  readonly facts: readonly Fact[]
}

/**
 * Works off a batch of demands, first come, first served, each on top of those before it. Pure: `levels`,
 * `reservations` and `takings` (by `takingKey`) hold what is stored of the products, orders and time sales in `demands`
 * and of those that the reservations name; absent means there is none. An order gets all its units or none. Nothing here
 * can make a level negative or change its sum, or take more of a time sale than the order's own terms allow.
 */
export function allocate(
  levels: ReadonlyMap<string, StockLevel>,
  reservations: ReadonlyMap<string, Reservation>,
  takings: ReadonlyMap<string, Taking>,
  demands: readonly Demand[],
): Allocation {
  const shelf = new Shelf(levels, reservations, takings)
  for (const demand of demands) {
    switch (demand.kind) {
      case 'reserve':
        shelf.reserve(demand)
        break
      case 'commit':
        shelf.commit(demand)
        break
      case 'release':
        shelf.release(demand)
        break
      case 'restock':
        shelf.restock(demand)
    }
  }
  const { takings: taken, movements, facts } = shelf
  return { levels: shelf.levels, reservations: shelf.reservations, takings: taken, movements, facts }
}

type Reserve = Extract<Demand, { kind: 'reserve' }>
type Release = Extract<Demand, { kind: 'release' }>
type Restock = Extract<Demand, { kind: 'restock' }>

// The state while a batch is folded over it; lives for one call of allocate.
class Shelf {
  readonly levels = new Map<string, StockLevel>()
  readonly reservations = new Map<string, Reservation>()
  readonly takings = new Map<string, Taking>()
  readonly movements: Movement[] = []
  readonly facts: Fact[] = []
  readonly #storedLevels: ReadonlyMap<string, StockLevel>
  readonly #storedReservations: ReadonlyMap<string, Reservation>
  readonly #storedTakings: ReadonlyMap<string, Taking>

  constructor(
    levels: ReadonlyMap<string, StockLevel>,
    reservations: ReadonlyMap<string, Reservation>,
    takings: ReadonlyMap<string, Taking>,
  ) {
    this.#storedLevels = levels
    this.#storedReservations = reservations
    this.#storedTakings = takings
  }

  reserve(demand: Reserve): void {
    const { orderId, productId, quantity, sale, traceparent } = demand
    // Decided before, or given up before it was asked for.
    if (this.#reservation(orderId) !== undefined) return
    const about = { orderId, productId, quantity }
    const reservation = sale === undefined ? about : { ...about, sale: buyerOf(sale) }
    const level = this.#level(productId)
    const reason = this.#refusalOf(demand, level)
    if (level === undefined || reason !== undefined) {
      this.reservations.set(orderId, { ...reservation, state: 'REFUSED', version: 1 })
      const data = { ...about, reason: reason ?? 'unknown-product' }
      this.facts.push(fact(StockRejected, { aggregateId: orderId, version: 1, data, traceparent }))
      return
    }
    this.#change(level, { available: level.available - quantity, reserved: level.reserved + quantity })
    if (sale !== undefined) this.#take(demand, sale)
    this.reservations.set(orderId, { ...reservation, state: 'HELD', version: 1 })
    this.movements.push({ productId, orderId, version: 1, kind: 'RESERVE', quantity })
    this.facts.push(fact(StockReserved, { aggregateId: orderId, version: 1, data: about, traceparent }))
  }

  commit({ orderId, traceparent }: { orderId: string } & Cause): void {
    const held = this.#reservation(orderId)
    if (held?.state !== 'HELD') return
    const level = this.#levelOf(held)
    this.#change(level, { reserved: level.reserved - held.quantity, sold: level.sold + held.quantity })
    this.#close(held, 'COMMITTED', 'COMMIT')
    this.facts.push(
      fact(StockCommitted, { aggregateId: orderId, version: held.version + 1, data: aboutOf(held), traceparent }),
    )
  }

  release({ orderId, productId, quantity, traceparent }: Release): void {
    const held = this.#reservation(orderId)
    if (held === undefined) {
      this.reservations.set(orderId, { orderId, productId, quantity, state: 'TOMBSTONE', version: 0 })
      return
    }
    if (held.state !== 'HELD') return
    const level = this.#levelOf(held)
    this.#change(level, { reserved: level.reserved - held.quantity, available: level.available + held.quantity })
    this.#giveBack(held)
    this.#close(held, 'RELEASED', 'RELEASE')
    this.facts.push(
      fact(StockReleased, { aggregateId: orderId, version: held.version + 1, data: aboutOf(held), traceparent }),
    )
  }

  restock({ productId, unitsOnSale, traceparent }: Restock): void {
    const level = this.#level(productId)
    const added = unitsOnSale - (level?.initial ?? 0)
    // Units on sale only ever grow, so an older word of the catalogue says nothing new.
    if (level !== undefined && added <= 0) return
    const version = (level?.announced ?? 0) + 1
    const before = level ?? { productId, initial: 0, available: 0, reserved: 0, sold: 0, version: 0, announced: 0 }
    this.#change(before, { initial: before.initial + added, available: before.available + added, announced: version })
    if (added > 0) this.movements.push({ productId, orderId: null, version, kind: 'RESTOCK', quantity: added })
    this.facts.push(
      fact(StockAnnounced, { aggregateId: productId, version, data: { productId, unitsOnSale }, traceparent }),
    )
  }

  // What concerns the buyer alone is said first: a sale that is used up, or a product, is so for everybody.
  #refusalOf({ productId, quantity, sale }: Reserve, level: StockLevel | undefined): string | undefined {
    if (level === undefined) return 'unknown-product'
    if (sale !== undefined) {
      const { units, limitPerBuyer = Infinity } = sale
      if (this.#taken(productId, sale).units + quantity > limitPerBuyer) return 'buyer-limit'
      if (this.#taken(productId, allOf(sale)).units + quantity > units) return 'sale-sold-out'
    }
    return level.available < quantity ? 'sold-out' : undefined
  }

  #take({ productId, quantity }: Reserve, sale: SaleTerms & SaleBuyer): void {
    this.#addTaking(this.#taken(productId, sale), quantity, sale.limitPerBuyer ?? null)
    this.#addTaking(this.#taken(productId, allOf(sale)), quantity, sale.units)
  }

  #giveBack({ productId, orderId, quantity, sale }: Reservation): void {
    if (sale === undefined) return
    for (const whose of [sale, allOf(sale)]) {
      const taking = this.#taken(productId, whose)
      if (taking.units < quantity) throw new Error(`Order ${orderId} gives back more of ${sale.saleId} than was taken.`)
      this.#addTaking(taking, -quantity, taking.most)
    }
  }

  #taken(productId: string, sale: SaleBuyer): Taking {
    const key = takingKey(productId, sale)
    const taking = this.takings.get(key) ?? this.#storedTakings.get(key)
    return taking ?? { productId, ...buyerOf(sale), units: 0, most: 0 }
  }

  #addTaking(taking: Taking, units: number, told: number | null): void {
    const most = taking.most === null || told === null ? null : Math.max(taking.most, told)
    this.takings.set(takingKey(taking.productId, taking), { ...taking, units: taking.units + units, most })
  }

  #level(productId: string): StockLevel | undefined {
    return this.levels.get(productId) ?? this.#storedLevels.get(productId)
  }

  #levelOf({ productId, orderId }: Reservation): StockLevel {
    const level = this.#level(productId)
    if (level === undefined) throw new Error(`Order ${orderId} holds units of ${productId}, which has no stock.`)
    return level
  }

  #reservation(orderId: string): Reservation | undefined {
    return this.reservations.get(orderId) ?? this.#storedReservations.get(orderId)
  }

  #change(level: StockLevel, change: Partial<StockLevel>): void {
    this.levels.set(level.productId, { ...level, ...change, version: level.version + 1 })
  }

  #close(held: Reservation, state: 'COMMITTED' | 'RELEASED', kind: 'COMMIT' | 'RELEASE'): void {
    const version = held.version + 1
    this.reservations.set(held.orderId, { ...held, state, version })
    this.movements.push({ productId: held.productId, orderId: held.orderId, version, kind, quantity: held.quantity })
  }
}

function aboutOf({ orderId, productId, quantity }: Reservation): {
  orderId: string
  productId: string
  quantity: number
} {
  return { orderId, productId, quantity }
}

function buyerOf({ saleId, buyerId }: SaleBuyer): SaleBuyer {
  return { saleId, buyerId }
}

function allOf({ saleId }: SaleBuyer): SaleBuyer {
  return { saleId, buyerId: ALL_BUYERS }
}
