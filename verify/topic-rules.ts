import type { PrintedRecord } from '@timesale/testkit/console-consumer'
import {
  sourcesOf,
  type Accounts,
  type LevelAccount,
  type OrderAccount,
  type ProductAccount,
  type ReservationAccount,
  type SettingsAccount,
  type ShopAccount,
  type Source,
  type Told,
} from './accounts.ts'
import { eventOf, placeOf, type EventRecord } from './event-record.ts'
import { count, type Rule, type Rulebook, type RuleName } from './finding.ts'
import { partitionOf } from './partition-of.ts'
import { limitsText } from './settings.ts'

export interface TopicRulesOptions {
  readonly accounts: Accounts
  readonly rules: Rulebook
  /** How many partitions a topic has. */
  partitionsOf(topic: string): number
  /** Whether a record was put there on purpose and must be ignored by all (`placeOf`). */
  isExpected(place: string): boolean
  /** Hears each event once, in the order of its partition. */
  readonly onFirst: (event: EventRecord) => void
}

/**
 * Compares the events on the topics with the rows that they came from. Records may be there twice; each version must be
 * there once at least, the first of each behind the first of the one before, on the partition of its key, saying what
 * its row says, and none without a row.
 */
export class TopicRules {
  readonly #options: TopicRulesOptions
  readonly #sources: ReadonlyMap<string, Source>
  #records = 0
  #again = 0

  constructor(options: TopicRulesOptions) {
    this.#options = options
    this.#sources = sourcesOf(options.accounts)
  }

  take(topic: string, record: PrintedRecord): void {
    this.#records += 1
    const place = placeOf({ topic, ...record })
    if (this.#options.isExpected(place)) return
    const event = eventOf(topic, record)
    if (typeof event === 'string') return this.#rule('nowhere').broken(`${place} is no event of the shop: ${event}`)
    const source = this.#sources.get(event.source)
    if (source === undefined || source.topic !== topic) {
      return this.#rule('nowhere').broken(`${place} comes from ${event.source}, which does not publish there`)
    }
    const row = source.aggregates.get(event.aggregateId)
    if (row === undefined) return this.#rule('nowhere').broken(`${nameOf(event)} at ${place}: there is no such row`)
    if (event.version > row.version) {
      return this.#rule('nowhere').broken(`${nameOf(event)} at ${place}: its row is at version ${row.version}`)
    }
    const partition = partitionOf(Buffer.from(event.aggregateId), this.#options.partitionsOf(topic))
    if (partition !== event.partition)
      this.#rule('placed').broken(`${nameOf(event)} at ${place} belongs on ${partition}`)
    const complaint = complaintOf(event, row, this.#options.accounts)
    if (complaint !== undefined) this.#rule('same').broken(`${nameOf(event)} at ${place}: ${complaint}`)
    this.#follow(event, row, place)
  }

  /** After the last record. */
  end(): void {
    const missing = this.#rule('complete')
    let versions = 0
    for (const { noun, aggregates } of this.#sources.values()) {
      for (const [id, row] of aggregates) {
        versions += row.version
        for (let version = row.seen + 1; version <= row.version; version += 1) {
          if (row.early?.has(version) !== true) missing.broken(`version ${version} of ${noun} ${id}`)
        }
      }
    }
    missing.says(`${count(versions)} events`)
    this.#rule('nowhere').says(`${count(this.#records)} records, ${count(this.#again)} of them repeated`)
    const { products, levels, orders } = this.#options.accounts
    const aggregates = [...this.#sources.values()].reduce((sum, source) => sum + source.aggregates.size, 0)
    this.#rule('ordered').says(`${count(aggregates)} aggregates`)
    this.#rule('placed').says(`${count(orders.size)} orders, ${count(products.size + levels.size)} products`)
    this.#rule('same').says(`${count(versions)} compared`)
  }

  #follow(event: EventRecord, row: Told, place: string): void {
    const { version } = event
    if (version <= row.seen || row.early?.has(version) === true) {
      this.#again += 1
      return
    }
    if (version !== row.seen + 1) {
      // Told once: what fills the gap later is in order behind those before it.
      this.#rule('ordered').broken(`${nameOf(event)} at ${place} is before version ${row.seen + 1}`)
      row.early = (row.early ?? new Set()).add(version)
    } else {
      row.seen = version
      while (row.early?.delete(row.seen + 1) === true) row.seen += 1
    }
    this.#options.onFirst(event)
  }

  #rule(name: RuleName): Rule {
    return this.#options.rules.rule(name)
  }
}

function nameOf({ type, aggregateId, version }: EventRecord): string {
  return `${type} ${aggregateId}.${version}`
}

function complaintOf(event: EventRecord, row: Told, { levels }: Accounts): string | undefined {
  switch (event.source) {
    case '/order/orders':
      return complaintOfOrder(event, row as OrderAccount)
    case '/stock/reservations':
      return complaintOfReservation(event, row as ReservationAccount, levels)
    case '/stock/products':
      return complaintOfLevel(event, row as LevelAccount)
    case '/seller/shops':
      return complaintOfShop(event, row as ShopAccount)
    case '/account/settings':
      return complaintOfSettings(event, row as SettingsAccount)
    default:
      return complaintOfProduct(event, row as ProductAccount)
  }
}

const ORDER_TYPES: Readonly<Record<string, string>> = {
  PLACED: 'order.placed.v1',
  CONFIRMED: 'order.confirmed.v1',
  REJECTED: 'order.rejected.v1',
  CANCELLED: 'order.cancelled.v1',
}

function complaintOfOrder({ version, type, aggregateId, data }: EventRecord, order: OrderAccount): string | undefined {
  const status = version === 1 ? 'PLACED' : version === order.version ? order.status : undefined
  if (status !== undefined && type !== ORDER_TYPES[status]) return `its order was ${status} then`
  const reasons = REASONS[type]
  const { buyerId, productId, quantity, unitPriceMinor, currency } = order
  const about = { orderId: aggregateId, buyerId, productId, quantity, unitPriceMinor, currency }
  // Placed in a sale, it says on what terms; what became of it afterwards does not.
  if (version !== 1) return differenceOf(data, about, reasons)
  const { sale, ...rest } = data
  const saleId = (sale as { saleId?: unknown } | undefined)?.saleId
  if (saleId !== order.sale?.saleId) return `its sale is ${String(saleId)}, and ${order.sale?.saleId} in its row`
  return differenceOf(rest, about, reasons)
}

const REFUSALS = ['sold-out', 'unknown-product', 'sale-sold-out', 'buyer-limit']

const REASONS: Readonly<Record<string, readonly string[]>> = {
  'order.rejected.v1': REFUSALS,
  'order.cancelled.v1': ['buyer'],
  'stock.rejected.v1': REFUSALS,
}

const RESERVATION_TYPES: Readonly<Record<string, readonly string[]>> = {
  HELD: ['stock.reserved.v1'],
  COMMITTED: ['stock.reserved.v1', 'stock.committed.v1'],
  RELEASED: ['stock.reserved.v1', 'stock.released.v1'],
  REFUSED: ['stock.rejected.v1'],
}

function complaintOfReservation(
  { version, type, aggregateId, data }: EventRecord,
  { state, productId, quantity }: ReservationAccount,
  levels: Accounts['levels'],
): string | undefined {
  if (RESERVATION_TYPES[state]?.[version - 1] !== type) return `its reservation is ${state}`
  if (data['reason'] === 'sold-out' && !levels.has(productId)) return `there never was any ${productId} in stock`
  return differenceOf(data, { orderId: aggregateId, productId, quantity }, REASONS[type])
}

function complaintOfLevel({ version, type, aggregateId, data }: EventRecord, level: LevelAccount): string | undefined {
  if (type !== 'stock.announced.v1') return 'it is no announcement'
  // Of a product without units there is no movement.
  return differenceOf(data, { productId: aggregateId, unitsOnSale: level.announced.get(version) ?? 0 })
}

function complaintOfProduct(event: EventRecord, product: ProductAccount): string | undefined {
  if (event.type !== 'product.changed.v1') return 'it is no change'
  // The row remembers its newest version only.
  if (event.version !== product.version) return undefined
  const { nameKo, nameEn, priceMinor, currency, unitsOnSale, shopId } = product
  const { name, sale, ...rest } = event.data
  const named = differenceOf((name ?? {}) as Record<string, unknown>, { ko: nameKo, en: nameEn })
  const about = { productId: event.aggregateId, priceMinor, currency, unitsOnSale, shopId }
  return named ?? differenceOf(rest, about) ?? complaintOfSale(sale, product.sale)
}

function complaintOfSale(sale: unknown, row: ProductAccount['sale']): string | undefined {
  const told = Object.entries((sale ?? {}) as Record<string, unknown>).map(([field, value]) => {
    return [field, field.endsWith('At') ? instantOf(String(value)) : value]
  })
  const difference = differenceOf(Object.fromEntries(told) as Record<string, unknown>, row ?? {})
  return difference === undefined ? undefined : `of its sale, ${difference}`
}

function instantOf(text: string): string {
  const at = new Date(text)
  return Number.isNaN(at.getTime()) ? text : at.toISOString()
}

function complaintOfShop({ version, type, aggregateId, data }: EventRecord, shop: ShopAccount): string | undefined {
  if (type !== 'shop.changed.v1') return 'it is no change of a shop'
  // As for products.
  if (version !== shop.version) return undefined
  const { members, ...rest } = data
  const who = ((members ?? []) as { accountId: string; role: string }[]).map((one) => `${one.accountId} ${one.role}`)
  const told = { ...rest, members: who.toSorted().join(', ') }
  return differenceOf(told, { shopId: aggregateId, name: shop.name, members: shop.members })
}

function complaintOfSettings(
  { version, type, aggregateId, data }: EventRecord,
  settings: SettingsAccount,
): string | undefined {
  if (type !== 'settings.changed.v1') return 'it is no change of settings'
  // As for products.
  if (version !== settings.version) return undefined
  const { ordersOpen, limits, outboxCapEvents } = settings
  const told = { ...data, limits: limitsText((data['limits'] ?? {}) as Parameters<typeof limitsText>[0]) }
  return differenceOf(told, { settingsId: aggregateId, ordersOpen, limits, outboxCapEvents })
}

function differenceOf(
  data: Readonly<Record<string, unknown>>,
  row: Readonly<Record<string, unknown>>,
  reasons?: readonly string[],
): string | undefined {
  for (const field in row) {
    if (data[field] !== row[field]) {
      return `${field} is ${JSON.stringify(data[field])}, and ${JSON.stringify(row[field])} in its row`
    }
  }
  if (reasons !== undefined && !reasons.includes(String(data['reason']))) {
    return `its reason is ${JSON.stringify(data['reason'])}`
  }
  for (const field in data) {
    if (!(field in row) && !(field === 'reason' && reasons !== undefined)) return `it has a field ${field}`
  }
  return undefined
}
