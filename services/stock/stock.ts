import { fact, type Fact } from '@timesale/contracts/event'
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
    | { readonly kind: 'reserve'; readonly orderId: string; readonly productId: string; readonly quantity: number }
    | { readonly kind: 'commit'; readonly orderId: string }
    | { readonly kind: 'release'; readonly orderId: string; readonly productId: string; readonly quantity: number }
    | { readonly kind: 'restock'; readonly productId: string; readonly unitsOnSale: number }
  )

export interface Allocation {
  /** Only what has changed. */
  readonly levels: ReadonlyMap<string, StockLevel>
  readonly reservations: ReadonlyMap<string, Reservation>
  readonly movements: readonly Movement[]
  readonly facts: readonly Fact[]
}

/**
 * Works off a batch of demands, first come, first served, each on top of those before it. Pure: `levels` and
 * `reservations` hold what is stored of the products and orders in `demands`; absent means there is none.
 * An order gets all its units or none. Nothing here can make a level negative or change its sum.
 */
export function allocate(
  levels: ReadonlyMap<string, StockLevel>,
  reservations: ReadonlyMap<string, Reservation>,
  demands: readonly Demand[],
): Allocation {
  const shelf = new Shelf(levels, reservations)
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
  return { levels: shelf.levels, reservations: shelf.reservations, movements: shelf.movements, facts: shelf.facts }
}

type Reserve = Extract<Demand, { kind: 'reserve' }>
type Release = Extract<Demand, { kind: 'release' }>
type Restock = Extract<Demand, { kind: 'restock' }>

// The state while a batch is folded over it; lives for one call of allocate.
class Shelf {
  readonly levels = new Map<string, StockLevel>()
  readonly reservations = new Map<string, Reservation>()
  readonly movements: Movement[] = []
  readonly facts: Fact[] = []
  readonly #storedLevels: ReadonlyMap<string, StockLevel>
  readonly #storedReservations: ReadonlyMap<string, Reservation>

  constructor(levels: ReadonlyMap<string, StockLevel>, reservations: ReadonlyMap<string, Reservation>) {
    this.#storedLevels = levels
    this.#storedReservations = reservations
  }

  reserve({ orderId, productId, quantity, traceparent }: Reserve): void {
    // Decided before, or given up before it was asked for.
    if (this.#reservation(orderId) !== undefined) return
    const level = this.#level(productId)
    const about = { orderId, productId, quantity }
    if (level === undefined || level.available < quantity) {
      const reason = level === undefined ? ('unknown-product' as const) : ('sold-out' as const)
      this.reservations.set(orderId, { ...about, state: 'REFUSED', version: 1 })
      this.facts.push(
        fact(StockRejected, { aggregateId: orderId, version: 1, data: { ...about, reason }, traceparent }),
      )
      return
    }
    this.#change(level, { available: level.available - quantity, reserved: level.reserved + quantity })
    this.reservations.set(orderId, { ...about, state: 'HELD', version: 1 })
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
