import { fact, type Fact } from '@timesale/contracts/event'
import { UNITS_MAX, type Sale } from '@timesale/contracts/fields'
import type { ChangeProduct, CreateProduct, ProductView } from '@timesale/contracts/product-api'
import { ProductChanged } from '@timesale/contracts/product-events'
import { Refusal } from '@timesale/contracts/refusals'
import { writeViewToken } from '@timesale/contracts/view-token'

export type Product = ProductView

/** The product after a decision, and what the rest of the shop should hear of it. */
export interface Decision {
  readonly product: Product
  readonly facts: readonly Fact[]
}

export function createProduct(productId: string, wish: CreateProduct): Decision {
  return told({
    productId,
    name: wish.name,
    priceMinor: wish.priceMinor,
    currency: wish.currency,
    unitsOnSale: wish.units ?? 0,
    ...(wish.shopId === undefined ? {} : { shopId: wish.shopId }),
    version: 1,
  })
}

/** True where creating it again asks for what is there already: a repeated request, not another product. */
export function isSameAsCreated(product: Product, wish: CreateProduct): boolean {
  return (
    product.name.ko === wish.name.ko &&
    product.name.en === wish.name.en &&
    product.priceMinor === wish.priceMinor &&
    product.currency === wish.currency &&
    product.unitsOnSale === (wish.units ?? 0) &&
    product.shopId === wish.shopId
  )
}

export function changeProduct(product: Product, wish: ChangeProduct): Decision {
  const changed = { ...product, name: wish.name ?? product.name, priceMinor: wish.priceMinor ?? product.priceMinor }
  const same =
    changed.name.ko === product.name.ko &&
    changed.name.en === product.name.en &&
    changed.priceMinor === product.priceMinor
  return same ? { product, facts: [] } : told({ ...changed, version: product.version + 1 })
}

export function addUnits(product: Product, add: number): Decision {
  const unitsOnSale = product.unitsOnSale + add
  if (unitsOnSale > UNITS_MAX) throw invalid('add', `must not raise the units on sale above ${UNITS_MAX}`)
  return told({ ...product, unitsOnSale, version: product.version + 1 })
}

const DAY_MS = 24 * 60 * 60 * 1000
const SALE_DAYS_MAX = 31

/**
 * Puts a time sale on a product, or changes the one it has. `now` is the database's. Throws `invalid-request` naming the
 * field. What is asked for again is no change, also after the sale has ended.
 */
export function putSale(product: Product, wish: Sale, now: Date): Decision {
  const startsAt = instantOf(wish, 'startsAt')
  const endsAt = instantOf(wish, 'endsAt')
  const sale = { ...wish, startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString() }
  if (product.sale !== undefined && isSameSale(product.sale, sale)) return { product, facts: [] }

  if (endsAt <= startsAt) throw invalid('endsAt', 'must be after startsAt')
  if (endsAt.getTime() - startsAt.getTime() > SALE_DAYS_MAX * DAY_MS) {
    throw invalid('endsAt', `must not be more than ${SALE_DAYS_MAX} days after startsAt`)
  }
  if (endsAt <= now) throw invalid('endsAt', 'must be in the future')
  if (wish.units > product.unitsOnSale) {
    throw invalid('units', `must not be above the units ever put on sale, ${product.unitsOnSale}`)
  }
  // Hardly meant, and told too late by the first who buys.
  if (wish.priceMinor > product.priceMinor) {
    throw invalid('priceMinor', `must not be above the product's own price, ${product.priceMinor}`)
  }
  if (wish.limitPerBuyer !== undefined && wish.limitPerBuyer > wish.units) {
    throw invalid('limitPerBuyer', `must not be above units, ${wish.units}`)
  }
  return told({ ...product, sale, version: product.version + 1 })
}

/** Takes the time sale off: the product can be ordered at its own price again, at any time. */
export function takeSaleOff(product: Product): Decision {
  const { sale, ...plain } = product
  return sale === undefined ? { product, facts: [] } : told({ ...plain, version: product.version + 1 })
}

function isSameSale(one: Sale, other: Sale): boolean {
  return (
    one.saleId === other.saleId &&
    one.priceMinor === other.priceMinor &&
    one.units === other.units &&
    one.startsAt === other.startsAt &&
    one.endsAt === other.endsAt &&
    one.limitPerBuyer === other.limitPerBuyer
  )
}

// RFC 3339 has more than a Date holds: leap seconds, and years that are negative in UTC.
function instantOf(sale: Sale, field: 'startsAt' | 'endsAt'): Date {
  const instant = new Date(sale[field])
  const year = instant.getUTCFullYear()
  if (!(year >= 1 && year <= 9_999)) throw invalid(field, 'is not an instant that can be told')
  return instant
}

function invalid(field: string, message: string): Refusal {
  return new Refusal('invalid-request', { errors: [{ field, message }] }, `${field} ${message}`)
}

/** Names the product's last fact, for whoever reads it elsewhere next. */
export function viewTokenOf({ productId, version }: Product): string {
  return writeViewToken({ source: ProductChanged.source, aggregateId: productId, version })
}

function told(product: Product): Decision {
  const { version, ...data } = product
  return { product, facts: [fact(ProductChanged, { aggregateId: product.productId, version, data })] }
}
