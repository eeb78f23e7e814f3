// What the databases say, held in memory while the topics are compared with it: one small object for each aggregate.

/** How far an aggregate's events were found on its topic. */
export interface Told {
  /** The version its row has: so many events there must be. */
  readonly version: number
  /** Versions 1 to this one were found, each first behind the one before. */
  seen: number
  /** Versions that were found before their turn; mostly there are none. */
  early: Set<number> | undefined
  /** A bit for each group whose inbox knows of it. */
  readBy: number
}

export function told(version: number): Told {
  return { version, seen: 0, early: undefined, readBy: 0 }
}

/** The newest version of it that is on the topic; 0 where there is none. */
export function newestOf({ seen, early }: Told): number {
  return early === undefined ? seen : Math.max(seen, ...early)
}

export interface OrderAccount extends Told {
  readonly buyerId: string
  readonly productId: string
  readonly quantity: number
  readonly unitPriceMinor: number
  readonly currency: string
  readonly status: string
  /** Of which time sale it is, and when it was placed: milliseconds since the epoch. */
  readonly sale: { readonly saleId: string; readonly placedAt: number } | undefined
  /** Of its last event, as the topic has it: for the notice. Milliseconds since the epoch. */
  endedAt: number
  noticed: boolean
}

export interface ReservationAccount extends Told {
  readonly productId: string
  readonly quantity: number
  readonly state: string
  readonly sale: { readonly saleId: string; readonly buyerId: string } | undefined
}

export interface LevelAccount extends Told {
  readonly initial: number
  readonly available: number
  readonly reserved: number
  readonly sold: number
  /** Units on sale after each announcement, by version. */
  readonly announced: ReadonlyMap<number, number>
}

export interface ProductAccount extends Told {
  readonly nameKo: string
  readonly nameEn: string
  readonly priceMinor: number
  readonly currency: string
  readonly unitsOnSale: number
  readonly shopId: string | undefined
  /** As an event says it; times in RFC 3339, UTC, to the millisecond. */
  readonly sale: Readonly<Record<string, unknown>> | undefined
}

export interface ShopAccount extends Told {
  readonly name: string
  /** Account ids, each with its role, sorted, with commas between. */
  readonly members: string
}

export interface SettingsAccount extends Told {
  readonly ordersOpen: boolean
  /** Each class of requests with its limit, sorted, with commas between. */
  readonly limits: string
  readonly outboxCapEvents: number | undefined
}

/** By aggregate id. */
export interface Accounts {
  readonly orders: ReadonlyMap<string, OrderAccount>
  readonly reservations: ReadonlyMap<string, ReservationAccount>
  readonly levels: ReadonlyMap<string, LevelAccount>
  readonly products: ReadonlyMap<string, ProductAccount>
  readonly shops: ReadonlyMap<string, ShopAccount>
  readonly settings: ReadonlyMap<string, SettingsAccount>
}

/** The aggregates of each source, and the topic on which they are told. */
export function sourcesOf(accounts: Accounts): ReadonlyMap<string, Source> {
  return new Map<string, Source>([
    ['/order/orders', { topic: 'order-topic', noun: 'order', aggregates: accounts.orders }],
    ['/stock/reservations', { topic: 'stock-topic', noun: 'reservation', aggregates: accounts.reservations }],
    ['/stock/products', { topic: 'stock-topic', noun: 'stock of', aggregates: accounts.levels }],
    ['/product/products', { topic: 'product-topic', noun: 'product', aggregates: accounts.products }],
    ['/seller/shops', { topic: 'seller-topic', noun: 'shop', aggregates: accounts.shops }],
    ['/account/settings', { topic: 'settings-topic', noun: 'settings of', aggregates: accounts.settings }],
  ])
}

export interface Source {
  readonly topic: string
  readonly noun: string
  readonly aggregates: ReadonlyMap<string, Told>
}
