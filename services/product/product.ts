import { fact, type Fact } from '@timesale/contracts/event'
import { UNITS_MAX } from '@timesale/contracts/fields'
import type { ChangeProduct, CreateProduct, ProductView } from '@timesale/contracts/product-api'
import { ProductChanged } from '@timesale/contracts/product-events'
import { Refusal } from '@timesale/contracts/refusals'

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
    product.unitsOnSale === (wish.units ?? 0)
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
  if (unitsOnSale > UNITS_MAX) {
    const errors = [{ field: 'add', message: `must not raise the units on sale above ${UNITS_MAX}` }]
    throw new Refusal('invalid-request', { errors })
  }
  return told({ ...product, unitsOnSale, version: product.version + 1 })
}

function told(product: Product): Decision {
  const { version, ...data } = product
  return { product, facts: [fact(ProductChanged, { aggregateId: product.productId, version, data })] }
}
